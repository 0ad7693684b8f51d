//! Levels of bands of a sound, every 10 ms.

use std::f32::consts::TAU;

use crate::audio::EARS_RATE_HZ;

/// 10 ms at the ears' rate.
pub(super) const FRAME_SAMPLES: usize = EARS_RATE_HZ as usize / 100;
pub(super) const BANDS: usize = 6;
/// Below this a level says nothing.
pub(super) const FLOOR_DB: f32 = -80.0;
/// Where speech is, and what small loudspeakers give back.
const CENTRES_HZ: [f32; BANDS] = [300.0, 500.0, 850.0, 1_400.0, 2_200.0, 3_400.0];
/// Neighbours meet where each has lost 3 dB.
const QUALITY: f32 = 1.6;

/// In dB below full scale.
pub(super) type Levels = [f32; BANDS];

pub(super) fn loudest(levels: &Levels) -> f32 {
    levels.iter().copied().fold(f32::MIN, f32::max)
}

/// A bank of band passes (R. Bristow-Johnson's cookbook, constant peak gain).
pub(super) struct Bands([BandPass; BANDS]);

impl Default for Bands {
    fn default() -> Self {
        Self(CENTRES_HZ.map(BandPass::at))
    }
}

impl Bands {
    /// The levels of the next frame.
    pub(super) fn levels(&mut self, frame: &[i16]) -> Levels {
        let mut levels = [0.0; BANDS];
        for (level, band) in levels.iter_mut().zip(&mut self.0) {
            let power: f32 =
                frame.iter().map(|sample| band.next(f32::from(*sample) / 32_768.0).powi(2)).sum();
            let mean = power / frame.len().max(1) as f32;
            *level = (10.0 * (mean + 1e-9).log10()).max(FLOOR_DB);
        }
        levels
    }
}

#[derive(Clone, Copy)]
struct BandPass {
    b0: f32,
    a1: f32,
    a2: f32,
    x: [f32; 2],
    y: [f32; 2],
}

impl BandPass {
    fn at(centre_hz: f32) -> Self {
        let w = TAU * centre_hz / EARS_RATE_HZ as f32;
        let alpha = w.sin() / (2.0 * QUALITY);
        let scale = 1.0 / (1.0 + alpha);
        let (a1, a2) = (-2.0 * w.cos() * scale, (1.0 - alpha) * scale);
        Self { b0: alpha * scale, a1, a2, x: [0.0; 2], y: [0.0; 2] }
    }

    fn next(&mut self, x: f32) -> f32 {
        let y = self.b0 * (x - self.x[1]) - self.a1 * self.y[0] - self.a2 * self.y[1];
        self.x = [x, self.x[0]];
        self.y = [y, self.y[0]];
        y
    }
}
