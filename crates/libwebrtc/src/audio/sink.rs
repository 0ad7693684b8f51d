//! Where 10 ms pieces of audio go, and the queue in front of an application that reads them.

use std::task::{Context, Poll};

use log::Level;
use parking_lot::Mutex;

use super::resample::Resampler;
use crate::{audio_frame::AudioFrame, queue::Queue};

/// Receives one tick's worth of audio at a time.
pub(crate) trait Sink: Send + Sync {
    /// 10 ms of interleaved samples.
    fn on_audio(&self, samples: &[i16], sample_rate: u32, channels: u32);

    /// 10 ms during which the source had nothing. `silent` is said once it has been so for a while.
    fn on_gap(&self, silent: bool);

    /// Whether more than one channel is of use.
    fn wants_stereo(&self) -> bool {
        false
    }

    /// The source goes to its end.
    fn on_end(&self);
}

/// Converts to the asked shape and queues frames for one reader.
pub(crate) struct FrameQueue {
    sample_rate: u32,
    channels: u32,
    converter: Mutex<Converter>,
    queue: Queue<AudioFrame<'static>>,
}

#[derive(Default)]
struct Converter {
    resampler: Option<((u32, u32), Resampler)>,
    /// Converted samples that do not fill a frame yet.
    partial: Vec<i16>,
}

impl FrameQueue {
    /// At most so many frames wait; `None`: without bound.
    pub(crate) fn new(sample_rate: u32, channels: u32, capacity: Option<usize>) -> Self {
        let queue = Queue::new(capacity, ("an audio stream", Level::Warn));
        Self { sample_rate, channels, converter: Mutex::default(), queue }
    }

    /// Interleaved samples of one frame of 10 ms.
    fn frame_len(&self) -> usize {
        (self.sample_rate / 100) as usize * self.channels as usize
    }

    fn push(&self, data: Vec<i16>) {
        self.queue.push(AudioFrame {
            data: data.into(),
            sample_rate: self.sample_rate,
            num_channels: self.channels,
            samples_per_channel: self.sample_rate / 100,
        });
    }

    pub(crate) fn close(&self) {
        self.queue.close();
    }

    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<AudioFrame<'static>>> {
        self.queue.poll_next(cx)
    }
}

impl Sink for FrameQueue {
    fn wants_stereo(&self) -> bool {
        self.channels > 1
    }

    fn on_audio(&self, samples: &[i16], sample_rate: u32, channels: u32) {
        if self.queue.has_ended() {
            return;
        }
        if (sample_rate, channels) == (self.sample_rate, self.channels) {
            return self.push(samples.to_vec());
        }
        let mut converter = self.converter.lock();
        let Converter { resampler, partial } = &mut *converter;
        let shape = (sample_rate, channels);
        if resampler.as_ref().is_none_or(|(made_for, _)| *made_for != shape) {
            let new = Resampler::new(sample_rate, channels, self.sample_rate, self.channels);
            *resampler = Some((shape, new));
        }
        if let Some((_, resampler)) = resampler {
            resampler.process(samples, partial);
        }
        while partial.len() >= self.frame_len() {
            let rest = partial.split_off(self.frame_len());
            self.push(std::mem::replace(partial, rest));
        }
    }

    fn on_gap(&self, silent: bool) {
        if silent {
            self.push(vec![0; self.frame_len()]);
        }
    }

    fn on_end(&self) {
        self.queue.end();
    }
}
