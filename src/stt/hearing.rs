//! From a human's sound to utterances: detector, gate, endpointer and the sound they cut.
//!
//! Plain structs without tasks. Whoever owns them calls [`Hearing::wake`] at
//! [`Hearing::wake_at`], because a muted or silent microphone sends nothing at all.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::audio::{Clip, EARS_RATE_HZ, samples_to_duration};
use crate::id::{HumanId, UtteranceId};
use crate::stt::Utterance;
use crate::time::Time;
use crate::turn::endpointing::{Effect, Endpointer, Frame, Span};
use crate::vad::detector::Detector;

mod recording;

pub use crate::turn::endpointing::Options;
use recording::Recording;

/// Missing sound is replaced by so much silence at most: enough to keep words apart.
const BRIDGE_MAX: Duration = Duration::from_millis(200);

/// What was heard.
#[derive(Clone, Debug)]
pub enum Event {
    /// A human began to speak, `at` the first voiced sample. One `SpeechDropped` or `Utterance`
    /// follows before that human's next `SpeechStarted`.
    SpeechStarted {
        human: HumanId,
        at: Time,
    },
    /// There is no voice just now: as [`Self::Paused`], but it is no pause yet.
    Lull(Utterance),
    /// The human pauses: the utterance as it is if nothing more is said. It keeps its id, and its
    /// `endpoint` is now.
    Paused(Utterance),
    /// The pause goes on: the same, with all the silence so far.
    StillPaused(Utterance),
    /// The human went on after a pause or a lull.
    Resumed {
        human: HumanId,
    },
    /// There is much voice, `voiced` in all: see [`Effect::Lasts`].
    Lasts {
        human: HumanId,
        voiced: Duration,
    },
    /// The words so far, as they were recognised in a pause. Only a tape by hand tells them here.
    Words {
        human: HumanId,
        text: String,
    },
    /// It was no speech after all.
    SpeechDropped {
        human: HumanId,
    },
    Utterance(Utterance),
}

/// Everybody's ears.
#[derive(Default)]
pub struct Hearing {
    options: Options,
    ears: BTreeMap<HumanId, Ear>,
    ids: UtteranceIds,
}

impl Hearing {
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// Takes a human's sound: see [`Ear::audio`].
    pub fn audio(&mut self, now: Time, human: &HumanId, at: Time, samples: &[i16]) -> Vec<Event> {
        if !self.ears.contains_key(human) {
            self.ears.insert(human.clone(), Ear::new(human.clone(), self.options.clone()));
        }
        match self.ears.get_mut(human) {
            Some(ear) => ear.audio(now, at, samples, &mut self.ids),
            None => Vec::new(),
        }
    }

    /// The human's track ended, was muted, or the human left. What was said is kept.
    pub fn end(&mut self, now: Time, human: &HumanId) -> Option<Event> {
        self.ears.remove(human)?.end(now, &mut self.ids)
    }

    /// Takes what a model made of the pause of `human` that began at `voiced_end`: see
    /// [`Endpointer::judged`]. The events are those of [`Self::wake`].
    pub fn judged(
        &mut self,
        now: Time,
        human: &HumanId,
        voiced_end: Time,
        complete: f32,
    ) -> Vec<Event> {
        let Some(ear) = self.ears.get_mut(human) else { return Vec::new() };
        if !ear.endpointer.judged(voiced_end, complete) {
            return Vec::new();
        }
        ear.wake(now, &mut self.ids).into_iter().collect()
    }

    /// When [`Self::wake`] is due.
    pub fn wake_at(&self) -> Option<Time> {
        self.ears.values().filter_map(Ear::wake_at).min()
    }

    /// Ends utterances whose humans' sound stopped coming.
    pub fn wake(&mut self, now: Time) -> Vec<Event> {
        self.ears.values_mut().filter_map(|ear| ear.wake(now, &mut self.ids)).collect()
    }

    /// Somebody makes a sound that may be speech with the next frames.
    pub fn anybody_rises(&self) -> bool {
        self.ears.values().any(|ear| ear.endpointer.is_rising())
    }

    /// Is an utterance of this human in hand?
    pub fn speaks(&self, human: &HumanId) -> bool {
        self.ears.get(human).is_some_and(Ear::speaks)
    }

    /// Is somebody speaking just now?
    pub fn anybody_speaks(&self) -> bool {
        self.ears.values().any(Ear::speaks)
    }
}

/// Numbers the utterances of a run.
#[derive(Debug, Default)]
pub struct UtteranceIds(u64);

impl UtteranceIds {
    fn next(&mut self) -> UtteranceId {
        self.0 += 1;
        UtteranceId(self.0)
    }
}

/// One human's ear.
pub struct Ear {
    human: HumanId,
    detector: Detector,
    endpointer: Endpointer,
    recording: Recording,
    newest: Option<Time>,
    gap: Duration,
    /// The id of the utterance in hand, once it has paused or had a lull.
    told: Option<UtteranceId>,
}

impl Ear {
    pub fn new(human: HumanId, options: Options) -> Self {
        Self {
            human,
            detector: Detector::default(),
            gap: options.gap,
            endpointer: Endpointer::new(options),
            recording: Recording::default(),
            newest: None,
            told: None,
        }
    }

    /// Takes mono samples at [`EARS_RATE_HZ`], in order, any number of them. `at` is when the
    /// last of them came out of the transport.
    pub fn audio(
        &mut self,
        now: Time,
        at: Time,
        samples: &[i16],
        ids: &mut UtteranceIds,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        let begin = at - samples_to_duration(samples.len(), EARS_RATE_HZ);
        if let Some(newest) = self.newest
            && begin.since(newest) > self.gap
        {
            events.extend(self.wake(now.min(begin), ids));
            let missing = begin.since(newest).min(BRIDGE_MAX);
            self.listen(now, begin, &recording::silence(missing), ids, &mut events);
        }
        self.listen(now, at, samples, ids, &mut events);
        self.newest = Some(at);
        self.recording.forget_before(self.endpointer.needed_from_sample());
        events
    }

    fn listen(
        &mut self,
        now: Time,
        at: Time,
        samples: &[i16],
        ids: &mut UtteranceIds,
        events: &mut Vec<Event>,
    ) {
        self.recording.push(samples);
        for scored in self.detector.push(samples) {
            let frame = Frame {
                to_sample: self.recording.end() - scored.behind as u64,
                at: at - samples_to_duration(scored.behind, EARS_RATE_HZ),
                probability: scored.probability,
                level: scored.level,
            };
            for effect in self.endpointer.frame(now, frame) {
                events.push(self.event(effect, ids));
            }
        }
    }

    /// When [`Self::wake`] is due, should no sound come before.
    pub fn wake_at(&self) -> Option<Time> {
        self.endpointer.wake_at()
    }

    /// Ends an utterance whose sound stopped coming.
    pub fn wake(&mut self, now: Time, ids: &mut UtteranceIds) -> Option<Event> {
        let effect = self.endpointer.wake(now)?;
        Some(self.event(effect, ids))
    }

    /// The track ended; what was said until here is an utterance.
    pub fn end(&mut self, now: Time, ids: &mut UtteranceIds) -> Option<Event> {
        let effect = self.endpointer.end(now);
        self.detector.reset();
        self.newest = None;
        effect.map(|effect| self.event(effect, ids))
    }

    /// An utterance is in hand.
    pub fn speaks(&self) -> bool {
        self.endpointer.is_open()
    }

    fn event(&mut self, effect: Effect, ids: &mut UtteranceIds) -> Event {
        let human = self.human.clone();
        match effect {
            Effect::SpeechStarted { at } => Event::SpeechStarted { human, at },
            Effect::SpeechDropped => Event::SpeechDropped { human },
            Effect::Resumed => Event::Resumed { human },
            Effect::Lasts { voiced } => Event::Lasts { human, voiced },
            Effect::Lull(span) => {
                let id = *self.told.get_or_insert_with(|| ids.next());
                Event::Lull(self.utterance(&span, id))
            }
            Effect::Paused(span) => {
                let id = *self.told.get_or_insert_with(|| ids.next());
                Event::Paused(self.utterance(&span, id))
            }
            Effect::StillPaused(span) => {
                let id = *self.told.get_or_insert_with(|| ids.next());
                let mut paused = self.utterance(&span, id);
                paused.clip = self.up_to(paused.clip, span.endpoint);
                Event::StillPaused(paused)
            }
            Effect::Utterance(span) => {
                let id = self.told.take().unwrap_or_else(|| ids.next());
                Event::Utterance(self.utterance(&span, id))
            }
        }
    }

    /// With silence where sound stopped coming.
    fn up_to(&self, clip: Clip, now: Time) -> Clip {
        let missing = self.newest.map_or(Duration::ZERO, |newest| now.since(newest));
        if missing <= self.gap {
            return clip;
        }
        let silence = recording::silence(missing).into_iter().map(f32::from);
        Clip { samples: clip.samples.iter().copied().chain(silence).collect() }
    }

    fn utterance(&self, span: &Span, id: UtteranceId) -> Utterance {
        Utterance {
            id,
            human: self.human.clone(),
            clip: Clip { samples: self.recording.copy(span.from_sample, span.to_sample) },
            voiced_start: span.voiced_start,
            voiced_end: span.voiced_end,
            endpoint: span.endpoint,
            voiced: span.voiced,
            cut: span.cut,
        }
    }
}

#[cfg(test)]
mod tests;
