//! How long each part of a turn took, and why a turn came to nothing.

use serde::Serialize;

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
