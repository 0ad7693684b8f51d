//! Stretches of what people say, as a model that hears is given them.
//!
//! They are kept as WAV files of one form and bounded length, once, and named by what is in them,
//! as pictures are: an engine encodes each once for all who hear it, and a tape, a server and a
//! replay have the very same sound.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::audio::{EARS_RATE_HZ, samples_to_duration};
use crate::medium::MediumId;

/// Whisper's encoders take so much in one piece.
pub const LONGEST: Duration = Duration::from_secs(30);
/// Less is no word, and some encoders cannot make a single value of it.
pub const SHORTEST: Duration = Duration::from_millis(100);
/// The longest file: the header, and two bytes for each sample.
pub const WAV_BYTES_MAX: usize = HEADER_BYTES + 2 * most(LONGEST);

const HEADER_BYTES: usize = 44;
const FULL_SCALE: f32 = 32_768.0;

/// Samples of a whole number of milliseconds.
const fn most(length: Duration) -> usize {
    (length.as_millis() as usize) * (EARS_RATE_HZ as usize) / 1_000
}

/// Why samples or a file are no sound that a model can be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SoundError {
    #[error("a sound of {samples} samples is too short; give {SHORTEST:?} or more")]
    TooShort { samples: usize },
    #[error("a sound of {samples} samples is too long; give {LONGEST:?} at most")]
    TooLong { samples: usize },
    #[error("its sample {at} is no number; give samples from -1 to 1")]
    NoNumber { at: usize },
    #[error("it is no sound as it is kept here: mono, 16 bits, {EARS_RATE_HZ} Hz, as a WAV file")]
    Malformed,
}

/// A sound, cheap to clone. Two with the same name are the same.
#[derive(Clone)]
pub struct Sound(Arc<Kept>);

struct Kept {
    id: MediumId,
    wav: Vec<u8>,
}

impl Sound {
    /// From mono samples at [`EARS_RATE_HZ`]; what is louder than -1 to 1 is cut off.
    ///
    /// # Errors
    /// When there are too few or too many, or one is no number.
    pub fn of_samples(samples: &[f32]) -> Result<Self, SoundError> {
        check_length(samples.len())?;
        if let Some(at) = samples.iter().position(|sample| !sample.is_finite()) {
            return Err(SoundError::NoNumber { at });
        }
        let mut wav = Vec::with_capacity(HEADER_BYTES + 2 * samples.len());
        wav.extend(header(samples.len()));
        // The cast is saturating.
        let whole = samples.iter().map(|sample| (sample * FULL_SCALE).round() as i16);
        wav.extend(whole.flat_map(i16::to_le_bytes));
        Ok(Self::new(wav))
    }

    /// A file that was written by [`Self::wav`], as it is.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn of_wav(wav: Vec<u8>) -> Result<Self, SoundError> {
        let samples = wav.len().saturating_sub(HEADER_BYTES) / 2;
        check_length(samples)?;
        if !wav.len().is_multiple_of(2) || !wav.starts_with(&header(samples)) {
            return Err(SoundError::Malformed);
        }
        Ok(Self::new(wav))
    }

    fn new(wav: Vec<u8>) -> Self {
        Self(Arc::new(Kept { id: MediumId::of(&wav), wav }))
    }

    pub fn id(&self) -> &MediumId {
        &self.0.id
    }

    /// A WAV file: mono, 16 bits, [`EARS_RATE_HZ`].
    pub fn wav(&self) -> &[u8] {
        &self.0.wav
    }

    /// How many samples it has.
    pub fn count(&self) -> usize {
        (self.wav().len() - HEADER_BYTES) / 2
    }

    /// From -1 to 1, at [`EARS_RATE_HZ`].
    pub fn samples(&self) -> Vec<f32> {
        let (pairs, _) = self.wav()[HEADER_BYTES..].as_chunks();
        pairs.iter().map(|pair| f32::from(i16::from_le_bytes(*pair)) / FULL_SCALE).collect()
    }

    pub fn duration(&self) -> Duration {
        samples_to_duration(self.count(), EARS_RATE_HZ)
    }
}

impl PartialEq for Sound {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Sound {}

impl fmt::Debug for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sound({} {:?})", self.id(), self.duration())
    }
}

fn check_length(samples: usize) -> Result<(), SoundError> {
    if samples < most(SHORTEST) {
        return Err(SoundError::TooShort { samples });
    }
    if samples > most(LONGEST) {
        return Err(SoundError::TooLong { samples });
    }
    Ok(())
}

/// The only header that such a file has.
fn header(samples: usize) -> [u8; HEADER_BYTES] {
    // Within bounds: a minute of it has two million bytes.
    let bytes = (2 * samples) as u32;
    let mut header = [0; HEADER_BYTES];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        header[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(b"RIFF");
    put(&(bytes + HEADER_BYTES as u32 - 8).to_le_bytes());
    put(b"WAVEfmt ");
    // The format's length; whole numbers; one channel; rates of samples and of bytes; bytes and
    // bits of a sample.
    put(&16u32.to_le_bytes());
    put(&1u16.to_le_bytes());
    put(&1u16.to_le_bytes());
    put(&EARS_RATE_HZ.to_le_bytes());
    put(&(2 * EARS_RATE_HZ).to_le_bytes());
    put(&2u16.to_le_bytes());
    put(&16u16.to_le_bytes());
    put(b"data");
    put(&bytes.to_le_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(samples: usize) -> Vec<f32> {
        (0..samples).map(|at| (at as f32 / 20.0).sin() * 0.5).collect()
    }

    #[test]
    fn a_sound_is_kept_as_a_file_and_comes_back_as_it_was() {
        let sound = Sound::of_samples(&tone(16_000)).unwrap();
        assert_eq!((sound.duration(), sound.count()), (Duration::from_secs(1), 16_000));
        let again = Sound::of_wav(sound.wav().to_vec()).unwrap();
        assert_eq!(again, sound);
        // What is kept is what a model hears, however often it is kept.
        assert_eq!(Sound::of_samples(&again.samples()).unwrap(), sound);
        let near = |(kept, given): (&f32, &f32)| (kept - given).abs() < 1.0 / FULL_SCALE;
        assert!(sound.samples().iter().zip(&tone(16_000)).all(near));
        let other = Sound::of_samples(&tone(16_001)).unwrap();
        assert_ne!(other.id(), sound.id());
    }

    #[test]
    fn others_read_the_file_too() {
        let sound = Sound::of_samples(&tone(3_200)).unwrap();
        let mut read = hound::WavReader::new(sound.wav()).unwrap();
        let spec = read.spec();
        assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1, 16_000, 16));
        let samples: Vec<i16> = read.samples().map(Result::unwrap).collect();
        let kept = sound.samples();
        assert_eq!(samples.len(), kept.len());
        assert!(samples.iter().zip(kept).all(|(a, b)| f32::from(*a) / FULL_SCALE == b));
    }

    #[test]
    fn what_is_too_short_too_long_or_no_number_is_refused() {
        let refused = |samples: &[f32]| Sound::of_samples(samples).unwrap_err().to_string();
        assert!(refused(&[]).contains("0 samples is too short"));
        assert!(refused(&tone(1_599)).contains("too short; give 100ms"));
        assert!(refused(&vec![0.0; 480_001]).contains("too long; give 30s"));
        let mut broken = tone(2_000);
        broken[7] = f32::NAN;
        assert!(refused(&broken).contains("sample 7 is no number"));
        broken[7] = f32::INFINITY;
        assert!(refused(&broken).contains("sample 7"));
        broken[7] = 1e30;
        assert_eq!(Sound::of_samples(&broken).unwrap().samples()[7], 32_767.0 / FULL_SCALE);
        let longest = Sound::of_samples(&vec![0.0; 480_000]).unwrap();
        assert_eq!(longest.wav().len(), WAV_BYTES_MAX);
    }

    #[test]
    fn files_of_another_form_are_refused() {
        let sound = Sound::of_samples(&tone(2_000)).unwrap();
        let changed = |at: usize, to: u8| {
            let mut wav = sound.wav().to_vec();
            wav[at] = to;
            Sound::of_wav(wav)
        };
        // Two channels, another rate, eight bits, another length.
        for (at, to) in [(22, 2), (24, 0), (34, 8), (40, 1), (0, b'r')] {
            assert_eq!(changed(at, to), Err(SoundError::Malformed), "byte {at}");
        }
        let cut = sound.wav()[..sound.wav().len() - 1].to_vec();
        assert_eq!(Sound::of_wav(cut), Err(SoundError::Malformed));
        assert!(matches!(Sound::of_wav(b"RIFF".to_vec()), Err(SoundError::TooShort { .. })));
        let huge = vec![0; WAV_BYTES_MAX + 2];
        assert!(matches!(Sound::of_wav(huge), Err(SoundError::TooLong { .. })));
    }
}
