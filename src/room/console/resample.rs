//! Another rate for sound that never ends.

use std::fmt;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _};

/// Resamples mono sound piece by piece. Nothing is lost between the pieces; what does not fill a
/// block waits for the next one.
pub(super) struct Resampler {
    /// None where the rates are the same.
    fft: Option<Fft<f32>>,
    waiting: Vec<f32>,
    block: Vec<f32>,
}

impl fmt::Debug for Resampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resampler").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}

impl Resampler {
    /// # Errors
    /// When one of the rates is zero.
    pub(super) fn new(from_hz: u32, to_hz: u32) -> Result<Self, String> {
        let fft = if from_hz == to_hz {
            None
        } else {
            // Blocks of 10 ms: short enough to talk, long enough for a steep filter.
            let block = (from_hz / 100).max(1) as usize;
            let fft = Fft::new(from_hz as usize, to_hz as usize, block, 1, FixedSync::Both);
            Some(fft.map_err(|error| format!("{from_hz} Hz to {to_hz} Hz: {error}"))?)
        };
        let block = fft.as_ref().map_or(0, |fft| fft.output_frames_max());
        Ok(Self { fft, waiting: Vec::new(), block: vec![0.0; block] })
    }

    /// Takes samples, and appends those that they make to `out`.
    ///
    /// # Errors
    /// None that a caller can cause: the resampler's own complaint.
    pub(super) fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), String> {
        let Some(fft) = &mut self.fft else {
            out.extend_from_slice(samples);
            return Ok(());
        };
        self.waiting.extend_from_slice(samples);
        let mut used = 0;
        loop {
            let need = fft.input_frames_next();
            let Some(piece) = self.waiting.get(used..used + need) else { break };
            let block_len = self.block.len();
            let input = InterleavedSlice::new(piece, 1, need).map_err(|e| e.to_string())?;
            let mut block = InterleavedSlice::new_mut(&mut self.block, 1, block_len)
                .map_err(|e| e.to_string())?;
            let (taken, made) =
                fft.process_into_buffer(&input, &mut block, None).map_err(|e| e.to_string())?;
            out.extend_from_slice(&self.block[..made]);
            used += taken;
        }
        self.waiting.drain(..used);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;

    /// A second of a tone, given in uneven pieces.
    fn resampled(from_hz: u32, to_hz: u32, tone_hz: f32) -> Vec<f32> {
        let tone: Vec<f32> =
            (0..from_hz).map(|i| (i as f32 * TAU * tone_hz / from_hz as f32).sin() * 0.5).collect();
        let mut resampler = Resampler::new(from_hz, to_hz).expect("rates");
        let mut out = Vec::new();
        for piece in tone.chunks(333) {
            resampler.push(piece, &mut out).expect("sound");
        }
        out
    }

    fn rms(samples: &[f32]) -> f32 {
        (samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32).sqrt()
    }

    #[test]
    fn a_tone_keeps_its_pitch_level_and_length_at_every_usual_rate() {
        for (from, to) in [(48_000, 16_000), (44_100, 16_000), (22_050, 16_000), (48_000, 44_100)] {
            let out = resampled(from, to, 440.0);
            let missing = to as usize - out.len();
            assert!(missing < to as usize / 20, "{from} to {to}: {missing} samples are missing");
            let middle = &out[to as usize / 4..to as usize * 3 / 4];
            let rises = middle.windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0).count();
            assert!((219..=221).contains(&rises), "{from} to {to}: {rises} waves in half a second");
            let level = rms(middle);
            assert!((level - 0.3535).abs() < 0.01, "{from} to {to}: {level}");
        }
    }

    #[test]
    fn what_the_ears_cannot_have_does_not_come_back_as_another_tone() {
        let level = rms(&resampled(48_000, 16_000, 11_000.0)[4_000..12_000]);
        assert!(level < 0.003, "{level}");
    }

    #[test]
    fn equal_rates_change_nothing() {
        let mut out = Vec::new();
        Resampler::new(16_000, 16_000).expect("rates").push(&[0.1, -0.2], &mut out).expect("sound");
        assert_eq!(out, [0.1, -0.2]);
    }
}
