//! What the host reports, as records.

use std::time::Duration;

use serde_json::Value;

use super::record::{End, Recognised, Record, Utterance};
use super::tap::Tap;
use crate::audio::EARS_RATE_HZ;
use crate::id::{HumanId, LineId, PersonaId, TurnId};
use crate::latency::TurnRecord;
use crate::llm::Medium;
use crate::medium::MediumId;
use crate::persona::Mode;
use crate::picture::{Picture, Source};
use crate::room::{self, Caption, Command, LinkState, Member};
use crate::sound::Sound;
use crate::speech::{self, What};
use crate::stt::gate::Evidence;
use crate::stt::hearing;
use crate::stt::service::{Heard, Partial};
use crate::time::{Time, micros};
use crate::turn::{Grant, Manner, Memory, Restart, SpeechEnd};

impl Tap {
    /// What came from the room.
    pub fn room(&self, now: Time, event: &room::Event) {
        match event {
            room::Event::Audio { human, at, samples } => {
                self.sound(human.as_str(), *at, EARS_RATE_HZ, samples);
            }
            room::Event::AudioEnded { human } => {
                self.told(now, |_| Record::Muted { human: human.clone() });
            }
            // A typed line is told when it is taken, see [`Self::typed`]; of what was shown, the
            // pictures that were made of it, see [`Self::picture`].
            room::Event::Chat { .. }
            | room::Event::View { .. }
            | room::Event::Frame { .. }
            | room::Event::Pasted { .. }
            | room::Event::Picture { .. } => {}
            room::Event::HumanJoined { human, name } => {
                self.told(now, |_| Record::Join { human: human.clone(), name: name.clone() });
            }
            room::Event::HumanLeft { human } => {
                self.told(now, |_| Record::Leave { human: human.clone() });
            }
            room::Event::Link { member, state } => self.told(now, |_| {
                let persona = match member {
                    Member::Listener => None,
                    Member::Persona(persona) => Some(persona.clone()),
                };
                match state {
                    LinkState::Up => Record::Link { persona, up: true, cause: None },
                    LinkState::Down { cause } => {
                        Record::Link { persona, up: false, cause: Some(cause.clone()) }
                    }
                }
            }),
        }
    }

    /// A human's chat message, with the pictures that belong to it before it.
    pub fn typed(&self, now: Time, human: &HumanId, text: &str) {
        self.told(now, |_| Record::Typed { human: human.clone(), text: text.to_owned() });
    }

    /// A picture of what a human showed; none: nobody could look at it.
    pub fn picture(&self, now: Time, human: &HumanId, source: Source, picture: Option<&Picture>) {
        let picture = picture.filter(|picture| self.keep(Medium::Picture((*picture).clone())));
        self.told(now, |_| Record::Picture {
            human: human.clone(),
            source,
            picture: picture.map(|picture| picture.id().clone()),
        });
    }

    /// What was made of a human's sound.
    pub fn hearing(&self, now: Time, event: &hearing::Event) {
        match event {
            hearing::Event::SpeechStarted { human, at } => {
                self.told(now, |tape| Record::Onset {
                    human: human.clone(),
                    voiced_us: tape.us(*at),
                });
            }
            hearing::Event::SpeechDropped { human } => {
                self.told(now, |_| Record::Noise { human: human.clone() });
            }
            hearing::Event::Lasts { human, voiced } => self.told(now, |_| {
                let (human, voiced_us) = (human.clone(), micros(*voiced));
                Record::Lasts { human, voiced_us }
            }),
            hearing::Event::Utterance(utterance) => self.told(now, |tape| {
                Record::Utterance(Utterance {
                    utterance: utterance.id,
                    human: utterance.human.clone(),
                    voiced_start_us: tape.us(utterance.voiced_start),
                    voiced_end_us: tape.us(utterance.voiced_end),
                    endpoint_us: tape.us(utterance.endpoint),
                    voiced_us: micros(utterance.voiced),
                    clip_us: micros(utterance.clip.duration()),
                    level: Evidence::of(utterance).level,
                    cut: utterance.cut,
                })
            }),
            // A pause leads to work ahead of time only; what came of that is in what follows.
            // Words come as they are shown, see [`Self::partial`].
            hearing::Event::Words { .. }
            | hearing::Event::Lull(_)
            | hearing::Event::Paused(_)
            | hearing::Event::StillPaused(_)
            | hearing::Event::Resumed { .. } => {}
        }
    }

    /// Words that are shown before it is known whether they are all.
    pub fn partial(&self, now: Time, partial: &Partial) {
        let Partial { human, utterance, text } = partial;
        self.told(now, |_| Record::Partial {
            utterance: *utterance,
            human: human.clone(),
            text: text.clone(),
        });
    }

    /// What the recogniser made of an utterance, and what those who hear have of it.
    pub fn heard(&self, heard: &Heard, sound: Option<&Sound>) {
        // What found no place is not named, so that the tape stays whole.
        let sound = sound.filter(|sound| self.keep(Medium::Sound((*sound).clone())));
        self.told(heard.done, |_| {
            Record::Recognised(Recognised {
                utterance: heard.utterance.id,
                merged: heard.merged.clone(),
                // A pass that began in a pause has less to do after the endpoint, or nothing.
                took_us: micros(heard.done.since(heard.begun.max(heard.utterance.endpoint))),
                text: heard.text.as_ref().ok().cloned(),
                error: heard.text.as_ref().err().map(ToString::to_string),
                sound: sound.map(|sound| sound.id().clone()),
            })
        });
    }

    pub fn mode(&self, now: Time, persona: &PersonaId, mode: Mode) {
        self.told(now, |_| Record::Mode { persona: persona.clone(), mode });
    }

    pub fn hush(&self, now: Time, persona: &PersonaId) {
        self.told(now, |_| Record::Hush { persona: persona.clone() });
    }

    /// Who is in a room in which a recording begins, as if they came now.
    pub fn standing(
        &self,
        now: Time,
        cast: impl Iterator<Item = (PersonaId, Mode, bool)>,
        humans: impl Iterator<Item = (HumanId, String)>,
    ) {
        for (persona, mode, hosted) in cast {
            self.mode(now, &persona, mode);
            if hosted {
                self.told(now, |_| Record::Link { persona: Some(persona), up: true, cause: None });
            }
        }
        for (human, name) in humans {
            self.told(now, |_| Record::Join { human, name });
        }
    }

    /// Nothing is under way: from here on a tape that began in the middle can be replayed. `lines`
    /// is how many there were so far.
    pub fn scene(&self, now: Time, lines: u64, memory: Memory) {
        self.told(now, |tape| Record::Scene { begin_us: tape.begin().as_us(), lines, memory });
    }

    /// A new entry of the transcript.
    pub fn line(
        &self,
        now: Time,
        line: LineId,
        (speaker, name): (&str, &str),
        manner: Manner,
        text: &str,
        (pictures, sound): (&[MediumId], Option<&MediumId>),
    ) {
        self.record(now, || Record::Line {
            line,
            speaker: speaker.to_owned(),
            name: name.to_owned(),
            manner,
            text: text.to_owned(),
            pictures: pictures.to_vec(),
            sound: sound.cloned(),
        });
    }

    pub fn granted(&self, now: Time, grant: &Grant) {
        self.record(now, || Record::Granted {
            turn: grant.turn,
            persona: grant.persona.clone(),
            line: grant.line,
            confidence: grant.confidence,
        });
    }

    /// A human's word set a persona's mode.
    pub fn became(&self, now: Time, persona: &PersonaId, mode: Mode) {
        self.record(now, || Record::Became { persona: persona.clone(), mode });
    }

    /// A speech was told to stop.
    pub fn stopped(&self, now: Time, turn: TurnId, fade: Duration) {
        self.record(now, || Record::Stopped { turn, fade_us: micros(fade) });
    }

    /// A speech was told to wait in silence.
    pub fn held(&self, now: Time, turn: TurnId, fade: Duration) {
        self.record(now, || Record::Held { turn, fade_us: micros(fade) });
    }

    /// A speech was told to go on.
    pub fn resumed(&self, now: Time, turn: TurnId, from: Restart) {
        self.record(now, || Record::Resumed { turn, from });
    }

    /// The begin and the end of a speech; what lies between stands in its turn's record.
    pub fn speech(&self, event: &speech::Event) {
        let turn = event.turn;
        match &event.what {
            What::Published => self.record(event.at, || Record::Began { turn }),
            What::Ended(ended) => self.record(event.at, || {
                let (end, reason) = match &ended.end {
                    SpeechEnd::Finished => (End::Finished, None),
                    SpeechEnd::Stopped => (End::Stopped, None),
                    SpeechEnd::Failed { reason } => (End::Failed, Some(reason.clone())),
                };
                let (heard, said) = (ended.heard.clone(), ended.said.clone());
                Record::Ended { turn, heard, said, end, reason }
            }),
        }
    }

    pub fn settled(&self, now: Time, record: &TurnRecord) {
        self.record(now, || {
            // By way of text, so that numbers stay as short as they are written.
            let text = serde_json::to_string(record).unwrap_or_default();
            Record::Turn { record: serde_json::from_str(&text).unwrap_or(Value::Null) }
        });
    }

    /// What the room is told.
    pub(super) fn command(&self, now: Time, command: &Command) {
        match command {
            Command::State { persona, state } => {
                self.record(now, || Record::State { persona: persona.clone(), state: *state });
            }
            Command::Caption(Caption { speaker, segment, text, last }) => {
                self.record(now, || Record::Caption {
                    speaker: speaker.as_str().to_owned(),
                    segment: segment.clone(),
                    text: text.clone(),
                    last: *last,
                });
            }
            Command::Chat { persona, text } => {
                self.record(now, || Record::Chat { persona: persona.clone(), text: text.clone() });
            }
            Command::Recording(_) => {}
        }
    }
}
