//! What the speaker plays is taken out of what the microphone hears, so that the cast does not
//! answer itself.

use sonora::config::{EchoCanceller as Canceller, HighPassFilter, NoiseSuppression};
use sonora::{AudioProcessing, Config, StreamConfig};

use crate::audio::{EARS_RATE_HZ, ROOM_RATE_HZ};

/// Samples of 10 ms, the canceller's step, as they are played.
pub(super) const PLAYED_STEP: usize = ROOM_RATE_HZ as usize / 100;
/// Samples of 10 ms as they are heard.
pub(super) const HEARD_STEP: usize = EARS_RATE_HZ as usize / 100;

/// WebRTC's echo canceller. It finds the delay between the two sounds by itself.
pub(super) struct Echo {
    /// Tens of kilobytes, which no future should carry.
    processing: Box<AudioProcessing>,
    played: [i16; PLAYED_STEP],
}

impl Echo {
    pub(super) fn new() -> Self {
        let config = Config {
            echo_canceller: Some(Canceller::default()),
            high_pass_filter: Some(HighPassFilter::default()),
            noise_suppression: Some(NoiseSuppression::default()),
            ..Config::default()
        };
        let processing = AudioProcessing::builder()
            .config(config)
            .capture_config(StreamConfig::new(EARS_RATE_HZ, 1))
            .render_config(StreamConfig::new(ROOM_RATE_HZ, 1))
            .build();
        Self { processing: Box::new(processing), played: [0; PLAYED_STEP] }
    }

    /// This was played.
    pub(super) fn played(&mut self, step: &[i16; PLAYED_STEP]) -> Result<(), String> {
        let done = self.processing.process_render_i16(step, &mut self.played);
        done.map_err(|error| error.to_string())
    }

    /// What of `step` did not come out of the speaker.
    pub(super) fn heard(&mut self, step: &[i16; HEARD_STEP]) -> Result<[i16; HEARD_STEP], String> {
        let mut clean = [0; HEARD_STEP];
        let done = self.processing.process_capture_i16(step, &mut clean);
        done.map(|()| clean).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise whose loudness changes ten times a second, as speech does; the same in every run.
    struct Babble(u32, usize);

    impl Iterator for Babble {
        type Item = f32;

        fn next(&mut self) -> Option<f32> {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            self.1 += 1;
            let noise = (self.0 >> 8) as f32 / (1 << 23) as f32 - 1.0;
            let loud =
                if (self.1 / (EARS_RATE_HZ as usize / 10)).is_multiple_of(3) { 0.1 } else { 1.0 };
            Some(noise * loud * 6_000.0)
        }
    }

    fn power(samples: &[f32]) -> f32 {
        samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32
    }

    /// Ten seconds of a far voice that comes back 60 ms later at half its level, with `near` added
    /// for the last two; returns these two seconds.
    fn last_two_seconds(near: impl Fn(usize) -> f32) -> (Vec<f32>, Vec<f32>) {
        let far: Vec<f32> = Babble(1, 0).take(10 * EARS_RATE_HZ as usize).collect();
        let delay = EARS_RATE_HZ as usize * 60 / 1_000;
        let mut echo = Echo::new();
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for (number, step) in far.chunks(HEARD_STEP).enumerate() {
            let played: Vec<i16> = step.iter().flat_map(|s| [*s as i16; 3]).collect();
            echo.played(played[..].try_into().expect("10 ms")).expect("played");
            let last = number >= 800;
            let heard: Vec<f32> = (number * HEARD_STEP..(number + 1) * HEARD_STEP)
                .map(|at| {
                    let back = at.checked_sub(delay).map_or(0.0, |at| far[at] * 0.5);
                    back + if last { near(at) } else { 0.0 }
                })
                .collect();
            let heard_i16: Vec<i16> = heard.iter().map(|s| *s as i16).collect();
            let clean = echo.heard(heard_i16[..].try_into().expect("10 ms")).expect("heard");
            if last {
                before.extend(heard);
                after.extend(clean.map(f32::from));
            }
        }
        (before, after)
    }

    #[test]
    fn the_cast_is_not_heard_back() {
        let (before, after) = last_two_seconds(|_| 0.0);
        let down_db = 10.0 * (power(&before) / power(&after).max(1e-3)).log10();
        assert!(down_db > 20.0, "only {down_db:.1} dB quieter");
    }

    #[test]
    fn a_human_who_speaks_meanwhile_is_still_heard() {
        // A vowel: a low tone with its overtones, in syllables.
        let near = |at: usize| {
            let t = at as f32 / EARS_RATE_HZ as f32 * std::f32::consts::TAU;
            let syllable = if (at / 2_400).is_multiple_of(2) { 1.0 } else { 0.05 };
            syllable * 5_000.0 * ((150.0 * t).sin() + (450.0 * t).sin() + (900.0 * t).sin())
        };
        let (_, with) = last_two_seconds(near);
        let (_, without) = last_two_seconds(|_| 0.0);
        let up_db = 10.0 * (power(&with) / power(&without).max(1.0)).log10();
        assert!(up_db > 10.0, "only {up_db:.1} dB above the cleaned echo");
    }
}
