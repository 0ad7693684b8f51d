//! How the host and the process `troupe-ears` speak over its stdin and stdout.
//!
//! A message is [`MAGIC`] (with the protocol's version), two little-endian `u32` byte counts, a
//! JSON header and 32 bit float samples. Counts are checked before anything is allocated, so a
//! stream that is not ours is an error and never a crash.
//!
//! Both binaries compile this file by itself: it may use nothing of either engine.

use serde::{Deserialize, Serialize};

/// Begins every message; its last byte is the version of the protocol.
pub const MAGIC: [u8; 4] = *b"TE\0\x01";
/// Longest clip: Whisper hears 30 s at a time.
pub const SAMPLES_MAX: usize = 30 * 16_000;
/// Longest JSON header. The longest text of 30 s speech has some 1,000 characters.
const HEADER_BYTES_MAX: usize = 64 * 1024;
const SAMPLE_BYTES: usize = size_of::<f32>();
const PREFIX_BYTES: usize = MAGIC.len() + 2 * size_of::<u32>();

/// What is said on the wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Message {
    /// The ears have loaded and warmed their model.
    Ready { load_ms: u64 },
    /// A clip to transcribe: mono at 16 kHz.
    Clip {
        id: u64,
        #[serde(skip)]
        samples: Vec<f32>,
    },
    /// Its text.
    Text { id: u64, text: String, no_speech: f32, token_probability: f32, took_us: u64 },
    /// It cannot be transcribed, and trying again does not help.
    Refused { id: u64, cause: String },
}

/// The stream is not what it should be. It cannot be used any further.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("the stream has other bytes than a message; build both binaries from one version")]
    NotOurs,
    #[error("a message announces {0} bytes, more than the protocol allows")]
    TooLong(usize),
    #[error("a message's header cannot be read: {0}")]
    Header(String),
}

/// Writes a message as bytes.
///
/// # Errors
/// [`WireError::TooLong`] when it has more than the protocol allows.
pub fn encode(message: &Message) -> Result<Vec<u8>, WireError> {
    let header =
        serde_json::to_vec(message).map_err(|error| WireError::Header(error.to_string()))?;
    let samples: &[f32] = match message {
        Message::Clip { samples, .. } => samples,
        _ => &[],
    };
    let sample_bytes = samples.len() * SAMPLE_BYTES;
    check_lengths(header.len(), sample_bytes)?;
    let mut bytes = Vec::with_capacity(PREFIX_BYTES + header.len() + sample_bytes);
    bytes.extend(MAGIC);
    bytes.extend((header.len() as u32).to_le_bytes());
    bytes.extend((sample_bytes as u32).to_le_bytes());
    bytes.extend(header);
    bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    Ok(bytes)
}

fn check_lengths(header_bytes: usize, sample_bytes: usize) -> Result<(), WireError> {
    if header_bytes > HEADER_BYTES_MAX {
        return Err(WireError::TooLong(header_bytes));
    }
    if sample_bytes > SAMPLES_MAX * SAMPLE_BYTES {
        return Err(WireError::TooLong(sample_bytes));
    }
    Ok(())
}

/// Reads messages from bytes that come in pieces of any length.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
}

impl Decoder {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message, when all of it is there.
    pub fn next_message(&mut self) -> Result<Option<Message>, WireError> {
        let known = self.bytes.len().min(MAGIC.len());
        if self.bytes[..known] != MAGIC[..known] {
            return Err(WireError::NotOurs);
        }
        let Some((header_bytes, sample_bytes)) = self.lengths() else { return Ok(None) };
        check_lengths(header_bytes, sample_bytes)?;
        let total = PREFIX_BYTES + header_bytes + sample_bytes;
        if self.bytes.len() < total {
            return Ok(None);
        }
        let message = parse(&self.bytes[PREFIX_BYTES..total], header_bytes)?;
        self.bytes.drain(..total);
        Ok(Some(message))
    }

    fn lengths(&self) -> Option<(usize, usize)> {
        let length = |at: usize| {
            let bytes = self.bytes.get(at..at + size_of::<u32>())?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
        };
        Some((length(MAGIC.len())?, length(MAGIC.len() + size_of::<u32>())?))
    }
}

fn parse(body: &[u8], header_bytes: usize) -> Result<Message, WireError> {
    let (header, sound) = body.split_at(header_bytes);
    let mut message =
        serde_json::from_slice(header).map_err(|error| WireError::Header(error.to_string()))?;
    let (whole, rest) = sound.as_chunks::<SAMPLE_BYTES>();
    match &mut message {
        Message::Clip { samples, .. } if rest.is_empty() => {
            *samples = whole.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        }
        _ if sound.is_empty() => {}
        _ => return Err(WireError::Header(format!("{} bytes of sound too many", sound.len()))),
    }
    Ok(message)
}

#[cfg(test)]
#[path = "wire/tests.rs"]
mod tests;
