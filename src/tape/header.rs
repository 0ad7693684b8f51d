//! The first line of a tape: what the room ran on. It holds no key and no address.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::id::PersonaId;
use crate::llm::Senses;
use crate::persona::{Hears, Mode, Persona, VoiceStyle};
use crate::turn::{Decide, Weights};

/// The format's number; a reader refuses those that it does not know.
pub const VERSION: u32 = 1;
const FORMAT: &str = "troupe-tape";
/// As many seats as an engine has.
const CAST_MAX: usize = 64;

/// What the room ran on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    format: String,
    pub version: u32,
    /// The version of Troupe that wrote it; empty when it was written by hand.
    #[serde(default)]
    pub troupe: String,
    /// Milliseconds since 1970 at the tape's time 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_unix_ms: Option<u64>,
    /// It began in a room that was there already: a replay begins at [`super::Record::Scene`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub under_way: bool,
    #[serde(default = "default_room")]
    pub room: String,
    #[serde(default)]
    pub seed: u64,
    #[serde(default = "default_reply_tokens")]
    pub reply_tokens: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns_per_minute: Option<u32>,
    /// What sends personas to sleep and wakes them, where it is not the usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sleep_words: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_words: Option<Vec<String>>,
    /// Who chose among those who might answer a question to the room, and by which weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
    /// Whether the language model took pictures.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sees: bool,
    /// Whether it took sounds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hears: bool,
    #[serde(default = "default_end_of_turn_us")]
    pub end_of_turn_us: u64,
    #[serde(default = "default_longest_us")]
    pub longest_us: u64,
    #[serde(default)]
    pub models: Models,
    /// How a voice sounds whose clauses are not on the tape.
    #[serde(default)]
    pub pace: Pace,
    pub cast: Vec<Member>,
}

/// How answerers were chosen, where a model had a say in it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    pub decide: Decide,
    pub weights: Weights,
}

/// The models in use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Models {
    pub language: Model,
    pub recognition: Model,
    pub voice: Model,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Model {
    pub name: String,
    /// Of its main file; unknown when it was given as a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// The stand-in for a voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pace {
    /// What the synthesis of a clause takes.
    pub clause_us: u64,
    /// Sound for each character.
    pub per_char_us: u64,
}

impl Default for Pace {
    /// About 150 words a minute.
    fn default() -> Self {
        Self { clause_us: 100_000, per_char_us: 60_000 }
    }
}

/// One persona of the cast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    pub id: PersonaId,
    pub name: String,
    #[serde(default)]
    pub card: String,
    #[serde(default)]
    pub voice: VoiceStyle,
    #[serde(default)]
    pub mode: Mode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sees: Option<bool>,
    #[serde(default, skip_serializing_if = "is_usual")]
    pub hears: Hears,
}

/// Whether it reads what is said, as those of older tapes did.
fn is_usual(hears: &Hears) -> bool {
    *hears == Hears::default()
}

impl From<&Persona> for Member {
    fn from(persona: &Persona) -> Self {
        let Persona { id, name, card, voice, mode, sees, hears } = persona.clone();
        Self { id, name, card, voice, mode, sees, hears }
    }
}

impl From<&Member> for Persona {
    fn from(member: &Member) -> Self {
        let Member { id, name, card, voice, mode, sees, hears } = member.clone();
        Self { id, name, card, voice, mode, sees, hears }
    }
}

fn default_room() -> String {
    "room".to_owned()
}

/// These three are the settings' own defaults.
fn default_reply_tokens() -> u32 {
    64
}

fn default_end_of_turn_us() -> u64 {
    300_000
}

fn default_longest_us() -> u64 {
    15_000_000
}

impl Header {
    /// A header of this version, the rest being defaults.
    pub fn new(cast: Vec<Member>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            troupe: env!("CARGO_PKG_VERSION").to_owned(),
            began_unix_ms: None,
            under_way: false,
            room: default_room(),
            seed: 0,
            reply_tokens: default_reply_tokens(),
            turns_per_minute: None,
            sleep_words: None,
            wake_words: None,
            answers: None,
            sees: false,
            hears: false,
            end_of_turn_us: default_end_of_turn_us(),
            longest_us: default_longest_us(),
            models: Models::default(),
            pace: Pace::default(),
            cast,
        }
    }

    /// What the language model took beside words.
    pub fn senses(&self) -> Senses {
        Senses { sees: self.sees, hears: self.hears }
    }

    /// Reads a tape's first line; the error is the end of a sentence.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        /// What every version has.
        #[derive(Deserialize)]
        struct Probe {
            format: String,
            version: u32,
        }
        let probe: Probe = serde_json::from_str(line).map_err(|_| {
            format!("does not begin with a header; a tape's first line has \"format\":\"{FORMAT}\"")
        })?;
        if probe.format != FORMAT {
            return Err(format!("is of the format {:?} and no tape", probe.format));
        }
        if probe.version != VERSION {
            let version = probe.version;
            return Err(format!(
                "has version {version} of the format, and this Troupe reads version {VERSION}; \
                 use one that wrote it"
            ));
        }
        let header: Self =
            serde_json::from_str(line).map_err(|error| format!("has a broken header: {error}"))?;
        header.check()?;
        Ok(header)
    }

    fn check(&self) -> Result<(), String> {
        let seats = self.cast.len();
        if seats == 0 || seats > CAST_MAX {
            return Err(format!("has {seats} personas; 1 to {CAST_MAX} can be"));
        }
        let mut taken = HashSet::new();
        if let Some(twice) = self.cast.iter().find(|member| !taken.insert(&member.id)) {
            return Err(format!("has two personas with the id {:?}", twice.id.as_str()));
        }
        let pace = |member: &Member| (0.5..=2.0).contains(&member.voice.pace);
        if let Some(odd) = self.cast.iter().find(|member| !pace(member)) {
            return Err(format!("has a persona {:?} whose pace is not 0.5 to 2", odd.id.as_str()));
        }
        let second = 1_000_000;
        let within = self.end_of_turn_us <= 5 * second
            && (second..=28 * second).contains(&self.longest_us)
            && self.pace.clause_us <= 60 * second
            && self.pace.per_char_us <= second
            && (1..=1_024).contains(&self.reply_tokens);
        if within { Ok(()) } else { Err("has settings out of their ranges".to_owned()) }
    }
}
