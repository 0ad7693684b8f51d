//! Where 10 ms pieces of audio go, and the queue in front of an application that reads them.

use std::{
    collections::VecDeque,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

use super::resample::Resampler;
use crate::audio_frame::AudioFrame;

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

/// Converts to the asked shape and queues frames for one reader. When the reader is slow the
/// oldest frame is dropped and counted.
pub(crate) struct FrameQueue {
    sample_rate: u32,
    channels: u32,
    /// `None`: without bound, as asked for by the application.
    capacity: Option<usize>,
    state: Mutex<QueueState>,
}

#[derive(Default)]
struct QueueState {
    frames: VecDeque<AudioFrame<'static>>,
    resampler: Option<((u32, u32), Resampler)>,
    /// Converted samples that do not fill a frame yet.
    partial: Vec<i16>,
    waker: Option<Waker>,
    ended: bool,
    dropped: u64,
}

impl FrameQueue {
    pub(crate) fn new(sample_rate: u32, channels: u32, capacity: Option<usize>) -> Self {
        Self { sample_rate, channels, capacity, state: Mutex::default() }
    }

    /// Interleaved samples of one frame of 10 ms.
    fn frame_len(&self) -> usize {
        (self.sample_rate / 100) as usize * self.channels as usize
    }

    fn push(&self, state: &mut QueueState, data: Vec<i16>) {
        if self.capacity.is_some_and(|capacity| state.frames.len() >= capacity) {
            state.frames.pop_front();
            state.dropped += 1;
            if state.dropped.is_power_of_two() {
                log::warn!("a slow reader of an audio stream has lost {} frames", state.dropped);
            }
        }
        state.frames.push_back(AudioFrame {
            data: data.into(),
            sample_rate: self.sample_rate,
            num_channels: self.channels,
            samples_per_channel: self.sample_rate / 100,
        });
    }

    /// Drops what is queued and ends the stream.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.frames.clear();
        drop(state);
        self.on_end();
    }

    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<AudioFrame<'static>>> {
        let mut state = self.state.lock();
        if let Some(frame) = state.frames.pop_front() {
            return Poll::Ready(Some(frame));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        if !state.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Sink for FrameQueue {
    fn wants_stereo(&self) -> bool {
        self.channels > 1
    }

    fn on_audio(&self, samples: &[i16], sample_rate: u32, channels: u32) {
        let mut state = self.state.lock();
        if state.ended {
            return;
        }
        if (sample_rate, channels) == (self.sample_rate, self.channels) {
            self.push(&mut state, samples.to_vec());
        } else {
            let shape = (sample_rate, channels);
            if state.resampler.as_ref().is_none_or(|(made_for, _)| *made_for != shape) {
                let resampler =
                    Resampler::new(sample_rate, channels, self.sample_rate, self.channels);
                state.resampler = Some((shape, resampler));
            }
            let QueueState { resampler, partial, .. } = &mut *state;
            if let Some((_, resampler)) = resampler {
                resampler.process(samples, partial);
            }
            while state.partial.len() >= self.frame_len() {
                let rest = state.partial.split_off(self.frame_len());
                let frame = std::mem::replace(&mut state.partial, rest);
                self.push(&mut state, frame);
            }
        }
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn on_gap(&self, silent: bool) {
        if silent {
            let mut state = self.state.lock();
            if state.ended {
                return;
            }
            self.push(&mut state, vec![0; self.frame_len()]);
            let waker = state.waker.take();
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    fn on_end(&self) {
        let mut state = self.state.lock();
        state.ended = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
