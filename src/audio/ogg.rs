//! Ogg Opus files as the room's sound.

use std::io::Cursor;

use ::ogg::PacketReader;

use super::{Pcm, ROOM_RATE_HZ};

/// Longest Opus frame: 120 ms at 48 kHz.
const FRAME_SAMPLES_MAX: usize = 5_760;
/// Refuses files that would fill the memory: five minutes of sound.
const SAMPLES_MAX: usize = ROOM_RATE_HZ as usize * 300;

#[derive(Debug, thiserror::Error)]
pub enum OggError {
    #[error("this is no Ogg Opus file: {0}")]
    Container(String),
    #[error("its Opus data is broken: {0}")]
    Codec(#[from] opus::Error),
    #[error("it is longer than five minutes")]
    TooLong,
}

/// Decodes a whole file to mono at [`ROOM_RATE_HZ`]; the encoder's pre-skip is cut off.
pub fn decode(file: &[u8]) -> Result<Pcm, OggError> {
    let mut packets = PacketReader::new(Cursor::new(file));
    let mut next = || packets.read_packet().map_err(|error| OggError::Container(error.to_string()));
    let head = next()?.ok_or_else(|| OggError::Container("it is empty".to_owned()))?.data;
    if head.len() < 19 || !head.starts_with(b"OpusHead") {
        return Err(OggError::Container("it does not begin with OpusHead".to_owned()));
    }
    let pre_skip = usize::from(u16::from_le_bytes([head[10], head[11]]));
    // The second packet holds tags.
    next()?;
    // A mono decoder mixes stereo down by itself.
    let mut decoder = opus::Decoder::new(ROOM_RATE_HZ, opus::Channels::Mono)?;
    let mut samples = Vec::new();
    let mut frame = vec![0_i16; FRAME_SAMPLES_MAX];
    while let Some(packet) = next()? {
        let decoded = decoder.decode(&packet.data, &mut frame, false)?;
        samples.extend_from_slice(&frame[..decoded]);
        if samples.len() > SAMPLES_MAX {
            return Err(OggError::TooLong);
        }
    }
    samples.drain(..pre_skip.min(samples.len()));
    Ok(Pcm { samples, ..Pcm::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: &[u8] = include_bytes!("../../assets/demo/1-nora.ogg");

    #[test]
    fn the_demo_questions_decode_to_a_few_seconds_of_speech() {
        for file in [QUESTION, include_bytes!("../../assets/demo/2-felix.ogg")] {
            let pcm = decode(file).expect("a good file");
            let seconds = pcm.duration().as_secs_f32();
            assert!((1.0..8.0).contains(&seconds), "{seconds} s");
            assert!(pcm.samples.iter().any(|sample| sample.unsigned_abs() > 3_000));
        }
    }

    #[test]
    fn broken_files_are_refused() {
        let file = QUESTION;
        assert!(matches!(decode(b""), Err(OggError::Container(_))));
        assert!(matches!(decode(b"RIFFxxxxWAVE"), Err(OggError::Container(_))));
        let mut bad = file.to_vec();
        bad[28] = b'X';
        assert!(decode(&bad).is_err());
        for cut in [30, 60, file.len() / 2] {
            // A cut file may still hold whole packets; it must not panic.
            let _ = decode(&file[..cut]);
        }
    }
}
