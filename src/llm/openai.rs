//! An engine elsewhere: any server that speaks OpenAI's chat completions, such as vLLM or
//! llama-server, for casts that outgrow one machine.
//!
//! The server keeps what it has computed of a prompt, if it does; the seats are its affair. A
//! request is cancelled by closing its connection. Protocol:
//! <https://platform.openai.com/docs/api-reference/chat/streaming>.

use std::fmt;
use std::time::Duration;

#[cfg(feature = "openai")]
mod call;
#[cfg(feature = "openai")]
mod choice;
#[cfg(feature = "openai")]
mod chunk;
#[cfg(feature = "openai")]
mod engine;

#[cfg(feature = "openai")]
pub use engine::OpenAiEngine;

/// Which server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Up to and with the version: `http://127.0.0.1:8000/v1`.
    pub url: String,
    /// As the server calls it.
    pub model: String,
    pub key: Option<Key>,
    /// Whether the model takes pictures.
    pub sees: bool,
    /// Whether it takes sounds.
    pub hears: bool,
}

/// Which server, and how patient to be with it.
#[derive(Clone, Debug)]
pub struct Options {
    pub server: Server,
    /// Requests that may be open at a time; one more is refused.
    pub open_max: usize,
    pub policy: Policy,
}

/// What to do when the server does not answer at once.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub silence: Duration,
    /// Tries beyond the first; only as long as nothing of the answer came, and only when the
    /// server was not reached, is busy, or broke down.
    pub retries: u32,
    /// Before the first retry; each further one waits twice as long. A `Retry-After` of the server
    /// goes before, up to [`Self::wait_max`].
    pub wait: Duration,
    pub wait_max: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            silence: Duration::from_secs(20),
            retries: 2,
            wait: Duration::from_millis(200),
            wait_max: Duration::from_secs(2),
        }
    }
}

/// A secret: it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(pub String);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(set)")
    }
}
