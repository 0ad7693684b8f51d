//! Sample rate and channel conversion.

use crate::audio::resample::Resampler;

/// Converts interleaved audio piece by piece; state is kept between the pieces of one signal.
#[derive(Default)]
pub struct AudioResampler {
    /// The converter and what it was made for.
    current: Option<((u32, u32, u32, u32), Resampler)>,
    output: Vec<i16>,
}

impl AudioResampler {
    /// Converts `src` to the given rate and channel count. The answer may be a sample or so longer
    /// or shorter than the exact ratio; nothing is lost over time.
    ///
    /// # Panics
    /// When `src` is shorter than `samples_per_channel * num_channels`.
    pub fn remix_and_resample<'a>(
        &'a mut self,
        src: &[i16],
        samples_per_channel: u32,
        num_channels: u32,
        sample_rate: u32,
        dst_num_channels: u32,
        dst_sample_rate: u32,
    ) -> &'a [i16] {
        let src = &src[..samples_per_channel as usize * num_channels as usize];
        let shape = (sample_rate, num_channels, dst_sample_rate, dst_num_channels);
        if self.current.as_ref().is_none_or(|(made_for, _)| *made_for != shape) {
            let resampler =
                Resampler::new(sample_rate, num_channels, dst_sample_rate, dst_num_channels);
            self.current = Some((shape, resampler));
        }
        self.output.clear();
        if let Some((_, resampler)) = &mut self.current {
            resampler.process(src, &mut self.output);
        }
        &self.output
    }
}
