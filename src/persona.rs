//! Who plays: card, voice, mode.

pub mod card;

use serde::{Deserialize, Serialize};

use crate::id::PersonaId;

/// One configured persona. The configured personas together are the cast.
#[derive(Clone, Debug, PartialEq)]
pub struct Persona {
    pub id: PersonaId,
    /// As others say it: captions, tiles, and how it is called.
    pub name: String,
    /// Who it is, in plain text; it becomes the system prompt.
    pub card: String,
    pub voice: VoiceStyle,
    pub mode: Mode,
}

/// How one voice model sounds like several people.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct VoiceStyle {
    /// Semitones up or down, -12 to 12.
    pub pitch: f32,
    /// Speed; 1.0 is the voice's own, 0.5 to 2.0.
    pub pace: f32,
}

impl Default for VoiceStyle {
    fn default() -> Self {
        Self { pitch: 0.0, pace: 1.0 }
    }
}

/// When a persona may answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Anybody's lines, also when nobody is named.
    #[default]
    Open,
    /// Only lines that name it.
    Addressed,
    /// Humans' lines only, never another persona's.
    Humans,
    /// Nothing.
    Asleep,
}

impl Mode {
    /// As it is written in settings and requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Addressed => "addressed",
            Self::Humans => "humans",
            Self::Asleep => "asleep",
        }
    }
}
