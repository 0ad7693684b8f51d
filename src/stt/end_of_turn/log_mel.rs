//! What Smart Turn hears: Whisper's log-mel spectrogram of the last eight seconds.
//!
//! Whisper's own feature extractor, with the sound first brought to mean 0 and variance 1, as the
//! model was trained. Shorter sound is preceded by silence, so its end is always the end.

use std::sync::Arc;

use realfft::{FftError, RealFftPlanner, RealToComplex};

use crate::audio::EARS_RATE_HZ;
use crate::audio::mel::{self, BINS, WINDOW_SAMPLES};

/// Mel bands of one step.
pub(super) const BANDS: usize = 80;
/// Steps of the eight seconds: 10 ms each.
pub(super) const STEPS: usize = 800;
const HOP_SAMPLES: usize = EARS_RATE_HZ as usize / 100;
const SAMPLES: usize = STEPS * HOP_SAMPLES;
/// Added to the variance, so that pure silence is not divided by 0; Whisper's extractor has it.
const VARIANCE_FLOOR: f32 = 1e-7;
/// Power below this counts as this.
const POWER_FLOOR: f32 = 1e-10;
/// What lies more decades than this below the loudest counts as so much below it.
const RANGE_DECADES: f32 = 8.0;
/// Shifts and scales the decades to about -1..1.
const OFFSET_DECADES: f32 = 4.0;

/// One mel band: the weights of the bins that it has any of.
struct Band {
    first_bin: usize,
    weights: Vec<f32>,
}

/// Windows, transform and filters, made once.
pub(super) struct LogMel {
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
    bands: Vec<Band>,
}

impl LogMel {
    pub(super) fn new() -> Self {
        let turn = std::f64::consts::TAU / WINDOW_SAMPLES as f64;
        let hann = |index: usize| (0.5 - 0.5 * (index as f64 * turn).cos()) as f32;
        Self {
            window: (0..WINDOW_SAMPLES).map(hann).collect(),
            fft: RealFftPlanner::new().plan_fft_forward(WINDOW_SAMPLES),
            bands: mel::slaney(BANDS).chunks(BINS).map(Band::of).collect(),
        }
    }

    /// The spectrogram, [`BANDS`] × [`STEPS`], row-major, of mono samples at [`EARS_RATE_HZ`].
    pub(super) fn of(&self, samples: &[f32]) -> Result<Vec<f32>, FftError> {
        let sound = padded(&normalised(samples));
        let mut decades = vec![0.0; BANDS * STEPS];
        let mut windowed = self.fft.make_input_vec();
        let mut spectrum = self.fft.make_output_vec();
        let mut power = [0.0; BINS];
        for step in 0..STEPS {
            let part = sound[step * HOP_SAMPLES..].iter().zip(&self.window);
            for (input, (sample, weight)) in windowed.iter_mut().zip(part) {
                *input = sample * weight;
            }
            self.fft.process(&mut windowed, &mut spectrum)?;
            for (power, bin) in power.iter_mut().zip(&spectrum) {
                *power = bin.norm_sqr();
            }
            for (index, band) in self.bands.iter().enumerate() {
                decades[index * STEPS + step] = band.power(&power).max(POWER_FLOOR).log10();
            }
        }
        let loudest = decades.iter().copied().fold(f32::MIN, f32::max);
        for value in &mut decades {
            *value = (value.max(loudest - RANGE_DECADES) + OFFSET_DECADES) / OFFSET_DECADES;
        }
        Ok(decades)
    }
}

impl Band {
    fn of(row: &[f32]) -> Self {
        let first_bin = row.iter().position(|&weight| weight > 0.0).unwrap_or(0);
        let end = row.iter().rposition(|&weight| weight > 0.0).map_or(first_bin, |last| last + 1);
        Self { first_bin, weights: row[first_bin..end].to_vec() }
    }

    fn power(&self, power: &[f32]) -> f32 {
        self.weights.iter().zip(&power[self.first_bin..]).map(|(weight, bin)| weight * bin).sum()
    }
}

/// The last eight seconds, silence before them where there is less, at mean 0 and variance 1.
fn normalised(samples: &[f32]) -> Vec<f32> {
    let newest = &samples[samples.len().saturating_sub(SAMPLES)..];
    let mut sound = vec![0.0; SAMPLES - newest.len()];
    sound.extend_from_slice(newest);
    let count = sound.len() as f64;
    let mean = sound.iter().copied().map(f64::from).sum::<f64>() / count;
    let squares = sound.iter().map(|&sample| (f64::from(sample) - mean).powi(2)).sum::<f64>();
    let deviation = ((squares / count) as f32 + VARIANCE_FLOOR).sqrt();
    for sample in &mut sound {
        *sample = (*sample - mean as f32) / deviation;
    }
    sound
}

/// The sound with its mirrored ends, so that the first window's middle is the first sample.
fn padded(sound: &[f32]) -> Vec<f32> {
    let half = WINDOW_SAMPLES / 2;
    let before = sound[1..=half].iter().rev();
    let after = sound[sound.len() - 1 - half..sound.len() - 1].iter().rev();
    before.chain(sound).chain(after).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f32, samples: usize) -> Vec<f32> {
        let step = std::f32::consts::TAU * hz / EARS_RATE_HZ as f32;
        (0..samples).map(|index| (index as f32 * step).sin()).collect()
    }

    #[test]
    fn a_tone_is_loudest_in_its_band_and_silence_comes_before_it() {
        let features = LogMel::new().of(&tone(1_000.0, 16_000)).expect("a spectrum");
        assert_eq!(features.len(), BANDS * STEPS);
        let features = &features;
        let step = |step: usize| (0..BANDS).map(move |band| features[band * STEPS + step]);
        let column: Vec<f32> = step(750).collect();
        let loudest = (0..BANDS).max_by(|&a, &b| column[a].total_cmp(&column[b]));
        // 80 bands over 45.2 mels: 15 mels, where 1 kHz is, are in the middle of the 26th.
        assert_eq!(loudest, Some(26));
        assert!(step(100).all(|value| value < column[26] - 1.5), "silence before it");
    }

    #[test]
    fn only_the_last_eight_seconds_count_and_loudness_does_not() {
        let mel = LogMel::new();
        let sound = tone(440.0, SAMPLES);
        let longer: Vec<f32> = tone(90.0, 5_000).into_iter().chain(sound.clone()).collect();
        let louder: Vec<f32> = sound.iter().map(|sample| sample * 0.25).collect();
        let plain = mel.of(&sound).expect("a spectrum");
        assert_eq!(mel.of(&longer).expect("a spectrum"), plain);
        let scaled = mel.of(&louder).expect("a spectrum");
        let apart = plain.iter().zip(&scaled).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 0.01, "{apart}");
    }

    /// Figures of the reference implementation in double precision, for the same sound.
    #[test]
    fn speech_is_heard_as_by_the_reference() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sounds/room_evening.wav");
        let wav = hound::WavReader::open(path).expect("the sound is part of the repository");
        let sound: Vec<f32> =
            wav.into_samples::<i16>().map(|s| f32::from(s.expect("whole")) / 32_768.0).collect();
        let features = LogMel::new().of(&sound).expect("a spectrum");
        let bands = [0, 10, 30, 50, 79];
        let steps = [
            (0, [0.0516; 5]),
            (600, [0.9456, 1.05, 0.6011, 1.1456, 0.0516]),
            (650, [0.57, 0.4917, 0.1953, 0.0516, 0.0516]),
            (700, [0.4637, 1.0734, 0.6714, 1.245, 0.0516]),
            (750, [0.686, 0.9532, 0.6802, 0.8457, 0.0516]),
        ];
        for (step, expected) in steps {
            for (band, expected) in bands.into_iter().zip(expected) {
                let value = features[band * STEPS + step];
                assert!((value - expected).abs() < 0.001, "band {band}, step {step}: {value}");
            }
        }
        let mean = features.iter().sum::<f32>() / features.len() as f32;
        assert!((mean - 0.19524).abs() < 0.0005, "{mean}");
    }

    #[test]
    fn silence_is_no_division_by_nothing() {
        let features = LogMel::new().of(&[]).expect("a spectrum");
        assert!(features.iter().all(|value| value.is_finite()));
    }
}
