//! The token texts of a byte-level BPE tokenizer (`tokenizer.json`), as bytes.

use std::collections::HashMap;

use serde::Deserialize;

use super::convert::ConvertError;

#[derive(Deserialize)]
struct Tokenizer {
    model: Bpe,
}

#[derive(Deserialize)]
struct Bpe {
    vocab: HashMap<String, u32>,
}

/// The bytes of every token of the base vocabulary, by id; added special tokens are left out.
///
/// Errors: no such JSON, ids with holes, or a letter outside the byte alphabet.
pub(crate) fn parse(tokenizer_json: &[u8]) -> Result<Vec<Vec<u8>>, ConvertError> {
    let bad = |what: String| ConvertError::Vocabulary(what);
    let tokenizer: Tokenizer =
        serde_json::from_slice(tokenizer_json).map_err(|error| bad(error.to_string()))?;
    let mut by_id: Vec<(u32, String)> =
        tokenizer.model.vocab.into_iter().map(|(text, id)| (id, text)).collect();
    by_id.sort_unstable();
    if by_id.iter().enumerate().any(|(index, (id, _))| index != *id as usize) {
        return Err(bad("its token ids have holes".to_owned()));
    }
    let alphabet = byte_alphabet();
    let decode = |(id, text): &(u32, String)| {
        let bytes: Option<Vec<u8>> = text.chars().map(|c| alphabet.get(&c).copied()).collect();
        bytes.ok_or_else(|| bad(format!("token {id} is not in the byte alphabet")))
    };
    by_id.iter().map(decode).collect()
}

/// GPT-2's alphabet: printable Latin-1 letters stand for their own byte, the 68 others for the
/// letters from U+0100 on, in order.
fn byte_alphabet() -> HashMap<char, u8> {
    let printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let (own, moved): (Vec<u8>, Vec<u8>) = (0..=u8::MAX).partition(printable);
    let letters = ('\u{100}'..).zip(moved);
    own.into_iter().map(|byte| (char::from(byte), byte)).chain(letters).collect()
}
