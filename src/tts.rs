//! Text to speech: a clause in, sound out.

use async_trait::async_trait;

use crate::audio::Pcm;
use crate::persona::VoiceStyle;

#[derive(Debug, Clone, thiserror::Error)]
pub enum VoiceError {
    #[error("the phonemiser stopped: {0}")]
    Phonemes(String),
    #[error("the voice failed: {0}")]
    Model(String),
}

/// Speaks text.
#[async_trait]
pub trait Synthesiser: Send + Sync + 'static {
    /// The sound of `text` at [`crate::audio::ROOM_RATE_HZ`]; empty when nothing in it can be
    /// spoken.
    async fn synthesise(&self, text: &str, style: &VoiceStyle) -> Result<Pcm, VoiceError>;
}
