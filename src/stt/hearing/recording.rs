//! The newest sound of one human, addressed by sample number.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::audio::{EARS_RATE_HZ, duration_to_samples};

/// What a quiet speaker's recording may hold on to, so that a long utterance gives its memory
/// back: two seconds.
const IDLE_CAPACITY: usize = 2 * EARS_RATE_HZ as usize;

/// Holds what an utterance may still need, which the endpointer's longest utterance bounds.
#[derive(Debug, Default)]
pub(super) struct Recording {
    samples: VecDeque<i16>,
    /// The number of the first sample held.
    first: u64,
}

impl Recording {
    pub(super) fn push(&mut self, samples: &[i16]) {
        self.samples.extend(samples);
    }

    /// The number of the next sample to come.
    pub(super) fn end(&self) -> u64 {
        self.first + self.samples.len() as u64
    }

    /// How many samples are held.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.samples.len()
    }

    /// Samples `from..to` in -1..1; what is not held is left out.
    pub(super) fn copy(&self, from: u64, to: u64) -> Arc<[f32]> {
        let index = |sample: u64| (sample.clamp(self.first, self.end()) - self.first) as usize;
        let (from, to) = (index(from), index(to).max(index(from)));
        self.samples.range(from..to).map(|&sample| f32::from(sample) / 32_768.0).collect()
    }

    pub(super) fn forget_before(&mut self, sample: u64) {
        let count = sample.saturating_sub(self.first).min(self.samples.len() as u64);
        self.samples.drain(..count as usize);
        self.first += count;
        if self.samples.len() < IDLE_CAPACITY && self.samples.capacity() > 2 * IDLE_CAPACITY {
            self.samples.shrink_to(IDLE_CAPACITY);
        }
    }
}

pub(super) fn silence(duration: Duration) -> Vec<i16> {
    vec![0; duration_to_samples(duration, EARS_RATE_HZ)]
}
