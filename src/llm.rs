//! The language engine seam: one base model, one seat per persona.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::id::PersonaId;
use crate::medium::MARK;
use crate::picture::Picture;
use crate::sound::Sound;
use crate::time::Time;

pub mod adapter;
pub mod budget;
mod counters;
pub mod gguf;
pub mod guard;
#[cfg(feature = "llama")]
pub mod llama;
pub mod load;
pub mod media;
pub mod openai;
pub mod projector;
pub mod prompt;
pub mod reuse;
pub mod sampler;
pub mod scheduler;
pub mod scripted;
pub mod stream;
pub mod template;
pub mod window;

pub use media::Medium;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    User,
    Assistant,
}

/// One message of a chat, as chat templates know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    pub role: Role,
    /// A [`MARK`] stands for each of `media`, in their order, and nowhere else.
    pub content: String,
    #[serde(skip)]
    pub media: Vec<Medium>,
}

impl Message {
    /// A message of words.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), media: Vec::new() }
    }

    /// Puts a picture at the end.
    pub fn show(&mut self, picture: Picture) {
        self.put(Medium::Picture(picture));
    }

    /// Puts a sound at the end.
    pub fn play(&mut self, sound: Sound) {
        self.put(Medium::Sound(sound));
    }

    fn put(&mut self, medium: Medium) {
        self.content.push(MARK);
        self.media.push(medium);
    }

    pub fn pictures(&self) -> impl Iterator<Item = &Picture> {
        self.media.iter().filter_map(Medium::picture)
    }

    pub fn sounds(&self) -> impl Iterator<Item = &Sound> {
        self.media.iter().filter_map(Medium::sound)
    }
}

/// What a model takes beside words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Senses {
    /// Pictures in messages.
    pub sees: bool,
    /// Sounds in messages.
    pub hears: bool,
}

impl Senses {
    /// # Errors
    /// When something stands in a message that it does not take: [`EngineError::Blind`] or
    /// [`EngineError::Deaf`].
    pub fn check(self, messages: &[Message]) -> Result<(), EngineError> {
        if !self.sees && messages.iter().any(|message| message.pictures().next().is_some()) {
            return Err(EngineError::Blind);
        }
        if !self.hears && messages.iter().any(|message| message.sounds().next().is_some()) {
            return Err(EngineError::Deaf);
        }
        Ok(())
    }
}

/// Asks a persona's seat for a reply. The engine keeps what the seat already holds of `messages`
/// and computes only the rest.
#[derive(Clone, Debug)]
pub struct Request {
    pub seat: PersonaId,
    /// The system message, then the conversation as this persona sees it. When the last message is
    /// the assistant's, the reply goes on from its words.
    pub messages: Arc<[Message]>,
    pub max_tokens: u32,
    pub sampling: Sampling,
    /// Generation ends before any of these texts.
    pub stop: Vec<String>,
    /// Counted from the call.
    pub deadline: Duration,
    /// Seen at the next step.
    pub cancel: CancellationToken,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: f32,
    pub top_p: f32,
    /// 1 is none, and less counts as none.
    pub repeat_penalty: f32,
    pub seed: u32,
}

impl Default for Sampling {
    /// Calm: small models wander off at more than this.
    fn default() -> Self {
        Self { temperature: 0.5, top_p: 0.9, repeat_penalty: 1.1, seed: 0 }
    }
}

/// What comes of a request, in this order; `Done` or `Failed` is the last.
#[derive(Clone, Debug)]
pub enum Event {
    /// It left the queue.
    Started {
        at: Time,
    },
    /// The prompt is in the seat.
    Prefilled {
        at: Time,
        prompt_tokens: u32,
        cached_tokens: u32,
    },
    /// What the prompt was, from an engine that tells it only in the end, in place of `Prefilled`.
    Counted {
        at: Time,
        prompt_tokens: u32,
        cached_tokens: u32,
    },
    /// Whole characters, as they come.
    Text {
        at: Time,
        text: String,
    },
    Done {
        at: Time,
        finish: Finish,
        completion_tokens: u32,
    },
    Failed {
        at: Time,
        error: EngineError,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finish {
    /// The model ended its turn, or a stop text came.
    Stop,
    /// `max_tokens` came first.
    Length,
    Cancelled,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    #[error("the engine is overloaded: {waiting} requests wait already")]
    Overloaded { waiting: usize },
    #[error("the engine did not answer within {0:?}")]
    Deadline(Duration),
    #[error(
        "the prompt has {needed} tokens, and a seat holds {room}; shorten the card or \
         raise models.context_tokens"
    )]
    TooLong { needed: usize, room: usize },
    #[error("{0}")]
    Template(String),
    #[error("the model cannot see, and was shown a picture; take one with a projector")]
    Blind,
    #[error(
        "the model cannot hear, and was given a sound; take one whose projector hears, or set \
         hears = \"transcript\""
    )]
    Deaf,
    #[error("there is no seat for {0}")]
    NoSeat(PersonaId),
    #[error(transparent)]
    Adapter(#[from] adapter::AdapterError),
    #[error("the engine failed: {0}")]
    Failed(String),
}

/// The next event of an answer that is passed on to `forward`; none when there is no more, or
/// nobody listens there: whoever drops `events` then cancels, as the listener did.
pub async fn next(
    events: &mut mpsc::Receiver<Event>,
    forward: &mpsc::Sender<Event>,
) -> Option<Event> {
    tokio::select! {
        biased;
        () = forward.closed() => None,
        event = events.recv() => event,
    }
}

/// What warming a seat cost.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct WarmUp {
    pub prompt_tokens: u32,
    pub took_us: u64,
}

/// Counters since the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EngineStats {
    pub requests: u64,
    pub refused: u64,
    pub cancelled: u64,
    pub failed: u64,
    pub prompt_tokens: u64,
    pub cached_tokens: u64,
    /// Tokens of prompts that were copied from another seat, also when a seat was warmed.
    pub copied_tokens: u64,
    pub completion_tokens: u64,
    /// Requests waiting or running now.
    pub waiting: u64,
    /// So many may; one more is refused.
    pub waiting_max: u64,
    /// Times that a seat was too full and its oldest lines left.
    pub shortened: u64,
    /// Steps that needed another adapter than the one before.
    pub adapter_switches: u64,
    pub adapter_loads: u64,
    /// Adapters that left memory for another.
    pub adapter_evictions: u64,
    /// Pictures that were made into what the model takes: each once, for all seats.
    pub pictures_encoded: u64,
    /// Times that a prompt began to use one that was encoded before.
    pub pictures_shared: u64,
    /// Memory that encoded pictures take.
    pub pictures_bytes: u64,
    /// The same of sounds.
    pub sounds_encoded: u64,
    pub sounds_shared: u64,
    pub sounds_bytes: u64,
}

/// A text whose likelihood in a seat is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub seat: PersonaId,
    /// What stands before the text; the text goes on from the words of the last of them.
    pub messages: Vec<Message>,
    pub text: String,
}

/// How likely a text is in a seat.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// The natural logarithm of the text's probability, a sum over its tokens; never above 0.
    pub nats: f64,
    pub tokens: u32,
}

impl Score {
    /// Of a token on average; the least there is for a text of none.
    pub fn nats_per_token(&self) -> f64 {
        if self.tokens == 0 { f64::NEG_INFINITY } else { self.nats / f64::from(self.tokens) }
    }
}

/// A loaded model that seats share.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Puts `messages` (the system message) into the seat and decodes one token. A persona counts
    /// as hosted only after this.
    ///
    /// With the conversation after the system message it computes ahead what the next request
    /// will begin with. Dropping the future stops it at the next step; what is computed stays.
    async fn warm_up(&self, seat: &PersonaId, messages: &[Message]) -> Result<WarmUp, EngineError>;

    /// Queues a request. Refuses at once when the queue is full. Dropping the receiver cancels.
    fn generate(&self, request: Request) -> Result<mpsc::Receiver<Event>, EngineError>;

    /// How likely each question's text is in its seat, in their order. A seat then holds what it
    /// held before, or the text's tokens behind it, with which its next request begins. Counted
    /// from the call, an answer after `deadline` is an error. Dropping the future stops it at the
    /// next step.
    ///
    /// An engine that cannot tell fails, and whoever asks does without.
    async fn score(
        &self,
        questions: Vec<Question>,
        deadline: Duration,
    ) -> Result<Vec<Score>, EngineError>;

    /// What it takes in messages beside words; a request with anything else fails at once, see
    /// [`Senses::check`].
    fn senses(&self) -> Senses;

    fn stats(&self) -> EngineStats;
}
