//! Interleaved 16-bit audio.

use std::borrow::Cow;

/// A piece of interleaved 16-bit PCM.
#[derive(Debug, Clone)]
pub struct AudioFrame<'a> {
    /// `num_channels * samples_per_channel` samples, channels interleaved.
    pub data: Cow<'a, [i16]>,
    /// Samples per second and channel.
    pub sample_rate: u32,
    pub num_channels: u32,
    pub samples_per_channel: u32,
}

impl AudioFrame<'_> {
    /// A silent frame of the given shape.
    pub fn new(sample_rate: u32, num_channels: u32, samples_per_channel: u32) -> Self {
        let len = num_channels as usize * samples_per_channel as usize;
        Self { data: vec![0; len].into(), sample_rate, num_channels, samples_per_channel }
    }
}
