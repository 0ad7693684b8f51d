//! The file as written. Every key is optional; unknown keys are refused.

use std::path::Path;

use serde::Deserialize;

use super::ConfigError;
use crate::persona::{Hears, Mode, VoiceStyle};
use crate::turn::Decide;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    pub room: Room,
    pub pages: Pages,
    pub models: Models,
    pub hearing: Hearing,
    pub turn: Turn,
    pub tape: Tape,
    /// The cast; empty means the three that come with Troupe.
    pub persona: Vec<Persona>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Room {
    pub name: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pages {
    pub listen: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Models {
    pub language: Language,
    /// The eyes of a model that is named by a path: a GGUF file.
    pub projector: Option<String>,
    pub recognition: String,
    pub voice: String,
    pub context_tokens: u32,
    pub threads: Option<u32>,
    pub step_ms: u32,
    pub adapters_mib: u32,
}

/// A model for this process, or a server.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "write a model's name, or { kind = \"openai\", url = \"…/v1\", model = \"…\" }"
)]
pub enum Language {
    Here(String),
    Server(Server),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub kind: Kind,
    #[serde(default)]
    pub url: String,
    #[serde(default)]
    pub model: String,
    /// Whether the server's model takes pictures.
    #[serde(default)]
    pub sees: bool,
    /// Whether it takes sounds.
    #[serde(default)]
    pub hears: bool,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Openai,
    /// No model: it says what it was shown.
    Scripted,
}

impl Default for Models {
    fn default() -> Self {
        Self {
            language: Language::Here("smollm2-135m-instruct".to_owned()),
            projector: None,
            recognition: "whisper-tiny.en".to_owned(),
            voice: "piper-en-us-joe".to_owned(),
            // SmolLM2 was trained with 8 k; 2 k hold some forty lines and cost 46 MB a seat.
            context_tokens: 2_048,
            threads: None,
            // Nobody hears a pause of this length between two words that are spoken already.
            step_ms: 100,
            adapters_mib: 512,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hearing {
    pub end_of_turn_ms: EndOfTurnMs,
    pub early_words: bool,
    pub longest_s: u32,
}

/// `"auto"`, or milliseconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "write \"auto\" or a number of milliseconds")]
pub enum EndOfTurnMs {
    Fixed(u32),
    Word(String),
}

impl Default for Hearing {
    fn default() -> Self {
        // A fixed delay cuts people off in their pauses, or is plain waiting.
        let end_of_turn_ms = EndOfTurnMs::Word("auto".to_owned());
        Self { end_of_turn_ms, early_words: true, longest_s: 15 }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Turn {
    pub reply_tokens: u32,
    pub seed: u64,
    pub turns_per_minute: Option<u32>,
    pub sleep_words: Option<Vec<String>>,
    pub wake_words: Option<Vec<String>>,
    /// As the catalogue has it for the model unless it is given.
    pub decide: Option<Decide>,
}

impl Default for Turn {
    fn default() -> Self {
        // Two spoken sentences.
        Self {
            reply_tokens: 64,
            seed: 0,
            turns_per_minute: None,
            sleep_words: None,
            wake_words: None,
            decide: None,
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tape {
    pub folder: Option<std::path::PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    pub id: String,
    pub name: Option<String>,
    pub card: String,
    #[serde(default)]
    pub voice: VoiceStyle,
    #[serde(default)]
    pub mode: Mode,
    /// A LoRA.
    pub adapter: Option<Adapter>,
    /// What it looks like.
    pub face: Option<Face>,
    /// Whether it is shown pictures.
    pub sees: Option<bool>,
    /// How it takes what humans say.
    #[serde(default)]
    pub hears: Hears,
}

/// A picture's path, or how it is drawn.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "write a picture's path, or { color = \"#rrggbb\", seed = 1 }, either or both"
)]
pub enum Face {
    Picture(String),
    Drawn(DrawnFace),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawnFace {
    pub color: Option<String>,
    pub seed: Option<u64>,
}

/// A path, or a path and how much of it counts.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "write a path, or { path = \"…\", scale = 1.0 }")]
pub enum Adapter {
    Path(String),
    Scaled { path: String, scale: f32 },
}

impl Options {
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            ConfigError(format!("{} cannot be read: {error}; check --config", path.display()))
        })?;
        Self::parse(&text)
            .map_err(|ConfigError(error)| ConfigError(format!("{}: {error}", path.display())))
    }

    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| ConfigError(one_line(&error, text)))
    }
}

/// TOML's error with its line, in one sentence.
fn one_line(error: &toml::de::Error, text: &str) -> String {
    let line =
        error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    let message = error.message().trim().replace('\n', "; ");
    match line {
        Some(line) => format!("line {line}: {message}; see troupe.example.toml for every key"),
        None => format!("{message}; see troupe.example.toml for every key"),
    }
}
