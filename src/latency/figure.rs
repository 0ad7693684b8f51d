//! LiveKit's names for what is measured, each the sum of the stages beside it.

use super::{Stage, TurnRecord};

/// One of LiveKit's per-turn figures.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// In LiveKit's reports, and with the prefix `lk_agents_turn_` in `/metrics`.
    pub name: &'static str,
    /// In OpenTelemetry, where LiveKit leaves the word `node` out.
    pub otel: &'static str,
    pub about: &'static str,
    /// None stands for `e2e`, which is known even where a stage within it is not.
    stages: Option<&'static [Stage]>,
}

impl Figure {
    pub const ALL: [Self; 7] = [
        Self {
            name: "end_of_turn_delay",
            otel: "lk.agents.turn.end_of_turn_delay",
            about: "End of speech to the decision that the user's turn is over",
            stages: Some(&[Stage::EndOfTurn]),
        },
        Self {
            name: "transcription_delay",
            otel: "lk.agents.turn.transcription_delay",
            about: "End of speech to the final transcript",
            stages: Some(&[Stage::EndOfTurn, Stage::Transcription]),
        },
        Self {
            name: "llm_node_ttft",
            otel: "lk.agents.turn.llm_ttft",
            about: "Request to the first token",
            stages: Some(&[Stage::Queue, Stage::Prefill, Stage::FirstToken]),
        },
        Self {
            name: "llm_node_ttfs",
            otel: "lk.agents.turn.llm_ttfs",
            about: "Request to the first sentence",
            stages: Some(&[Stage::Queue, Stage::Prefill, Stage::FirstToken, Stage::FirstSentence]),
        },
        Self {
            name: "tts_node_ttfb",
            otel: "lk.agents.turn.tts_ttfb",
            about: "First sentence to its first sound",
            stages: Some(&[Stage::FirstAudio]),
        },
        Self {
            name: "playback_latency",
            otel: "lk.agents.turn.playback_latency",
            about: "First sound to its way into the room",
            stages: Some(&[Stage::Publish]),
        },
        Self {
            name: "e2e_latency",
            otel: "lk.agents.turn.e2e_latency",
            about: "End of the user's speech to the start of the agent's",
            stages: None,
        },
    ];

    /// Microseconds of a turn; none when a stage of it was not measured.
    pub fn of(&self, record: &TurnRecord) -> Option<u64> {
        match self.stages {
            Some(stages) => stages.iter().map(|stage| record.stage_us(*stage)).sum(),
            None => record.e2e_us,
        }
    }
}

impl TurnRecord {
    /// Microseconds of a stage; none when it was not measured.
    pub fn stage_us(&self, stage: Stage) -> Option<u64> {
        self.stages_us.get(&stage).copied().flatten()
    }

    /// Whether it got the floor: only then somebody waited for it.
    pub fn was_granted(&self) -> bool {
        self.stage_us(Stage::Decide).is_some()
    }
}
