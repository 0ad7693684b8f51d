//! Who speaks, when, and when to stop: a core without clock, tasks or files.

use std::sync::Arc;
use std::time::Duration;

use crate::id::{HumanId, LineId, PersonaId, Speaker, TurnId};
use crate::latency::{Anchors, Outcome, Reason, TurnRecord, Usage};
use crate::meaning::Meaning;
use crate::persona::Mode;
use crate::picture::{Picture, Source};
use crate::room::AgentState;
use crate::sound::Sound;

pub mod addressing;
mod cast;
mod core;
pub mod endpointing;
mod floor;
mod people;
pub mod rank;
mod sight;
mod talk;
mod text;
mod transcript;

pub use self::core::{Core, Memory, Options, Stats};
pub use self::rank::{Decide, Weights};

/// An entry of the transcript.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub id: LineId,
    pub speaker: Speaker,
    /// The speaker's name as others say it.
    pub name: String,
    pub manner: Manner,
    pub text: String,
    /// In the order in which it was seen.
    pub shown: Vec<Shown>,
    /// How it sounded, for those who hear; none of what was typed, and of what a persona said.
    pub sound: Option<Sound>,
}

/// What somebody showed, as it goes with a line: its speaker's or another human's.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Whose it is: the name.
    pub by: String,
    pub source: Source,
    /// None: nobody could look at it.
    pub picture: Option<Picture>,
}

/// How a line came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
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
    /// The human began to make sound that may be speech. Each of these is followed by exactly one
    /// [`Event::SpeechDropped`] or heard [`Event::Line`] of the same human; where utterances are
    /// merged into one line, the others count as dropped. Until then nobody gets the floor.
    SpeechStarted {
        human: HumanId,
    },
    /// The newest sound of the human has gone on for a while without a pause; `voiced` is how much
    /// voice it has had in all.
    SpeechLasts {
        human: HumanId,
        voiced: Duration,
    },
    /// What the human has said so far, as it was recognised in a pause. The line follows.
    Words {
        human: HumanId,
        text: String,
    },
    /// It came to nothing (a cough, nothing recognised, or merged into another line).
    SpeechDropped {
        human: HumanId,
    },
    /// What a model makes of a text, as [`Core::whole`] has it: for a line of these words that
    /// comes soon.
    Meant {
        text: String,
        meaning: Meaning,
    },
    /// The human's words. `id` is the host's, so that anchors taken before can be found.
    Line {
        id: LineId,
        human: HumanId,
        manner: Manner,
        text: String,
        shown: Vec<Shown>,
        sound: Option<Sound>,
    },
    /// The first voiced sample of a granted turn is in the room.
    SpeechBegan {
        turn: TurnId,
    },
    /// A granted turn is over; `heard` is what came out of it before its end, and `line` the id
    /// that the host gives it as an entry of the transcript.
    SpeechEnded {
        turn: TurnId,
        line: LineId,
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
    /// The engine's answer to [`Effect::Rank`], in the order of its questions; none when it failed.
    Ranked {
        line: LineId,
        scores: Vec<crate::llm::Score>,
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
    ///
    /// A turn that was stopped before it was audible, by a sound that turned out to be no speech,
    /// is granted once more under the same id; it is settled after the last of its endings.
    Reply(Grant),
    /// Fade the holder out and keep its place: a human makes a sound, and whether that is speech is
    /// not known yet. [`Effect::Resume`] or [`Effect::Stop`] follows, or it ends by itself.
    Hold {
        turn: TurnId,
        fade: Duration,
    },
    /// It was no speech, or no interruption: go on with what was to be said.
    Resume {
        turn: TurnId,
        from: Restart,
    },
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
    /// A human's word has set a persona's mode.
    Mode {
        persona: PersonaId,
        mode: Mode,
    },
    /// Ask the engine how likely the line is to each of those who may answer it, in place of any
    /// earlier question, and tell it by [`Event::Ranked`]. The core waits only so long.
    Rank {
        line: LineId,
        questions: Vec<crate::llm::Question>,
        wait: Duration,
    },
    /// Call with [`Event::Wake`] then, replacing any earlier wish.
    WakeAt(crate::time::Time),
}

/// Where a speech that was held goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Restart {
    /// At the beginning of the clause that was cut: the silence was short.
    Clause,
    /// At the beginning of its sentence: whoever listened has lost the thread.
    Sentence,
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
    pub messages: Arc<[crate::llm::Message]>,
    /// What it says in place of a reply by the model.
    pub says: Option<&'static str>,
}

impl Grant {
    /// The pictures that the persona is shown, oldest first.
    pub fn pictures(&self) -> impl Iterator<Item = &Picture> {
        self.messages.iter().flat_map(crate::llm::Message::pictures)
    }

    /// The sounds that the persona hears, oldest first.
    pub fn sounds(&self) -> impl Iterator<Item = &Sound> {
        self.messages.iter().flat_map(crate::llm::Message::sounds)
    }
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

impl Settled {
    /// `anchors` are the turn's own when it was granted, else its line's.
    pub fn into_record(self, anchors: &Anchors, usage: Usage) -> TurnRecord {
        let path = anchors.path();
        TurnRecord {
            turn: self.turn,
            line: self.line,
            persona: self.persona,
            outcome: self.outcome,
            reason: self.reason,
            confidence: self.confidence,
            stages_us: path.stages_us,
            missing: path.missing,
            ahead_us: path.ahead_us,
            e2e_us: path.e2e_us,
            prompt_tokens: usage.prompt_tokens,
            cached_tokens: usage.cached_tokens,
            completion_tokens: usage.completion_tokens,
            decode_tok_s: usage.decode_tok_s,
            heard_text: self.heard,
            pictures: usage.pictures,
            sounds: usage.sounds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::Anchor;
    use crate::time::Time;

    #[test]
    fn a_record_is_written_as_the_contract_says() {
        let settled = Settled {
            turn: TurnId(7),
            line: LineId(3),
            persona: PersonaId::new("ada"),
            outcome: Outcome::Failed,
            reason: Reason::Borrowed("the voice failed"),
            confidence: 0.5,
            heard: String::new(),
        };
        let mut anchors = Anchors::typed(Time::ZERO);
        anchors.mark(Anchor::Granted, Time::from_ms(2));
        let usage = Usage { prompt_tokens: Some(40), ..Usage::default() };
        insta::assert_json_snapshot!(settled.into_record(&anchors, usage), @r#"
        {
          "turn": "t7",
          "line": "l3",
          "persona": "ada",
          "outcome": "failed",
          "reason": "the voice failed",
          "confidence": 0.5,
          "stages_us": {
            "end_of_turn": null,
            "transcription": null,
            "decide": 2000,
            "queue": null,
            "prefill": null,
            "first_token": null,
            "first_sentence": null,
            "first_audio": null,
            "publish": null
          },
          "missing": {
            "end_of_turn": "typed",
            "transcription": "typed",
            "queue": "not reached",
            "prefill": "not reached",
            "first_token": "not reached",
            "first_sentence": "not reached",
            "first_audio": "not reached",
            "publish": "not reached"
          },
          "ahead_us": {},
          "e2e_us": null,
          "prompt_tokens": 40,
          "cached_tokens": null,
          "completion_tokens": null,
          "decode_tok_s": null,
          "heard_text": ""
        }
        "#);
    }
}
