//! What may stand beside words, a picture or a sound: how it is named, and how its place is marked.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Stands in a text where a picture or a sound stands: OBJECT REPLACEMENT CHARACTER, which nobody
/// says.
pub const MARK: char = '\u{fffc}';

/// The name of a picture or a sound: the first half of the SHA-256 of its file, 32 hexadecimal
/// digits. Two with the same name are the same.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct MediumId(Arc<str>);

impl MediumId {
    const DIGITS: usize = 32;

    /// None when it is no such name.
    pub fn parse(name: &str) -> Option<Self> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (name.len() == Self::DIGITS && name.bytes().all(digit)).then(|| Self(Arc::from(name)))
    }

    pub fn of(file: &[u8]) -> Self {
        let digest = Sha256::digest(file);
        let half = digest.iter().take(Self::DIGITS / 2);
        Self(half.map(|byte| format!("{byte:02x}")).collect::<String>().into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MediumId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MediumId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MediumId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        Self::parse(&name).ok_or_else(|| {
            let what = "the name of a picture or a sound has 32 digits 0-9a-f, not";
            serde::de::Error::custom(format!("{what} {name:?}"))
        })
    }
}
