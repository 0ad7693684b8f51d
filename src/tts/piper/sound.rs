//! From the model's samples to the room's: ends trimmed, level evened, rate converted.

use std::ops::Range;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

use crate::audio::{Pcm, ROOM_RATE_HZ};

/// Below this a 5 ms block is silence: -50 dBFS, under the breath of speech.
const SILENCE: f32 = 0.003;
const BLOCKS_PER_SECOND: usize = 200;
/// Kept before the first voiced block, so that plosives keep their attack.
const LEAD_MS: usize = 5;
/// Kept after the last one, so that vowels die away.
const TAIL_MS: usize = 40;
/// The level of speech while it is voiced: -20 dBFS, as broadcasters' and callers' voices have.
const LEVEL: f32 = 0.1;
/// A quiet clause is raised so much at most: it may be a whisper.
const GAIN_MAX: f32 = 4.0;
/// -1 dBFS, so that the codec's overshoot does not clip.
const PEAK_MAX: f32 = 0.89;
/// Rates are rounded to this, which keeps the resampler's blocks short and the pitch within
/// two cents.
const RATE_STEP_HZ: f32 = 50.0;
const RESAMPLER_CHUNK: usize = 1_024;

/// The room's sound of what is voiced, in -1..1 at `rate_hz`, raised by `pitch_ratio` (1 keeps it),
/// which makes it shorter by as much. Empty when there is nothing.
pub(super) fn finish(voiced: &[f32], rate_hz: u32, pitch_ratio: f32) -> Result<Pcm, String> {
    if voiced.is_empty() {
        return Ok(Pcm::default());
    }
    let from_hz = (rate_hz as f32 * pitch_ratio / RATE_STEP_HZ).round() * RATE_STEP_HZ;
    let sound = resample(voiced, from_hz as usize)?;
    let gain = gain(&sound);
    let to_i16 = |sample: &f32| (sample * gain * f32::from(i16::MAX)).round() as i16;
    Ok(Pcm { samples: sound.iter().map(to_i16).collect(), ..Pcm::default() })
}

/// What is left of the samples without the silence at their ends.
pub(super) fn voiced(samples: &[f32], rate_hz: u32) -> Range<usize> {
    let rate_hz = rate_hz as usize;
    let block = (rate_hz / BLOCKS_PER_SECOND).max(1);
    let voiced = |block: &[f32]| rms(block) > SILENCE;
    let Some(first) = samples.chunks(block).position(voiced) else { return 0..0 };
    let last = samples.chunks(block).rposition(voiced).unwrap_or(first);
    let start = (first * block).saturating_sub(rate_hz * LEAD_MS / 1_000);
    let end = ((last + 1) * block + rate_hz * TAIL_MS / 1_000).min(samples.len());
    start..end
}

fn rms(block: &[f32]) -> f32 {
    (block.iter().map(|s| s * s).sum::<f32>() / block.len().max(1) as f32).sqrt()
}

/// What brings the voiced blocks to [`LEVEL`] without a peak above [`PEAK_MAX`].
fn gain(sound: &[f32]) -> f32 {
    let peak = sound.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
    let blocks = sound.chunks(ROOM_RATE_HZ as usize / BLOCKS_PER_SECOND).map(rms);
    let voiced: Vec<f32> = blocks.filter(|level| *level > peak * 0.05).collect();
    let level = rms(&voiced);
    if level == 0.0 {
        return 1.0;
    }
    (LEVEL / level).min(GAIN_MAX).min(PEAK_MAX / peak)
}

fn resample(samples: &[f32], from_hz: usize) -> Result<Vec<f32>, String> {
    let to_hz = ROOM_RATE_HZ as usize;
    if from_hz == to_hz {
        return Ok(samples.to_vec());
    }
    let describe = |error: &dyn std::fmt::Display| format!("resampling from {from_hz} Hz: {error}");
    let mut resampler = Fft::<f32>::new(from_hz, to_hz, RESAMPLER_CHUNK, 1, FixedSync::Both)
        .map_err(|error| describe(&error))?;
    let input = InterleavedSlice::new(samples, 1, samples.len()).map_err(|e| describe(&e))?;
    let sound = resampler.process_all(&input, samples.len(), None).map_err(|e| describe(&e))?;
    Ok(sound.take_data())
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    const RATE_HZ: u32 = 22_050;

    fn finish(samples: &[f32], rate_hz: u32, pitch_ratio: f32) -> Result<Pcm, String> {
        super::finish(&samples[voiced(samples, rate_hz)], rate_hz, pitch_ratio)
    }

    fn tone(hz: f32, level: f32, seconds: f32) -> Vec<f32> {
        let n = (seconds * RATE_HZ as f32) as usize;
        (0..n).map(|i| (i as f32 * TAU * hz / RATE_HZ as f32).sin() * level).collect()
    }

    fn with_silence(tone: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0005; RATE_HZ as usize / 2];
        out.extend(tone);
        out.extend(vec![0.0; RATE_HZ as usize / 2]);
        out
    }

    fn hz(sound: &Pcm) -> f32 {
        let middle = &sound.samples[4_800..sound.samples.len() - 9_600];
        let crossings = middle.windows(2).filter(|w| w[0] < 0 && w[1] >= 0).count();
        crossings as f32 * ROOM_RATE_HZ as f32 / middle.len() as f32
    }

    #[test]
    fn silence_is_trimmed_and_the_tone_kept() {
        let sound = finish(&with_silence(&tone(440.0, 0.3, 1.0)), RATE_HZ, 1.0).expect("sound");
        let ms = sound.duration().as_millis();
        assert!((1_030..=1_060).contains(&ms), "{ms} ms");
        assert!((hz(&sound) - 440.0).abs() < 3.0, "{} Hz", hz(&sound));
    }

    #[test]
    fn pitch_raises_the_tone_and_shortens_it() {
        let ratio = 2.0_f32.powf(4.0 / 12.0);
        let sound = finish(&tone(440.0, 0.3, 1.0), RATE_HZ, ratio).expect("sound");
        assert!((hz(&sound) / 440.0 - ratio).abs() < 0.01, "{} Hz", hz(&sound));
        assert!((sound.duration().as_secs_f32() * ratio - 1.0).abs() < 0.01);
    }

    #[test]
    fn loud_and_quiet_clauses_come_out_alike_and_unclipped() {
        for level in [0.05, 0.2, 0.9] {
            let sound = finish(&tone(300.0, level, 0.5), RATE_HZ, 1.0).expect("sound");
            let floats: Vec<f32> = sound.samples.iter().map(|s| f32::from(*s) / 32_768.0).collect();
            let level = rms(&floats[2_400..floats.len() - 2_400]);
            assert!((0.09..0.11).contains(&level), "{level}");
            assert!(floats.iter().all(|s| s.abs() <= PEAK_MAX + 0.001));
        }
    }

    #[test]
    fn a_silent_clause_is_empty_and_a_whisper_stays_one() {
        assert!(finish(&[0.0; 5_000], RATE_HZ, 1.0).expect("sound").samples.is_empty());
        assert!(finish(&[], RATE_HZ, 1.0).expect("sound").samples.is_empty());
        let whisper = finish(&tone(300.0, 0.01, 0.5), RATE_HZ, 1.0).expect("sound");
        assert!(whisper.samples.iter().all(|s| s.abs() < 2_000));
    }

    #[test]
    fn the_clauses_first_samples_are_voiced() {
        let sound = finish(&with_silence(&tone(300.0, 0.3, 0.5)), RATE_HZ, 1.0).expect("sound");
        let first = sound.samples.iter().position(|s| s.abs() > 1_000).expect("it is voiced");
        assert!(first < 480 + 240, "{first}");
    }
}
