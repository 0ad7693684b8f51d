//! Who speaks, when, and when to stop: a core without clock, tasks or files.

use std::time::Duration;

use crate::id::{HumanId, LineId, PersonaId, Speaker, TurnId};
use crate::latency::{Outcome, Reason};
use crate::persona::Mode;
use crate::room::AgentState;

pub mod endpointing;

/// An entry of the transcript.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub id: LineId,
    pub speaker: Speaker,
    /// The speaker's name as others say it.
    pub name: String,
    pub manner: Manner,
    pub text: String,
}

/// How a line came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Manner {
    Heard,
    Typed,
    /// A persona's own.
    Spoken,
}

/// What the core is told. Every call carries `now`.
#[derive(Clone, Debug)]
pub enum Event {
    HumanJoined {
        human: HumanId,
        name: String,
    },
    HumanLeft {
        human: HumanId,
    },
    /// The human began to make sound that may be speech.
    SpeechStarted {
        human: HumanId,
    },
    /// It ended without a line to come (a cough, or nothing recognised).
    SpeechDropped {
        human: HumanId,
    },
    /// The human's words. `id` is the host's, so that anchors taken before can be found.
    Line {
        id: LineId,
        human: HumanId,
        manner: Manner,
        text: String,
    },
    /// The first voiced sample of a granted turn is in the room.
    SpeechBegan {
        turn: TurnId,
    },
    /// A granted turn is over; `heard` is what came out of it before its end.
    SpeechEnded {
        turn: TurnId,
        heard: String,
        end: SpeechEnd,
    },
    /// The persona can speak, or no longer.
    Hosted {
        persona: PersonaId,
        hosted: bool,
    },
    Mode {
        persona: PersonaId,
        mode: Mode,
    },
    /// Silences a persona now.
    Hush {
        persona: PersonaId,
    },
    /// The moment asked for by [`Effect::WakeAt`] has come.
    Wake,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpeechEnd {
    Finished,
    /// Because of [`Effect::Stop`].
    Stopped,
    Failed {
        reason: String,
    },
}

/// What the host is to do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// The floor is granted: let the persona reply. Exactly one [`Event::SpeechEnded`] follows.
    Reply(Grant),
    /// Fade the holder out and cancel its generation.
    Stop {
        turn: TurnId,
        fade: Duration,
    },
    /// A persona's handling of a line is settled. For a granted turn this comes after its speech
    /// ended, for all others at once.
    Settled(Settled),
    State {
        persona: PersonaId,
        state: AgentState,
    },
    /// Call with [`Event::Wake`] then, replacing any earlier wish.
    WakeAt(crate::time::Time),
}

/// Leave to speak.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    pub turn: TurnId,
    pub persona: PersonaId,
    /// The line that is answered.
    pub line: LineId,
    /// How the answered line came: typed lines are answered in the chat too.
    pub manner: Manner,
    /// 0 to 1: how sure the choice of this persona is.
    pub confidence: f32,
    /// The conversation as this persona sees it, its card first.
    pub messages: Vec<crate::llm::Message>,
}

/// The outcome of one line for one persona.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    pub turn: TurnId,
    pub line: LineId,
    pub persona: PersonaId,
    pub outcome: Outcome,
    pub reason: Reason,
    pub confidence: f32,
    /// What was heard of it; empty when it did not speak.
    pub heard: String,
}
