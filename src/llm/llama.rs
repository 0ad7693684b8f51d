//! The engine in this process: one llama.cpp model and context, shared by all seats.
//!
//! One OS thread (`worker`) owns model, context and scheduler and does all the computing; this
//! handle puts requests into its bounded inbox and reads the counters that it publishes. The
//! thread ends when the handle is dropped.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot, watch};

use super::adapter::Adapter;
use super::budget::LoadError;
use super::counters::{Counters, Pass, add};
use super::{
    Engine, EngineError, EngineStats, Event, Message, Question, Request, Score, Senses, WarmUp,
};
use crate::id::PersonaId;
use crate::time::{Clock, Time};

mod adapters;
pub mod bare;
mod context;
mod lora;
mod model;
mod projector;
pub mod requantise;
pub mod trial;
mod worker;

/// How to load a model.
#[derive(Clone, Debug)]
pub struct Options {
    /// A GGUF file.
    pub model: PathBuf,
    /// Personas that can be hosted.
    pub seats: usize,
    /// Per seat.
    pub context_tokens: u32,
    /// Computing threads; 0 is [`default_threads`].
    pub threads: u32,
    /// The most tokens computed in one step.
    pub step_tokens: u32,
    /// How long a step may take: bounds how long anybody waits for the next one.
    pub step: Duration,
    /// A job that was passed over in so many steps goes first; so long the engine stays with one
    /// adapter while another waits.
    pub patience_steps: u32,
    /// A seat takes over the beginning of another's, when that spares computing so many tokens.
    pub copy_tokens: usize,
    /// LoRAs of those who have one.
    pub adapters: HashMap<PersonaId, Adapter>,
    /// Memory for adapters; those not used for longest leave it.
    pub adapters_bytes: u64,
    /// A GGUF file with which the model sees pictures, hears sounds, or both; none, and it reads.
    pub projector: Option<PathBuf>,
    /// The program that tries the projector first, so that one which ends the process that it is in
    /// is refused ([`trial`]); none for a projector that is known.
    pub trial: Option<PathBuf>,
    /// Memory for encoded pictures and sounds; those not used for longest leave it.
    pub media_bytes: u64,
}

impl Options {
    /// `model` for `seats` personas: room for about sixty lines each.
    pub fn new(model: PathBuf, seats: usize) -> Self {
        Self {
            model,
            seats,
            context_tokens: 2_048,
            threads: 0,
            step_tokens: 512,
            step: Duration::from_millis(100),
            // A step of speaking takes about 10 ms with the default model.
            patience_steps: 16,
            // Copying a seat of 2,048 tokens takes as long as computing three.
            copy_tokens: 16,
            adapters: HashMap::new(),
            adapters_bytes: 512 << 20,
            projector: None,
            trial: None,
            // A picture of 64 positions takes 150 kB with the default model, and of SmolVLM's 500
            // million weights 250 kB a tile; ten seconds of sound of Gemma's 250 positions 2 MB.
            media_bytes: 64 << 20,
        }
    }
}

/// All cores but one, which is left to the audio. llama.cpp's threads wait for each other by
/// spinning: where a core is shared, one thread too many makes it three to ten times slower.
pub fn default_threads() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(cores.saturating_sub(1).max(1)).unwrap_or(1)
}

/// Requests per seat that may be open at once; one more is refused. A persona speaks one reply at
/// a time, so more than a few mean that the engine does not keep up.
const OPEN_PER_SEAT: usize = 4;

/// See the module.
pub struct LlamaEngine {
    clock: Clock,
    /// `None` only while it is dropped.
    inbox: Option<SyncSender<Command>>,
    thread: Option<JoinHandle<()>>,
    stats: watch::Receiver<EngineStats>,
    open: Arc<Counters>,
    open_max: u64,
    senses: Senses,
}

#[derive(Debug)]
struct Command {
    pass: Pass,
    asked: Time,
    /// The asker's: what the thread logs about the request stands in it.
    span: tracing::Span,
    wish: Wish,
}

#[derive(Debug)]
enum Wish {
    Reply { request: Request, events: mpsc::Sender<Event> },
    WarmUp { seat: PersonaId, messages: Vec<Message>, done: Done },
    Score { question: Question, deadline: Duration, done: Scored },
}

type Scored = oneshot::Sender<Result<Score, EngineError>>;

type Done = oneshot::Sender<Result<WarmUp, EngineError>>;

impl LlamaEngine {
    /// Checks the file and the memory, then loads. Takes seconds: call it where blocking is
    /// allowed.
    ///
    /// # Errors
    /// [`LoadError`], each with its mend.
    pub fn load(options: Options, clock: Clock) -> Result<Self, LoadError> {
        let loaded = model::load(&options)?;
        let open_max = (options.seats * OPEN_PER_SEAT) as u64;
        let senses = loaded.senses;
        let (publish, stats) = watch::channel(EngineStats::default());
        // As large as what may be open, so that it is never full.
        let (inbox, commands) = sync_channel(options.seats * OPEN_PER_SEAT);
        let (ready, started) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("llama".to_owned())
            .spawn(move || worker::run(&loaded, &options, clock, &commands, &publish, &ready))
            .map_err(|error| LoadError::Native(format!("no thread for it: {error}")))?;
        started.recv().unwrap_or_else(|_| {
            Err(LoadError::Native("its thread ended while it was loading".to_owned()))
        })?;
        let (inbox, thread, open) = (Some(inbox), Some(thread), Arc::default());
        Ok(Self { clock, inbox, thread, stats, open, open_max, senses })
    }

    fn send(&self, pass: Pass, wish: Wish) -> Result<(), EngineError> {
        let (asked, span) = (self.clock.now(), tracing::Span::current());
        let command = Command { pass, asked, span, wish };
        let inbox = self.inbox.as_ref().ok_or_else(ended)?;
        inbox.try_send(command).map_err(|refused| match refused {
            TrySendError::Full(_) => EngineError::Overloaded { waiting: self.open_max as usize },
            TrySendError::Disconnected(_) => ended(),
        })
    }
}

fn ended() -> EngineError {
    EngineError::Failed("its thread has ended; restart the host".to_owned())
}

#[async_trait]
impl Engine for LlamaEngine {
    async fn warm_up(&self, seat: &PersonaId, messages: &[Message]) -> Result<WarmUp, EngineError> {
        self.senses.check(messages)?;
        let (done, warm) = oneshot::channel();
        let pass = self.open.enter(self.open_max)?;
        self.send(pass, Wish::WarmUp { seat: seat.clone(), messages: messages.to_vec(), done })?;
        warm.await.unwrap_or_else(|_| Err(ended()))
    }

    fn generate(&self, request: Request) -> Result<mpsc::Receiver<Event>, EngineError> {
        self.senses.check(&request.messages)?;
        let pass = self.open.enter(self.open_max)?;
        // Room for every event that a reply can have, so that a slow reader holds nobody up.
        let room = request.max_tokens.min(worker::REPLY_TOKENS_MAX) as usize + worker::OTHER_EVENTS;
        let (events, receiver) = mpsc::channel(room);
        self.send(pass, Wish::Reply { request, events })?;
        add(&self.open.requests, 1);
        Ok(receiver)
    }

    async fn score(
        &self,
        questions: Vec<Question>,
        deadline: Duration,
    ) -> Result<Vec<Score>, EngineError> {
        questions.iter().try_for_each(|question| self.senses.check(&question.messages))?;
        // All are in the inbox before the first is awaited, so that they share their steps.
        let mut asked = Vec::with_capacity(questions.len());
        for question in questions {
            let (done, score) = oneshot::channel();
            let pass = self.open.enter(self.open_max)?;
            self.send(pass, Wish::Score { question, deadline, done })?;
            asked.push(score);
        }
        let mut scores = Vec::with_capacity(asked.len());
        for score in asked {
            scores.push(score.await.unwrap_or_else(|_| Err(ended()))?);
        }
        Ok(scores)
    }

    fn senses(&self) -> Senses {
        self.senses
    }

    fn stats(&self) -> EngineStats {
        let open = self.open.stats(self.open_max);
        EngineStats {
            requests: open.requests,
            refused: open.refused,
            waiting: open.waiting,
            waiting_max: open.waiting_max,
            ..self.stats.borrow().clone()
        }
    }
}

impl Drop for LlamaEngine {
    /// Waits for the step in hand, and for the picture or sound that is being encoded.
    fn drop(&mut self) {
        self.inbox = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the language engine's thread had panicked");
        }
    }
}

/// Warming is done once, with everybody waiting for it, on machines of any speed.
const WARM_UP_DEADLINE: Duration = Duration::from_secs(300);
