//! The parts of a stressed room: an engine that keeps its time to the microsecond, a voice of one
//! frame, and a room that tells when it hears somebody.

use std::collections::BTreeMap;
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc as blocking;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::{Notify, mpsc};

use crate::audio::{FRAME_SAMPLES, Pcm};
use crate::id::PersonaId;
use crate::llm::{
    Engine, EngineError, EngineStats, Event, Finish, Message, Question, Request, Score, Senses,
    WarmUp,
};
use crate::persona::VoiceStyle;
use crate::room::{AgentState, Command, Transport};
use crate::time::{Clock, Time};
use crate::tts::{Synthesiser, VoiceError};

/// What everybody says: one clause, so short that it may be said again.
pub(super) const REPLY: &str = "That is right.";
const REPLY_TOKENS: u32 = 4;

/// Requests on their way to the metronome: one for each persona of the largest room, twice.
const REQUESTS_MAX: usize = 128;

/// An engine whose every reply takes the same time, however many there are at once.
///
/// A thread of its own keeps the time, as a real engine's does: a timer of the runtime has a grain
/// of a millisecond, which would be taken for the host's.
pub(super) struct Metronome {
    clock: Clock,
    reply: Duration,
    open: blocking::SyncSender<Open>,
}

struct Open {
    due: Instant,
    request: Request,
    events: mpsc::Sender<Event>,
}

impl Metronome {
    pub(super) fn new(clock: Clock, reply: Duration) -> Self {
        let (open, requests) = blocking::sync_channel(REQUESTS_MAX);
        // It ends when the engine is dropped.
        std::thread::spawn(move || keep_time(clock, &requests));
        Self { clock, reply, open }
    }
}

#[async_trait]
impl Engine for Metronome {
    async fn warm_up(&self, _: &PersonaId, _: &[Message]) -> Result<WarmUp, EngineError> {
        Ok(WarmUp { prompt_tokens: 1, took_us: 0 })
    }

    fn generate(&self, request: Request) -> Result<mpsc::Receiver<Event>, EngineError> {
        let due = Instant::now() + self.reply;
        // Four events in all.
        let (events, receiver) = mpsc::channel(4);
        let _ = events.try_send(Event::Started { at: self.clock.now() });
        let open = Open { due, request, events };
        self.open.try_send(open).map_err(|_| EngineError::Overloaded { waiting: REQUESTS_MAX })?;
        Ok(receiver)
    }

    async fn score(&self, _: Vec<Question>, _: Duration) -> Result<Vec<Score>, EngineError> {
        Err(EngineError::Failed("a metronome cannot tell how likely a text is".to_owned()))
    }

    fn senses(&self) -> Senses {
        Senses::default()
    }

    fn stats(&self) -> EngineStats {
        EngineStats::default()
    }
}

/// Counts what is asked of an engine.
pub(super) struct Counted {
    inner: Arc<dyn Engine>,
    warm_ups: AtomicU64,
    generations: AtomicU64,
}

impl Counted {
    pub(super) fn new(inner: Arc<dyn Engine>) -> Self {
        Self { inner, warm_ups: AtomicU64::new(0), generations: AtomicU64::new(0) }
    }

    /// Work ahead of time is counted too.
    pub(super) fn warm_ups(&self) -> u64 {
        self.warm_ups.load(Ordering::Relaxed)
    }

    pub(super) fn generations(&self) -> u64 {
        self.generations.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Engine for Counted {
    async fn warm_up(&self, seat: &PersonaId, messages: &[Message]) -> Result<WarmUp, EngineError> {
        self.warm_ups.fetch_add(1, Ordering::Relaxed);
        self.inner.warm_up(seat, messages).await
    }

    fn generate(&self, request: Request) -> Result<mpsc::Receiver<Event>, EngineError> {
        self.generations.fetch_add(1, Ordering::Relaxed);
        self.inner.generate(request)
    }

    async fn score(
        &self,
        questions: Vec<Question>,
        deadline: Duration,
    ) -> Result<Vec<Score>, EngineError> {
        self.inner.score(questions, deadline).await
    }

    fn senses(&self) -> Senses {
        self.inner.senses()
    }

    fn stats(&self) -> EngineStats {
        self.inner.stats()
    }
}

/// Requests come in order of being due, since each takes the same time. So the thread sleeps to the
/// first of them and is not woken by further ones: whoever asks pays for no switch of threads.
fn keep_time(clock: Clock, requests: &blocking::Receiver<Open>) {
    // A thread sleeps 50 us longer than it asked for, unless it asks for less.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::set_current_timer_slack(NonZeroU64::new(1)) {
        tracing::debug!(%error, "the engine's time is kept to 50 us only");
    }
    while let Ok(Open { due, request, events }) = requests.recv() {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        answer(clock, &request, &events);
    }
}

/// A receiver that is gone wants no answer.
fn answer(clock: Clock, request: &Request, events: &mpsc::Sender<Event>) {
    let at = clock.now();
    let cancelled = request.cancel.is_cancelled();
    if !cancelled {
        let (prompt_tokens, cached_tokens) = (1, 0);
        let _ = events.try_send(Event::Prefilled { at, prompt_tokens, cached_tokens });
        let _ = events.try_send(Event::Text { at, text: REPLY.to_owned() });
    }
    let finish = if cancelled { Finish::Cancelled } else { Finish::Stop };
    let _ = events.try_send(Event::Done { at, finish, completion_tokens: REPLY_TOKENS });
}

/// A voice that needs no time for a clause of one frame.
pub(super) struct Click;

#[async_trait]
impl Synthesiser for Click {
    async fn synthesise(&self, _: &str, _: &VoiceStyle) -> Result<Pcm, VoiceError> {
        Ok(Pcm { samples: vec![8_000; FRAME_SAMPLES], ..Pcm::default() })
    }
}

/// One room for all, that takes what it is given and keeps nothing. It counts by itself and wakes
/// the bench once a line, so that the bench takes no time from the host.
pub(super) struct Hall {
    clock: Clock,
    personas: usize,
    tally: Mutex<Tally>,
    all_rest: Notify,
}

#[derive(Default)]
struct Tally {
    /// When each persona's first frame came.
    heard: BTreeMap<PersonaId, Time>,
    /// Personas at rest after their turns.
    resting: usize,
}

impl Hall {
    pub(super) fn new(clock: Clock, personas: usize) -> Self {
        Self { clock, personas, tally: Mutex::default(), all_rest: Notify::new() }
    }

    /// Waits until every persona has come to rest once. When each was first heard since the last
    /// time.
    pub(super) async fn rests(&self) -> BTreeMap<PersonaId, Time> {
        self.all_rest.notified().await;
        std::mem::take(&mut *self.tally()).heard
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for Hall {
    fn send(&self, command: Command) {
        if matches!(command, Command::State { state: AgentState::Listening, .. }) {
            let mut tally = self.tally();
            tally.resting += 1;
            if tally.resting == self.personas {
                self.all_rest.notify_one();
            }
        }
    }

    /// The caller paces, and no speech is longer than one frame: it never waits.
    async fn voice(&self, persona: &PersonaId, _: &[i16]) {
        let at = self.clock.now();
        self.tally().heard.entry(persona.clone()).or_insert(at);
    }

    fn clear_voice(&self, _: &PersonaId) {}

    async fn close(&self) {}
}
