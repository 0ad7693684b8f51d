//! From the records of a tape to what is told to the room, and what its doubles answer.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::parts::{Answer, Clause, Recognised, Step, stand_in};
use crate::admin::state::Command;
use crate::id::{HumanId, PersonaId, UtteranceId};
use crate::llm::Finish;
use crate::meaning::Meaning;
use crate::room::{self, LinkState, Member};
use crate::sound::Sound;
use crate::stt;
use crate::stt::hearing;
use crate::stt::service::Partial;
use crate::tape::{Entry, Record, Reply, Scored, Tape, Utterance};
use crate::time::Time;
use crate::turn::Memory;
use crate::turn::endpointing::{LASTING, LONG};

/// What a tape without an end is given to come to rest after its last record.
const REST_US: u64 = 5_000_000;
/// The sound before and after the voice that an utterance by hand is cut with.
const ROLL: Duration = Duration::from_millis(500);
/// Far above the level below which a clip counts as silence.
const HAND_LEVEL: f32 = 0.1;

/// Everything for one replay.
pub(super) struct Plan {
    /// Who came and went before the replayed part; what comes of that is no effect of it.
    pub(super) before: Vec<(Time, Feed)>,
    /// In order of time; what is told at one time, in the tape's order.
    pub(super) feed: Vec<(Time, Feed)>,
    pub(super) recognitions: HashMap<UtteranceId, Recognised>,
    /// What utterances sounded like to those who hear.
    pub(super) sounds: HashMap<UtteranceId, Sound>,
    pub(super) answers: HashMap<PersonaId, VecDeque<Answer>>,
    pub(super) scores: Vec<Scored>,
    /// What texts meant, by their fingerprints.
    pub(super) meant: HashMap<String, VecDeque<(Duration, Meaning)>>,
    pub(super) clauses: HashMap<String, VecDeque<Clause>>,
    /// What the room goes on from, and how many lines there were before.
    pub(super) memory: Option<(u64, Memory)>,
    /// When the tape begins, as the room counts.
    pub(super) begin: Time,
    pub(super) end: Time,
}

/// Something that the room is told.
pub(super) enum Feed {
    Room(room::Event),
    Hearing(hearing::Event),
    Partial(Partial),
    Page(Command),
}

impl Plan {
    pub(super) fn of(tape: &Tape) -> Self {
        let mut plan = Self {
            before: Vec::new(),
            feed: Vec::new(),
            recognitions: HashMap::new(),
            sounds: HashMap::new(),
            answers: HashMap::new(),
            scores: Vec::new(),
            meant: HashMap::new(),
            clauses: HashMap::new(),
            memory: None,
            begin: Time::ZERO,
            end: Time::ZERO,
        };
        let from = tape.replayed_from();
        let (before, entries) = tape.entries.split_at(from);
        if let Some(Record::Scene { begin_us, lines, memory }) = entries.first().map(record) {
            plan.begin = Time::from_us(*begin_us);
            plan.memory = Some((*lines, memory.clone()));
        }
        plan.end = plan.at(tape.end_us().unwrap_or(tape.last_us() + REST_US));
        for entry in before.iter().filter(|entry| stands(&entry.record)) {
            plan.take(entry, tape, 0);
        }
        plan.before = std::mem::take(&mut plan.feed);
        let ids = tape.entries.iter().filter_map(|entry| match &entry.record {
            Record::Utterance(utterance) => Some(utterance.utterance.0),
            _ => None,
        });
        let mut by_hand = ids.max().unwrap_or(0);
        let mut requests = Requests::default();
        for entry in entries {
            if let Record::Says { .. } = entry.record {
                by_hand += 1;
            }
            plan.take(entry, tape, by_hand);
            requests.take(entry, tape.header.reply_tokens);
        }
        plan.answers = requests.into_answers();
        // Stable: the order within a moment stays.
        plan.feed.sort_by_key(|(at, _)| *at);
        plan
    }

    fn take(&mut self, entry: &Entry, tape: &Tape, by_hand: u64) {
        let at = self.at(entry.at_us);
        match &entry.record {
            Record::Utterance(utterance) => {
                let utterance = as_heard(utterance, |us| self.at(us));
                self.hears(at, hearing::Event::Utterance(utterance));
            }
            Record::Onset { human, voiced_us } => {
                let (human, voiced) = (human.clone(), self.at(*voiced_us));
                self.hears(at, hearing::Event::SpeechStarted { human, at: voiced });
            }
            Record::Noise { human } => {
                self.hears(at, hearing::Event::SpeechDropped { human: human.clone() });
            }
            Record::Partial { utterance, human, text } => {
                let (human, utterance, text) = (human.clone(), *utterance, text.clone());
                self.feed.push((at, Feed::Partial(Partial { human, utterance, text })));
            }
            Record::Lasts { human, voiced_us } => {
                let (human, voiced) = (human.clone(), Duration::from_micros(*voiced_us));
                self.hears(at, hearing::Event::Lasts { human, voiced });
            }
            Record::Words { human, text } => {
                let (human, text) = (human.clone(), text.clone());
                self.hears(at, hearing::Event::Words { human, text });
            }
            Record::Recognised(recognised) => {
                let answer = Recognised {
                    took: Duration::from_micros(recognised.took_us),
                    text: recognised.text.clone(),
                };
                self.recognitions.insert(recognised.utterance, answer);
                let sound = recognised.sound.as_ref().and_then(|id| tape.sounds.get(id));
                self.sounds.extend(sound.map(|sound| (recognised.utterance, sound.clone())));
            }
            Record::Says { human, text, speech_us, took_us } => {
                let speech = Duration::from_micros(*speech_us);
                let took = Duration::from_micros(*took_us);
                self.recognitions
                    .insert(UtteranceId(by_hand), Recognised { took, text: text.clone() });
                self.says(at, human, speech, tape.header.end_of_turn_us, UtteranceId(by_hand));
            }
            Record::Voice(voice) => {
                let clause = Clause {
                    took: Duration::from_micros(voice.took_us),
                    sound: Duration::from_micros(voice.sound_us),
                    lead: Duration::from_micros(voice.lead_us),
                    error: voice.error.clone(),
                };
                self.clauses.entry(voice.text.clone()).or_default().push_back(clause);
            }
            Record::Scored(scored) => self.scores.push(scored.clone()),
            Record::Meant(meant) => {
                self.meant.entry(meant.text.clone()).or_default().push_back(meant.told());
            }
            Record::Mode { persona, mode } => {
                let command = Command::Mode { persona: persona.clone(), mode: *mode };
                self.feed.push((at, Feed::Page(command)));
            }
            Record::Hush { persona } => {
                self.feed.push((at, Feed::Page(Command::Hush { persona: persona.clone() })));
            }
            Record::Picture { human, source, picture } => {
                let (human, picture) = (human.clone(), tape.picture(picture.as_ref()));
                let event = room::Event::Picture { human, source: *source, picture };
                self.feed.push((at, Feed::Room(event)));
            }
            other => {
                self.feed.extend(from_room(other).map(|event| (at, Feed::Room(event))));
            }
        }
    }

    /// A time of the tape, as the room counts.
    fn at(&self, us: u64) -> Time {
        self.begin + Duration::from_micros(us)
    }

    fn hears(&mut self, at: Time, event: hearing::Event) {
        self.feed.push((at, Feed::Hearing(event)));
    }

    /// What the ears make of a sentence.
    fn says(
        &mut self,
        at: Time,
        human: &HumanId,
        speech: Duration,
        silence_us: u64,
        id: UtteranceId,
    ) {
        self.hears(at, hearing::Event::SpeechStarted { human: human.clone(), at });
        for voiced in [LASTING, LONG].into_iter().filter(|voiced| *voiced <= speech) {
            self.hears(at + voiced, hearing::Event::Lasts { human: human.clone(), voiced });
        }
        let voiced_end = at + speech;
        let endpoint = voiced_end + Duration::from_micros(silence_us);
        let utterance = stt::Utterance {
            id,
            human: human.clone(),
            clip: stand_in(id, speech + ROLL, HAND_LEVEL),
            voiced_start: at,
            voiced_end,
            endpoint,
            voiced: speech,
            cut: false,
        };
        self.hears(endpoint, hearing::Event::Utterance(utterance));
    }
}

fn record(entry: &Entry) -> &Record {
    &entry.record
}

/// It tells who is in the room, and how.
fn stands(record: &Record) -> bool {
    use Record::{Join, Leave, Link, Mode};
    matches!(record, Link { .. } | Join { .. } | Leave { .. } | Mode { .. })
}

fn from_room(record: &Record) -> Option<room::Event> {
    Some(match record {
        Record::Link { persona, up, cause } => {
            let member = persona.clone().map_or(Member::Listener, Member::Persona);
            let cause = cause.clone().unwrap_or_default();
            let state = if *up { LinkState::Up } else { LinkState::Down { cause } };
            room::Event::Link { member, state }
        }
        Record::Join { human, name } => {
            room::Event::HumanJoined { human: human.clone(), name: name.clone() }
        }
        Record::Leave { human } => room::Event::HumanLeft { human: human.clone() },
        Record::Muted { human } => room::Event::AudioEnded { human: human.clone() },
        Record::Typed { human, text } => {
            room::Event::Chat { human: human.clone(), text: text.clone() }
        }
        _ => return None,
    })
}

fn as_heard(utterance: &Utterance, at: impl Fn(u64) -> Time) -> stt::Utterance {
    let clip = Duration::from_micros(utterance.clip_us);
    stt::Utterance {
        id: utterance.utterance,
        human: utterance.human.clone(),
        clip: stand_in(utterance.utterance, clip, utterance.level),
        voiced_start: at(utterance.voiced_start_us),
        voiced_end: at(utterance.voiced_end_us),
        endpoint: at(utterance.endpoint_us),
        voiced: Duration::from_micros(utterance.voiced_us),
        cut: utterance.cut,
    }
}

/// The engine's answers, request by request.
#[derive(Default)]
struct Requests {
    order: Vec<(PersonaId, u64)>,
    open: HashMap<u64, (u64, Answer)>,
    /// How many answers were written by hand; their numbers count down, recorded ones up.
    by_hand: u64,
}

impl Requests {
    fn take(&mut self, entry: &Entry, tokens_max: u32) {
        let (request, step) = match &entry.record {
            Record::Asked { request, persona, .. } => {
                self.order.push((persona.clone(), *request));
                self.open.insert(*request, (entry.at_us, Answer::default()));
                return;
            }
            Record::Reply(reply) => return self.by_hand(reply, tokens_max),
            Record::Started { request } => (request, Step::Started),
            Record::Prefilled { request, prompt_tokens, cached_tokens } => {
                let (prompt_tokens, cached_tokens) = (*prompt_tokens, *cached_tokens);
                (request, Step::Prefilled { prompt_tokens, cached_tokens })
            }
            Record::Counted { request, prompt_tokens, cached_tokens } => {
                let (prompt_tokens, cached_tokens) = (*prompt_tokens, *cached_tokens);
                (request, Step::Counted { prompt_tokens, cached_tokens })
            }
            Record::Text { request, text } => (request, Step::Text(text.clone())),
            // Whoever cancelled it then does so again, and ends it.
            Record::Done { request, finish: Finish::Cancelled, completion_tokens } => {
                if let Some((begun_us, answer)) = self.open.get_mut(request) {
                    let after = entry.at_us.saturating_sub(*begun_us);
                    answer.cancelled = Some((Duration::from_micros(after), *completion_tokens));
                }
                return;
            }
            Record::Done { request, finish, completion_tokens } => {
                let (finish, completion_tokens) = (*finish, *completion_tokens);
                (request, Step::Done { finish, completion_tokens })
            }
            Record::Failed { request, error, refused: true } => {
                if let Some((_, answer)) = self.open.get_mut(request) {
                    answer.refused = Some(error.clone());
                }
                return;
            }
            Record::Failed { request, error, .. } => (request, Step::Failed(error.clone())),
            _ => return,
        };
        if let Some((begun_us, answer)) = self.open.get_mut(request) {
            let after = Duration::from_micros(entry.at_us.saturating_sub(*begun_us));
            answer.steps.push((after, step));
        }
    }

    fn by_hand(&mut self, reply: &Reply, tokens_max: u32) {
        let mut after = Duration::from_micros(reply.queue_us);
        let mut steps = vec![(after, Step::Started)];
        after += Duration::from_micros(reply.prefill_us);
        steps.push((after, Step::Prefilled { prompt_tokens: 0, cached_tokens: 0 }));
        let words = reply.say.split_inclusive(' ');
        let mut completion_tokens = 0;
        for word in words.take(tokens_max as usize) {
            after += Duration::from_micros(reply.per_token_us);
            steps.push((after, Step::Text(word.to_owned())));
            completion_tokens += 1;
        }
        steps.push((
            after,
            match &reply.fail {
                Some(error) => Step::Failed(error.clone()),
                None => Step::Done { finish: Finish::Stop, completion_tokens },
            },
        ));
        let number = u64::MAX - self.by_hand;
        self.by_hand += 1;
        self.order.push((reply.persona.clone(), number));
        self.open.insert(number, (0, Answer { steps, ..Answer::default() }));
    }

    fn into_answers(mut self) -> HashMap<PersonaId, VecDeque<Answer>> {
        let mut answers: HashMap<PersonaId, VecDeque<Answer>> = HashMap::new();
        for (persona, number) in self.order {
            let answer = self.open.remove(&number).map(|(_, answer)| answer);
            answers.entry(persona).or_default().extend(answer);
        }
        answers
    }
}
