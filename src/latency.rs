//! How long each part of a turn took, and why a turn came to nothing.

mod anchors;
mod book;
mod figure;
mod record;

use serde::Serialize;

pub use anchors::{Anchor, Anchors, Path};
pub use book::{BOUNDS_US, Book, Row};
pub use figure::Figure;
pub use record::{TurnRecord, Usage};

/// What became of one line for one persona.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Spoke,
    /// It had nothing to say to this.
    Passed,
    /// Another persona got the floor.
    Outbid,
    /// A human began to speak before it was done.
    Interrupted,
    Asleep,
    Failed,
}

impl Outcome {
    pub const ALL: [Self; 6] =
        [Self::Spoke, Self::Passed, Self::Outbid, Self::Interrupted, Self::Asleep, Self::Failed];

    /// As it is written in records and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spoke => "spoke",
            Self::Passed => "passed",
            Self::Outbid => "outbid",
            Self::Interrupted => "interrupted",
            Self::Asleep => "asleep",
            Self::Failed => "failed",
        }
    }
}

/// Why, in a few words for people; a closed set of phrases, so that it can be counted.
pub type Reason = std::borrow::Cow<'static, str>;

/// A part of a turn's critical path, in order. Together they are the turn's `e2e`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Last voiced sample of the human → the endpointer decides that the utterance is over.
    EndOfTurn,
    /// → its text is there.
    Transcription,
    /// → the floor is granted.
    Decide,
    /// → the engine takes the request from its queue.
    Queue,
    /// → the prompt is in the seat.
    Prefill,
    /// → the first text.
    FirstToken,
    /// → the first speakable clause is complete.
    FirstSentence,
    /// → its sound is there.
    FirstAudio,
    /// → its first voiced sample is handed to the transport.
    Publish,
}

impl Stage {
    /// In the order in which a turn passes through them.
    pub const ALL: [Self; 9] = [
        Self::EndOfTurn,
        Self::Transcription,
        Self::Decide,
        Self::Queue,
        Self::Prefill,
        Self::FirstToken,
        Self::FirstSentence,
        Self::FirstAudio,
        Self::Publish,
    ];

    /// As it is written in records and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EndOfTurn => "end_of_turn",
            Self::Transcription => "transcription",
            Self::Decide => "decide",
            Self::Queue => "queue",
            Self::Prefill => "prefill",
            Self::FirstToken => "first_token",
            Self::FirstSentence => "first_sentence",
            Self::FirstAudio => "first_audio",
            Self::Publish => "publish",
        }
    }
}
