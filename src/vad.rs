//! Voice activity: is somebody making speech just now?

pub mod detector;
pub mod gate;

use std::time::Duration;

use crate::audio::{EARS_RATE_HZ, samples_to_duration};

/// Samples of one frame: what the detector judges at a time (16 ms at 16 kHz).
pub const FRAME_SAMPLES: usize = 256;

/// How long `frames` frames last.
pub fn frames_to_duration(frames: u32) -> Duration {
    samples_to_duration(FRAME_SAMPLES * frames as usize, EARS_RATE_HZ)
}

/// The number of frames nearest to a duration, at least one.
pub fn duration_to_frames(duration: Duration) -> u32 {
    let frame = frames_to_duration(1);
    let frames = (duration + frame / 2).as_micros() / frame.as_micros();
    u32::try_from(frames).unwrap_or(u32::MAX).max(1)
}
