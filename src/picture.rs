//! Still pictures that people show and the model is given.
//!
//! Whatever they came as, they are kept as JPEG of bounded size, once, and named by what is in
//! them: so that an engine encodes each once for all who see it, and nothing that hides in a file
//! (its place of taking, its maker) goes further.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub mod file;

pub use file::{FileError, TILE_SIDE};

/// Stands in a text where a picture stands: OBJECT REPLACEMENT CHARACTER, which nobody says.
pub const MARK: char = '\u{fffc}';

/// The name of a picture: the first half of the SHA-256 of its JPEG, 32 hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PictureId(Arc<str>);

impl PictureId {
    const DIGITS: usize = 32;

    /// None when it is no such name.
    pub fn parse(name: &str) -> Option<Self> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (name.len() == Self::DIGITS && name.bytes().all(digit)).then(|| Self(Arc::from(name)))
    }

    fn of(jpeg: &[u8]) -> Self {
        let digest = Sha256::digest(jpeg);
        let half = digest.iter().take(Self::DIGITS / 2);
        Self(half.map(|byte| format!("{byte:02x}")).collect::<String>().into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PictureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PictureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PictureId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        Self::parse(&name).ok_or_else(|| {
            serde::de::Error::custom(format!("a picture's name has 32 digits 0-9a-f, not {name:?}"))
        })
    }
}

/// Where a picture was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    Camera,
    Screen,
    /// It was pasted into the chat.
    Chat,
}

impl Source {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Camera => "camera",
            Self::Screen => "screen",
            Self::Chat => "chat",
        }
    }
}

/// A picture, cheap to clone. Two with the same name are the same.
#[derive(Clone)]
pub struct Picture(Arc<Kept>);

struct Kept {
    id: PictureId,
    /// In pixels.
    sides: (u32, u32),
    jpeg: Vec<u8>,
}

impl Picture {
    fn new(sides: (u32, u32), jpeg: Vec<u8>) -> Self {
        Self(Arc::new(Kept { id: PictureId::of(&jpeg), sides, jpeg }))
    }

    pub fn id(&self) -> &PictureId {
        &self.0.id
    }

    /// In pixels.
    pub fn width(&self) -> u32 {
        self.0.sides.0
    }

    /// In pixels.
    pub fn height(&self) -> u32 {
        self.0.sides.1
    }

    /// A JPEG file.
    pub fn jpeg(&self) -> &[u8] {
        &self.0.jpeg
    }
}

impl PartialEq for Picture {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Picture {}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({} {} x {})", self.id(), self.width(), self.height())
    }
}
