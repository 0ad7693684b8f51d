//! The record of one turn, as `/api/turns` gives it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Outcome, Reason, Stage};
use crate::id::{LineId, PersonaId, TurnId};
use crate::medium::MediumId;

/// One persona's handling of one line: what came of it, and where the time went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TurnRecord {
    pub turn: TurnId,
    pub line: LineId,
    pub persona: PersonaId,
    pub outcome: Outcome,
    pub reason: Reason,
    pub confidence: f32,
    /// See [`super::Path`] for these four.
    pub stages_us: BTreeMap<Stage, Option<u64>>,
    pub missing: BTreeMap<Stage, Reason>,
    pub ahead_us: BTreeMap<Stage, u64>,
    pub e2e_us: Option<u64>,
    pub prompt_tokens: Option<u32>,
    pub cached_tokens: Option<u32>,
    pub completion_tokens: Option<u32>,
    /// Decoding only, without the prefill.
    pub decode_tok_s: Option<f32>,
    /// What was heard of it in the room.
    pub heard_text: String,
    /// The pictures that the model was shown for it, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<MediumId>,
    /// The sounds that the model heard for it, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sounds: Vec<MediumId>,
}

/// What the engine said about a turn; none where it said nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    pub prompt_tokens: Option<u32>,
    pub cached_tokens: Option<u32>,
    pub completion_tokens: Option<u32>,
    pub decode_tok_s: Option<f32>,
    /// That it was shown.
    pub pictures: Vec<MediumId>,
    /// That it heard.
    pub sounds: Vec<MediumId>,
}
