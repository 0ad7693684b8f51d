//! Text to speech: a clause in, sound out.
//!
//! A reply is cut into clauses ([`sentence`]), each is made speakable ([`normalise`]), turned into
//! phonemes ([`espeak`]) and then into sound ([`piper`]).

use async_trait::async_trait;

use crate::audio::Pcm;
use crate::persona::VoiceStyle;

mod abbreviation;
pub mod espeak;
pub mod normalise;
pub mod piper;
pub mod scripted;
pub mod sentence;

#[derive(Debug, Clone, thiserror::Error)]
pub enum VoiceError {
    #[error("the phonemiser stopped: {0}")]
    Phonemes(String),
    #[error("the voice failed: {0}")]
    Model(String),
    /// It cannot start: a file or a program is missing or is not what it should be. The sentence
    /// names the cause and the mend.
    #[error("{0}")]
    Start(String),
}

/// Speaks text.
#[async_trait]
pub trait Synthesiser: Send + Sync + 'static {
    /// The sound of `text` at [`crate::audio::ROOM_RATE_HZ`], without silence at its ends beyond
    /// some milliseconds; empty when nothing in it can be spoken. The pause after it is the
    /// caller's.
    async fn synthesise(&self, text: &str, style: &VoiceStyle) -> Result<Pcm, VoiceError>;
}
