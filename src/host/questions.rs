//! What recorded visitors ask: one question to each persona of the house cast.

use crate::audio::{Pcm, ogg};

/// A spoken question.
pub struct Question {
    /// Whom it names.
    pub persona: &'static str,
    /// Ogg Opus.
    file: &'static [u8],
}

pub const QUESTIONS: [Question; 3] = [
    Question { persona: "nora", file: include_bytes!("../../assets/demo/1-nora.ogg") },
    Question { persona: "felix", file: include_bytes!("../../assets/demo/2-felix.ogg") },
    Question { persona: "ada", file: include_bytes!("../../assets/demo/3-ada.ogg") },
];

impl Question {
    /// # Errors
    /// When the file cannot be decoded; it is part of the program, so that is a broken build.
    pub fn sound(&self) -> Result<Pcm, String> {
        ogg::decode(self.file).map_err(|error| error.to_string())
    }
}
