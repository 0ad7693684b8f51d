//! The doubles below the room's seams: they answer what a tape holds, after the times it holds.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::audio::{Clip, EARS_RATE_HZ, FRAME_MS, Pcm, ROOM_RATE_HZ, duration_to_samples};
use crate::id::{PersonaId, UtteranceId};
use crate::llm::{
    Engine, EngineError, EngineStats, Event, Finish, Message, Question, Request, Score, Senses,
    WarmUp,
};
use crate::meaning::{Meaning, Read};
use crate::persona::VoiceStyle;
use crate::room::{Command, Transport};
use crate::stt::{Recogniser, RecogniserError, Recognition};
use crate::tape::{Pace, Scored, fingerprint_of, fingerprint_of_text};
use crate::time::{Clock, Time};
use crate::tts::{Synthesiser, VoiceError};

/// A stand-in's first sample is its utterance's number times this: exact for the first 16 million
/// utterances of a run, and far too little to change the clip's level.
const NUMBER_STEP: f32 = 1.0 / (1 << 30) as f32;
/// How loud a stand-in voice is, full scale being 32,768.
const VOICE_LEVEL: i16 = 8_000;
/// Frames that wait to be played, as [`Transport::voice`] promises.
const WAITING_MAX: usize = 2;

/// Another thread's panic spoils nothing here.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A clip as long and as loud as an utterance's, that knows which one it stands for. Where the
/// queue joins clips, the first one's number is the joined one's.
pub(super) fn stand_in(id: UtteranceId, length: Duration, level: f32) -> Clip {
    let count = duration_to_samples(length, EARS_RATE_HZ).max(1);
    let mut samples = vec![level; count];
    samples[0] = id.0 as f32 * NUMBER_STEP;
    Clip { samples: samples.into() }
}

/// What the recogniser made of an utterance.
#[derive(Clone, Debug)]
pub(super) struct Recognised {
    pub(super) took: Duration,
    pub(super) text: Option<String>,
}

/// The tape's recogniser.
pub(super) struct Ears(HashMap<UtteranceId, Recognised>);

impl Ears {
    pub(super) fn new(recognitions: HashMap<UtteranceId, Recognised>) -> Self {
        Self(recognitions)
    }
}

#[async_trait]
impl Recogniser for Ears {
    async fn recognise(&self, clip: &Clip) -> Result<Recognition, RecogniserError> {
        let number = clip.samples.first().map_or(0.0, |first| first / NUMBER_STEP);
        let known = self.0.get(&UtteranceId(number as u64));
        let unheard = || RecogniserError::Refused("the tape has no text for it".to_owned());
        let Recognised { took, text } = known.cloned().ok_or_else(unheard)?;
        tokio::time::sleep(took).await;
        // The text passed the gate when it was recorded, and its words alone let it pass again.
        let sure = |text| Recognition { text, no_speech: 0.0, token_probability: 0.9 };
        text.map(sure).ok_or_else(unheard)
    }
}

/// One answer of the engine: each step after its time from the request on.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) steps: Vec<(Duration, Step)>,
    pub(super) refused: Option<String>,
    /// When it had ended after it was cancelled, and how many tokens there were.
    pub(super) cancelled: Option<(Duration, u32)>,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Started,
    Prefilled { prompt_tokens: u32, cached_tokens: u32 },
    Counted { prompt_tokens: u32, cached_tokens: u32 },
    Text(String),
    Done { finish: Finish, completion_tokens: u32 },
    Failed(String),
}

/// The tape's engine: each persona's answers in the order in which it was asked.
pub(super) struct Mind {
    clock: Clock,
    answers: Mutex<HashMap<PersonaId, VecDeque<Answer>>>,
    /// By what was asked.
    scores: Mutex<HashMap<String, VecDeque<Scored>>>,
    senses: Senses,
    tasks: TaskTracker,
}

impl Mind {
    pub(super) fn new(
        clock: Clock,
        answers: HashMap<PersonaId, VecDeque<Answer>>,
        scores: Vec<Scored>,
        senses: Senses,
    ) -> Self {
        let mut by_question: HashMap<String, VecDeque<Scored>> = HashMap::new();
        for scored in scores {
            by_question.entry(scored.prompt.clone()).or_default().push_back(scored);
        }
        let (answers, scores) = (Mutex::new(answers), Mutex::new(by_question));
        Self { clock, answers, scores, senses, tasks: TaskTracker::new() }
    }
}

/// What texts meant on the tape, and how long it took to tell, by their fingerprints: each time
/// that it was told, the last of which goes on.
pub(super) struct Meanings(Mutex<HashMap<String, VecDeque<(Duration, Meaning)>>>);

impl Meanings {
    pub(super) fn new(meant: HashMap<String, VecDeque<(Duration, Meaning)>>) -> Self {
        Self(Mutex::new(meant))
    }

    fn next(&self, text: &str) -> Option<(Duration, Meaning)> {
        let mut meant = lock(&self.0);
        let told = meant.get_mut(&fingerprint_of_text(text))?;
        if told.len() > 1 { told.pop_front() } else { told.front().cloned() }
    }
}

#[async_trait]
impl Read for Meanings {
    async fn read(&self, text: &str) -> Option<Meaning> {
        let (took, meaning) = self.next(text)?;
        tokio::time::sleep(took).await;
        Some(meaning)
    }
}

/// A sentence that stands on the tape is said as it is.
fn verbatim(sentence: String) -> EngineError {
    EngineError::Template(sentence)
}

#[async_trait]
impl Engine for Mind {
    async fn warm_up(&self, _: &PersonaId, _: &[Message]) -> Result<WarmUp, EngineError> {
        Ok(WarmUp { prompt_tokens: 0, took_us: 0 })
    }

    fn generate(&self, request: Request) -> Result<mpsc::Receiver<Event>, EngineError> {
        let answer = lock(&self.answers).get_mut(&request.seat).and_then(VecDeque::pop_front);
        let answer = answer.ok_or_else(|| verbatim("the tape has no further reply".to_owned()))?;
        if let Some(refused) = answer.refused {
            return Err(verbatim(refused));
        }
        // Room for every step and an end, so that a slow reader never holds the times up.
        let (events, receiver) = mpsc::channel(answer.steps.len() + 1);
        let clock = self.clock;
        let begun = clock.now();
        self.tasks.spawn(async move {
            let cut = tokio::select! {
                biased;
                () = request.cancel.cancelled() => Ok(()),
                () = events.closed() => Ok(()),
                over = tokio::time::timeout(request.deadline, answer.play(clock, &events)) => {
                    match over {
                        Ok(()) => return,
                        Err(_) => Err(EngineError::Deadline(request.deadline)),
                    }
                }
            };
            let (ended, completion_tokens) = answer.cancelled.unwrap_or_default();
            if cut.is_ok() {
                tokio::time::sleep_until(clock.instant(begun + ended)).await;
            }
            let at = clock.now();
            let _ = events.try_send(match cut {
                Ok(()) => Event::Done { at, finish: Finish::Cancelled, completion_tokens },
                Err(error) => Event::Failed { at, error },
            });
        });
        Ok(receiver)
    }

    /// What was given up before it was answered is not on the tape, and is given up again.
    async fn score(
        &self,
        questions: Vec<Question>,
        _: Duration,
    ) -> Result<Vec<Score>, EngineError> {
        let asked = fingerprint_of(&questions);
        let known = lock(&self.scores).get_mut(&asked).and_then(VecDeque::pop_front);
        let Some(scored) = known else { return std::future::pending().await };
        tokio::time::sleep(Duration::from_micros(scored.took_us)).await;
        scored.scores().map_err(verbatim)
    }

    fn senses(&self) -> Senses {
        self.senses
    }

    fn stats(&self) -> EngineStats {
        EngineStats::default()
    }
}

impl Answer {
    /// Gives the steps. An answer that was cut short has no end, and waits to be cut short again.
    async fn play(&self, clock: Clock, events: &mpsc::Sender<Event>) {
        let begun = clock.now();
        for (after, step) in &self.steps {
            tokio::time::sleep_until(clock.instant(begun + *after)).await;
            let at = clock.now();
            let event = match step.clone() {
                Step::Started => Event::Started { at },
                Step::Prefilled { prompt_tokens, cached_tokens } => {
                    Event::Prefilled { at, prompt_tokens, cached_tokens }
                }
                Step::Counted { prompt_tokens, cached_tokens } => {
                    Event::Counted { at, prompt_tokens, cached_tokens }
                }
                Step::Text(text) => Event::Text { at, text },
                Step::Done { finish, completion_tokens } => {
                    Event::Done { at, finish, completion_tokens }
                }
                Step::Failed(error) => Event::Failed { at, error: verbatim(error) },
            };
            // The channel has room for all.
            let _ = events.try_send(event);
        }
        let whole = |step: &(Duration, Step)| matches!(step.1, Step::Done { .. } | Step::Failed(_));
        if !self.steps.last().is_some_and(whole) {
            std::future::pending::<()>().await;
        }
    }
}

/// How a clause came to sound.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    pub(super) took: Duration,
    pub(super) sound: Duration,
    pub(super) lead: Duration,
    pub(super) error: Option<String>,
}

/// The tape's voice. What is not on the tape is spoken at the header's pace.
pub(super) struct Voice {
    pace: Pace,
    clauses: Mutex<HashMap<String, VecDeque<Clause>>>,
}

impl Voice {
    pub(super) fn new(pace: Pace, clauses: HashMap<String, VecDeque<Clause>>) -> Self {
        Self { pace, clauses: Mutex::new(clauses) }
    }

    fn unrecorded(&self, text: &str, style: &VoiceStyle) -> Clause {
        let chars = text.trim().chars().count() as u64;
        let sound = Duration::from_micros(self.pace.per_char_us.saturating_mul(chars));
        Clause {
            took: Duration::from_micros(self.pace.clause_us),
            sound: sound.div_f32(style.pace.max(0.5)),
            lead: Duration::ZERO,
            error: None,
        }
    }
}

#[async_trait]
impl Synthesiser for Voice {
    async fn synthesise(&self, text: &str, style: &VoiceStyle) -> Result<Pcm, VoiceError> {
        let known = lock(&self.clauses).get_mut(text).and_then(VecDeque::pop_front);
        let clause = known.unwrap_or_else(|| self.unrecorded(text, style));
        tokio::time::sleep(clause.took).await;
        if let Some(error) = clause.error {
            return Err(VoiceError::Start(error));
        }
        let count = duration_to_samples(clause.sound, ROOM_RATE_HZ);
        let mut samples = vec![VOICE_LEVEL; count];
        let lead = duration_to_samples(clause.lead, ROOM_RATE_HZ).min(count);
        samples[..lead].fill(0);
        Ok(Pcm { samples, ..Pcm::default() })
    }
}

/// The tape's room: it plays voices at the room's pace, and keeps nothing.
pub(super) struct Stage {
    clock: Clock,
    /// When each frame that is not over begins.
    waiting: Mutex<HashMap<PersonaId, VecDeque<Time>>>,
}

impl Stage {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, waiting: Mutex::default() }
    }

    /// When the frame can be taken; `None` when that is now, and it is.
    fn try_take(&self, persona: &PersonaId) -> Option<Time> {
        let frame = Duration::from_millis(u64::from(FRAME_MS));
        let now = self.clock.now();
        let mut all = lock(&self.waiting);
        if !all.contains_key(persona) {
            all.insert(persona.clone(), VecDeque::new());
        }
        let starts = all.get_mut(persona)?;
        while starts.front().is_some_and(|start| *start + frame <= now) {
            starts.pop_front();
        }
        let waiting = starts.iter().filter(|start| **start > now).count();
        if waiting >= WAITING_MAX {
            return Some(starts[starts.len() - waiting]);
        }
        let end = starts.back().map_or(now, |start| *start + frame);
        starts.push_back(end.max(now));
        None
    }
}

#[async_trait]
impl Transport for Stage {
    /// What the room is told is the effect log's.
    fn send(&self, _: Command) {}

    async fn voice(&self, persona: &PersonaId, _: &[i16]) {
        while let Some(room_at) = self.try_take(persona) {
            tokio::time::sleep_until(self.clock.instant(room_at)).await;
        }
    }

    fn clear_voice(&self, persona: &PersonaId) {
        let now = self.clock.now();
        if let Some(starts) = lock(&self.waiting).get_mut(persona) {
            starts.retain(|start| *start <= now);
        }
    }

    async fn close(&self) {}
}
