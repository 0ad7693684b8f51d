//! The room seam: what comes from a room and what goes to it, whatever carries it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::id::{HumanId, PersonaId, Speaker};
use crate::picture::{Picture, Source};
use crate::time::Time;
use crate::video::I420;

pub mod console;
#[cfg(feature = "livekit")]
pub mod livekit;
pub mod scripted;
pub mod token;
pub mod watched;

/// What a room tells the host. Personas' own audio and chat never come back through here.
#[derive(Clone, Debug)]
pub enum Event {
    HumanJoined {
        human: HumanId,
        name: String,
    },
    HumanLeft {
        human: HumanId,
    },
    /// Sound of one human: mono, [`crate::audio::EARS_RATE_HZ`], in order, any length (10 ms as a
    /// rule). `at` is when its last sample came out of the transport. In a gap nothing comes.
    Audio {
        human: HumanId,
        at: Time,
        samples: Vec<i16>,
    },
    /// The human's microphone track ended or was muted: no `Audio` until it is back.
    AudioEnded {
        human: HumanId,
    },
    /// A typed line. Pictures that belong to it came before.
    Chat {
        human: HumanId,
        text: String,
    },
    /// There is a camera or a screen of the human to look at, or no longer.
    View {
        human: HumanId,
        source: Source,
        on: bool,
    },
    /// What [`Transport::look`] asked for; `at` is when it was decoded.
    Frame {
        human: HumanId,
        source: Source,
        at: Time,
        frame: Arc<I420>,
    },
    /// What a human showed, as it went to the model; none: nobody could look at it. A tape holds
    /// these, and no view, frame or file.
    Picture {
        human: HumanId,
        source: Source,
        picture: Option<Picture>,
    },
    /// A file that the human put into the chat and calls a picture; nobody has looked into it.
    Pasted {
        human: HumanId,
        file: Vec<u8>,
    },
    /// The connection of one of our participants changed.
    Link {
        member: Member,
        state: LinkState,
    },
}

/// One of our own participants.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Member {
    Listener,
    Persona(PersonaId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    Up,
    /// The transport mends it by itself, with back-off; the cause in one sentence.
    Down {
        cause: String,
    },
}

/// What the host tells a room.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    State {
        persona: PersonaId,
        state: AgentState,
    },
    Caption(Caption),
    /// A chat message of a persona.
    Chat {
        persona: PersonaId,
        text: String,
    },
    /// Whether the room is being recorded, for everybody in it to see.
    Recording(bool),
}

/// A piece of the written conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caption {
    pub speaker: Speaker,
    /// Names the segment: one utterance of a human, one speech of a persona.
    pub segment: String,
    /// A human's: the whole text so far. A persona's: only what is new.
    pub text: String,
    /// Nothing more comes for this segment.
    pub last: bool,
}

/// LiveKit's `lk.agent.state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AgentState {
    Initializing,
    Idle,
    Listening,
    Thinking,
    Speaking,
}

impl AgentState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Idle => "idle",
            Self::Listening => "listening",
            Self::Thinking => "thinking",
            Self::Speaking => "speaking",
        }
    }
}

/// What waits to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    pub waiting: u64,
    /// So many may wait.
    pub bound: u64,
    /// Lost since the start.
    pub dropped: u64,
}

/// A room that the cast is in. Events come through the receiver that the constructor returns.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Queues a command; the order is kept for each participant. While a link is down the newest
    /// state is kept and the rest is dropped and counted.
    fn send(&self, command: Command);

    /// The texts (captions and chat) that wait; states are kept apart, the newest of each.
    fn backlog(&self) -> Backlog {
        Backlog::default()
    }

    /// Takes one frame of a persona's voice, [`crate::audio::FRAME_SAMPLES`] long. The caller
    /// paces; the transport buffers two frames at most and waits when they are full.
    async fn voice(&self, persona: &PersonaId, frame: &[i16]);

    /// Drops what is buffered of a persona's voice.
    fn clear_voice(&self, persona: &PersonaId);

    /// Shows a persona's face. Never blocks: a frame that was not sent yet gives way to a newer
    /// one. The caller keeps the frame rate, and may draw into the picture again once it holds the
    /// only reference. A room without pictures ignores it.
    fn face(&self, persona: &PersonaId, frame: Arc<I420>) {
        let _ = (persona, frame);
    }

    /// Whether anybody looks at the persona's face, so that nothing is drawn in vain.
    fn is_seen(&self, persona: &PersonaId) -> bool {
        let _ = persona;
        true
    }

    /// Asks for one frame of a human's camera or screen, which comes as [`Event::Frame`] as soon as
    /// it can be decoded. Nothing is decoded that nobody asked for. A wish for what cannot be seen,
    /// or is being looked for, is forgotten; so it is in a room without pictures.
    fn look(&self, human: &HumanId, source: Source) {
        let _ = (human, source);
    }

    /// Leaves the room.
    async fn close(&self);
}
