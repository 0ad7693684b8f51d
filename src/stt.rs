//! Speech to text: a human's sound in, lines of text out.
//!
//! `hearing` cuts sound into utterances; `service` takes them through `queue`, a [`Recogniser`]
//! and `gate`; `end_of_turn` judges pauses. The recogniser is `ears`, which speaks `wire` with the
//! process `troupe-ears`, or `scripted`, its double.

use std::time::Duration;

use async_trait::async_trait;

use crate::audio::Clip;
use crate::id::{HumanId, UtteranceId};
use crate::time::Time;

pub mod ears;
pub mod echo;
pub mod end_of_turn;
pub mod gate;
pub mod hearing;
pub mod queue;
pub mod scripted;
pub mod service;
pub mod wire;

/// A stretch of one human's speech, cut by the endpointer.
#[derive(Clone, Debug)]
pub struct Utterance {
    pub id: UtteranceId,
    pub human: HumanId,
    /// With pre-roll.
    pub clip: Clip,
    /// When its first voiced sample came.
    pub voiced_start: Time,
    /// When its last voiced sample came: the anchor of every latency.
    pub voiced_end: Time,
    /// When the endpointer decided that it is over.
    pub endpoint: Time,
    /// How much of it was voiced.
    pub voiced: Duration,
    /// It had reached the longest length: the speech goes on in the speaker's next utterance.
    pub cut: bool,
}

/// What the recogniser made of a clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Recognition {
    pub text: String,
    /// Probability that there is no speech in it, 0 to 1.
    pub no_speech: f32,
    /// Mean probability of the text's tokens, 0 to 1.
    pub token_probability: f32,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum RecogniserError {
    /// The clip was not transcribed, and trying again may help.
    #[error("the recogniser stopped: {0}")]
    Died(String),
    #[error("the recogniser refused the clip: {0}")]
    Refused(String),
}

/// Turns sound into text, one clip at a time.
#[async_trait]
pub trait Recogniser: Send + Sync + 'static {
    async fn recognise(&self, clip: &Clip) -> Result<Recognition, RecogniserError>;
}
