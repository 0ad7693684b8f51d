//! Sound as the modules hand it to each other.

use std::sync::Arc;
use std::time::Duration;

use crate::mouth::Cue;

pub mod mel;
#[cfg(feature = "sound-files")]
pub mod ogg;

/// What the room plays: LiveKit's and Opus' native rate.
pub const ROOM_RATE_HZ: u32 = 48_000;
/// What the ears hear: the rate of the voice detector and of Whisper.
pub const EARS_RATE_HZ: u32 = 16_000;
/// One Opus frame, and so the step of the playout.
pub const FRAME_MS: u32 = 20;
/// Samples of one playout frame.
pub const FRAME_SAMPLES: usize = (ROOM_RATE_HZ / 1_000 * FRAME_MS) as usize;

/// Mono sound for the room: 16 bit samples at [`ROOM_RATE_HZ`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pcm {
    pub samples: Vec<i16>,
    /// What the mouth does meanwhile, in order, where the voice tells; else empty.
    pub mouth: Vec<Cue>,
}

impl Pcm {
    pub fn duration(&self) -> Duration {
        samples_to_duration(self.samples.len(), ROOM_RATE_HZ)
    }
}

/// Mono sound for the recogniser: samples in -1..1 at [`EARS_RATE_HZ`].
#[derive(Clone, Debug)]
pub struct Clip {
    pub samples: Arc<[f32]>,
}

impl Clip {
    pub fn duration(&self) -> Duration {
        samples_to_duration(self.samples.len(), EARS_RATE_HZ)
    }
}

pub fn samples_to_duration(samples: usize, rate_hz: u32) -> Duration {
    Duration::from_nanos(samples as u64 * 1_000_000_000 / u64::from(rate_hz))
}

/// Whole samples of a duration, rounded down.
pub fn duration_to_samples(duration: Duration, rate_hz: u32) -> usize {
    (duration.as_nanos() * u128::from(rate_hz) / 1_000_000_000) as usize
}
