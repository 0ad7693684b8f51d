//! CTranslate2 Whisper → whisper.cpp, in one step.

use std::io::{self, Write};

use super::ct2::Ct2;
use super::{ggml, vocabulary};

/// Why a model could not be converted.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    #[error("the CTranslate2 file {0}")]
    Ct2(String),
    #[error("the tokenizer cannot be used: {0}")]
    Vocabulary(String),
    #[error("{0}")]
    Write(#[from] io::Error),
}

/// Writes the whisper.cpp form of the CTranslate2 Whisper `model_bin` with its `tokenizer_json`.
/// The same input gives the same bytes.
pub fn whisper_to_ggml(
    model_bin: &[u8],
    tokenizer_json: &[u8],
    out: &mut dyn Write,
) -> Result<(), ConvertError> {
    let model = Ct2::parse(model_bin)?;
    if model.spec != "WhisperSpec" {
        return Err(ConvertError::Ct2(format!("holds a `{}`, not a Whisper", model.spec)));
    }
    let tokens = vocabulary::parse(tokenizer_json)?;
    ggml::write(&model, &tokens, out)
}
