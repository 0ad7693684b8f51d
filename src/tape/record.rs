//! What stands on a tape: one variant for each `kind` of line.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{HumanId, LineId, PersonaId, TurnId, UtteranceId};
use crate::llm::{EngineError, Finish, Score};
use crate::meaning::Meaning;
use crate::medium::MediumId;
use crate::persona::Mode;
use crate::picture::Source;
use crate::room::AgentState;
use crate::time::micros;
use crate::turn::{Manner, Memory, Restart};

/// A week: no tape is longer, and times beyond are a broken tape's.
const AT_US_MAX: u64 = 7 * 24 * 3_600 * 1_000_000;
/// More utterances and requests than a week has.
const NUMBER_MAX: u64 = 1 << 23;
/// A host that has run for this long, thirty years, has another problem.
const BEGIN_US_MAX: u64 = 30 * 365 * 24 * 3_600 * 1_000_000;
/// The longest stretch of sound or work in one record.
const LENGTH_US_MAX: u64 = 120 * 1_000_000;

/// One line of a tape.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Since the tape's begin.
    pub at_us: u64,
    #[serde(flatten)]
    pub record: Record,
}

/// What happened. The first half is told to the room's cores and is what a replay feeds them; the
/// second half ([`Record::is_effect`]) is what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Record {
    /// A participant of ours is in the room, or out of it; without `persona` it is the listener.
    Link {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        persona: Option<PersonaId>,
        up: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
    },
    Join {
        human: HumanId,
        name: String,
    },
    Leave {
        human: HumanId,
    },
    /// A human's microphone track ended or was muted.
    Muted {
        human: HumanId,
    },
    /// A human's chat message.
    Typed {
        human: HumanId,
        text: String,
    },
    /// What a human showed, as it is made for the model: a file of `frames/`. None: nobody could
    /// look at it.
    Picture {
        human: HumanId,
        source: Source,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        picture: Option<MediumId>,
    },
    /// A human began to make a sound that may be speech.
    Onset {
        human: HumanId,
        voiced_us: u64,
    },
    /// It was none.
    Noise {
        human: HumanId,
    },
    /// It goes on; `voiced_us` is how much voice it has had.
    Lasts {
        human: HumanId,
        voiced_us: u64,
    },
    /// By hand: what was recognised of it in a pause, and not shown.
    Words {
        human: HumanId,
        text: String,
    },
    /// A human's sound was cut into an utterance, and goes to the recogniser.
    Utterance(Utterance),
    /// Words that were shown while the speaker might go on: they tell whether somebody wants to
    /// speak.
    Partial {
        utterance: UtteranceId,
        human: HumanId,
        text: String,
    },
    Recognised(Recognised),
    /// By hand: an onset now, an utterance after `speech_us` and the room's silence, and `text`
    /// (or nothing) from the recogniser `took_us` later.
    Says {
        human: HumanId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        speech_us: u64,
        took_us: u64,
    },
    /// A persona's seat was asked for a reply; the six kinds below tell what the engine did.
    Asked {
        request: u64,
        persona: PersonaId,
        /// The first 16 hexadecimal digits of a SHA-256 over the messages.
        prompt: String,
    },
    Started {
        request: u64,
    },
    Prefilled {
        request: u64,
        prompt_tokens: u32,
        cached_tokens: u32,
    },
    /// The same, told by an engine in the end.
    Counted {
        request: u64,
        prompt_tokens: u32,
        cached_tokens: u32,
    },
    Text {
        request: u64,
        text: String,
    },
    Done {
        request: u64,
        finish: Finish,
        completion_tokens: u32,
    },
    Failed {
        request: u64,
        error: String,
        /// It was not even taken into the queue.
        #[serde(default)]
        refused: bool,
    },
    /// How likely a line is in the seats of those who may answer it.
    Scored(Scored),
    Meant(Meant),
    /// By hand: what a persona answers when it is asked next.
    Reply(Reply),
    Voice(Voice),
    Mode {
        persona: PersonaId,
        mode: Mode,
    },
    Hush {
        persona: PersonaId,
    },
    /// In a tape that began in the middle: nothing is under way any more, and a replay begins here.
    Scene {
        /// The host's time at the tape's begin, in which the memory counts.
        begin_us: u64,
        /// Lines so far.
        lines: u64,
        memory: Memory,
    },
    /// So many records found no place in the recorder's queue since the last of these.
    Dropped {
        records: u64,
    },
    /// The recording ended in order.
    End,

    /// An entry of the transcript.
    Line {
        line: LineId,
        speaker: String,
        name: String,
        manner: Manner,
        text: String,
        /// What was shown with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pictures: Vec<MediumId>,
        /// How it sounded, for those who hear.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sound: Option<MediumId>,
    },
    Granted {
        turn: TurnId,
        persona: PersonaId,
        line: LineId,
        confidence: f32,
    },
    Stopped {
        turn: TurnId,
        fade_us: u64,
    },
    /// It was told to fall silent and keep its place.
    Held {
        turn: TurnId,
        fade_us: u64,
    },
    /// And to go on.
    Resumed {
        turn: TurnId,
        from: Restart,
    },
    /// The first voiced sample of a speech was handed to the room.
    Began {
        turn: TurnId,
    },
    Ended {
        turn: TurnId,
        heard: String,
        said: String,
        end: End,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A turn is settled: its record as `/api/turns` gives it.
    Turn {
        record: Value,
    },
    State {
        persona: PersonaId,
        state: AgentState,
    },
    /// A persona's mode was set by a human's word.
    Became {
        persona: PersonaId,
        mode: Mode,
    },
    Caption {
        speaker: String,
        segment: String,
        text: String,
        last: bool,
    },
    /// A persona's chat message.
    Chat {
        persona: PersonaId,
        text: String,
    },
}

/// How a speech ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    Finished,
    Stopped,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Utterance {
    pub utterance: UtteranceId,
    pub human: HumanId,
    pub voiced_start_us: u64,
    pub voiced_end_us: u64,
    pub endpoint_us: u64,
    /// How much of it was voiced.
    pub voiced_us: u64,
    /// The length of its clip.
    pub clip_us: u64,
    /// Root mean square of the clip, 1 being full scale.
    pub level: f32,
    /// The speech goes on in the next utterance.
    pub cut: bool,
}

/// What the recogniser made of an utterance, and of those that were joined to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recognised {
    pub utterance: UtteranceId,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<UtteranceId>,
    pub took_us: u64,
    /// Tidy and never empty; else `error` says why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How it sounded, in a room in which somebody hears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<MediumId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    pub persona: PersonaId,
    /// Each word is a token.
    #[serde(default)]
    pub say: String,
    #[serde(default)]
    pub queue_us: u64,
    #[serde(default)]
    pub prefill_us: u64,
    #[serde(default)]
    pub per_token_us: u64,
    /// Fails with this after the words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail: Option<String>,
}

/// The engine's answer to a question how likely a text is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scored {
    /// The first 16 hexadecimal digits of a SHA-256 over what was asked.
    pub prompt: String,
    pub took_us: u64,
    /// Of each seat that was asked, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nats: Vec<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Scored {
    pub(super) fn new(
        prompt: String,
        took: Duration,
        scores: &Result<Vec<Score>, EngineError>,
    ) -> Self {
        let all = scores.as_deref().unwrap_or_default();
        Self {
            prompt,
            took_us: micros(took),
            nats: all.iter().map(|score| score.nats).collect(),
            tokens: all.iter().map(|score| score.tokens).collect(),
            error: scores.as_ref().err().map(ToString::to_string),
        }
    }

    /// What was answered.
    ///
    /// # Errors
    /// The engine's, as its sentence.
    pub fn scores(&self) -> Result<Vec<Score>, String> {
        let pairs = self.nats.iter().zip(&self.tokens);
        let score = |(nats, tokens): (&f64, &u32)| Score { nats: *nats, tokens: *tokens };
        match &self.error {
            Some(error) => Err(error.clone()),
            None => Ok(pairs.map(score).collect()),
        }
    }
}

/// What the model of sentences made of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meant {
    /// The first 16 hexadecimal digits of a SHA-256 over it.
    pub text: String,
    /// How long it took; nothing where it was known.
    #[serde(default)]
    pub took_us: u64,
    /// As in [`Meaning`].
    pub near: Vec<f32>,
    pub wanted: f32,
    pub called: f32,
    /// Older tapes do not have it.
    #[serde(default)]
    pub goes_on: f32,
}

impl Meant {
    pub(super) fn new(text: String, took_us: u64, meaning: Meaning) -> Self {
        let Meaning { near, wanted, called, goes_on } = meaning;
        Self { text, took_us, near, wanted, called, goes_on }
    }

    /// What was told, and after how long.
    pub fn told(&self) -> (Duration, Meaning) {
        let Self { near, wanted, called, goes_on, .. } = self.clone();
        let meaning = Meaning { near, wanted, called, goes_on };
        (Duration::from_micros(self.took_us), meaning)
    }
}

/// A clause was turned into sound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    pub text: String,
    pub took_us: u64,
    #[serde(default)]
    pub sound_us: u64,
    /// Before its first voiced sample.
    #[serde(default)]
    pub lead_us: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Entry {
    /// Reads one line. Unknown kinds and fields are refused.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let mut fields: serde_json::Map<String, Value> =
            serde_json::from_str(line).map_err(|error| error.to_string())?;
        let at_us = fields.remove("at_us").and_then(|at| at.as_u64()).ok_or("it has no at_us")?;
        if at_us > AT_US_MAX {
            return Err(format!("at_us = {at_us} is beyond the longest tape, a week"));
        }
        let record =
            Record::deserialize(Value::Object(fields)).map_err(|error| error.to_string())?;
        record.check()?;
        Ok(Self { at_us, record })
    }
}

impl Record {
    /// It came of what the room was told.
    pub fn is_effect(&self) -> bool {
        matches!(
            self,
            Self::Line { .. }
                | Self::Granted { .. }
                | Self::Stopped { .. }
                | Self::Held { .. }
                | Self::Resumed { .. }
                | Self::Began { .. }
                | Self::Ended { .. }
                | Self::Turn { .. }
                | Self::State { .. }
                | Self::Became { .. }
                | Self::Caption { .. }
                | Self::Chat { .. }
        )
    }

    /// Numbers, times and lengths that a replay would have to make are those that a room can have.
    fn check(&self) -> Result<(), String> {
        let number = match self {
            Self::Utterance(utterance) => utterance.utterance.0,
            Self::Partial { utterance, .. } => utterance.0,
            Self::Asked { request, .. } => *request,
            Self::Scene { lines, .. } => *lines,
            _ => 0,
        };
        if number > NUMBER_MAX {
            return Err(format!("no room comes to the number {number}; {NUMBER_MAX} is the most"));
        }
        if let Self::Scene { begin_us, memory, .. } = self
            && (*begin_us > BEGIN_US_MAX || !memory.is_within(NUMBER_MAX))
        {
            return Err("no room has been there so long".to_owned());
        }
        let times = match self {
            Self::Utterance(utterance) => {
                vec![utterance.voiced_start_us, utterance.voiced_end_us, utterance.endpoint_us]
            }
            Self::Onset { voiced_us, .. } => vec![*voiced_us],
            _ => Vec::new(),
        };
        if times.into_iter().any(|time| time > AT_US_MAX) {
            return Err("a time is beyond the longest tape, a week".to_owned());
        }
        let lengths = match self {
            Self::Utterance(utterance) => vec![utterance.clip_us, utterance.voiced_us],
            Self::Recognised(recognised) => vec![recognised.took_us],
            Self::Lasts { voiced_us, .. } => vec![*voiced_us],
            Self::Says { speech_us, took_us, .. } => vec![*speech_us, *took_us],
            Self::Reply(reply) => vec![reply.queue_us, reply.prefill_us, reply.per_token_us],
            Self::Scored(scored) => vec![scored.took_us],
            Self::Voice(voice) => vec![voice.took_us, voice.sound_us, voice.lead_us],
            _ => Vec::new(),
        };
        match lengths.into_iter().find(|length| *length > LENGTH_US_MAX) {
            Some(length) => Err(format!("a length of {length} us is more than two minutes")),
            None => Ok(()),
        }
    }
}
