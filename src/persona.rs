//! Who plays: card, voice, mode.

pub mod card;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

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
    /// Whether it is shown pictures; none: where the model can see.
    pub sees: Option<bool>,
    /// How it takes what humans say, where the model can hear.
    pub hears: Hears,
}

impl Persona {
    /// How it takes what humans say, with a model that `hears` or does not.
    pub fn hears_with(&self, hears: bool) -> Hears {
        if hears { self.hears } else { Hears::Transcript }
    }

    /// Whether it is shown pictures, with a model that `sees` or does not.
    pub fn is_shown_pictures(&self, sees: bool) -> bool {
        sees && self.sees != Some(false)
    }
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

/// How a persona takes what a human says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Hears {
    /// As the words that the recogniser made of it.
    #[default]
    Transcript,
    /// As its sound.
    Audio,
    /// As its sound and the words.
    Both,
}

impl Hears {
    /// As it is written in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transcript => "transcript",
            Self::Audio => "audio",
            Self::Both => "both",
        }
    }

    pub fn takes_sound(self) -> bool {
        self != Self::Transcript
    }

    pub fn takes_words(self) -> bool {
        self != Self::Audio
    }
}

/// What a persona looks like.
#[derive(Clone, Debug, PartialEq)]
pub enum Face {
    Drawn {
        /// Of its surroundings and clothes; dealt by the identity unless it is given.
        rgb: Option<Rgb>,
        /// The same seed gives the same face; by the identity unless it is given.
        seed: Option<u64>,
    },
    /// A PNG, JPEG or WebP file.
    Picture(PathBuf),
}

impl Default for Face {
    fn default() -> Self {
        Self::Drawn { rgb: None, seed: None }
    }
}

/// A colour in sRGB: red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rgb(pub [u8; 3]);

/// As it is written: `#rrggbb`.
impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no colour; write one as \"#rrggbb\"")]
pub struct NoColour(String);

impl FromStr for Rgb {
    type Err = NoColour;

    fn from_str(text: &str) -> Result<Self, NoColour> {
        let wrong = || NoColour(text.to_owned());
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or_else(wrong)?;
        if !digits.bytes().all(|c| c.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| wrong())?;
        let [_, r, g, b] = number.to_be_bytes();
        Ok(Self([r, g, b]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_has_six_hexadecimal_digits() {
        assert_eq!("#8c2f3F".parse(), Ok(Rgb([0x8c, 0x2f, 0x3f])));
        assert_eq!(Rgb([0x8c, 0x2f, 0x03]).to_string(), "#8c2f03");
        for wrong in ["", "#fff", "8c2f3f", "#8c2f3g", "#+c2f3f", "#8c2f3f0", "#äöü"] {
            let told = wrong.parse::<Rgb>().unwrap_err().to_string();
            assert!(told.contains("#rrggbb"), "{told}");
        }
    }
}
