//! Where pictures go, and the queue in front of an application that looks at them.

use std::{
    collections::VecDeque,
    task::{Context, Poll, Waker},
    time::Instant,
};

use parking_lot::Mutex;

use super::picture::Picture;
use crate::video_frame::{BoxVideoFrame, I420Buffer, VideoFrame, VideoRotation};

/// One picture on its way.
pub(crate) struct View<'a> {
    pub(crate) picture: Picture<'a>,
    pub(crate) rotation: VideoRotation,
    /// µs on the clock of whoever made the picture.
    pub(crate) timestamp_us: i64,
    /// When it was captured, or received.
    pub(crate) at: Instant,
}

/// Receives one picture at a time.
pub(crate) trait VideoSink: Send + Sync {
    /// Returns whether the picture was of use.
    fn on_frame(&self, frame: &View<'_>) -> bool;

    /// The source goes to its end.
    fn on_end(&self);
}

/// Queues frames for one reader. When the reader is slow the oldest is dropped and counted.
pub(crate) struct FrameQueue {
    /// `None`: without bound, as asked for by the application.
    capacity: Option<usize>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    frames: VecDeque<BoxVideoFrame>,
    waker: Option<Waker>,
    ended: bool,
    dropped: u64,
}

impl FrameQueue {
    pub(crate) fn new(capacity: Option<usize>) -> Self {
        Self { capacity, state: Mutex::default() }
    }

    /// Drops what is queued and ends the stream.
    pub(crate) fn close(&self) {
        self.state.lock().frames.clear();
        self.on_end();
    }

    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<BoxVideoFrame>> {
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

impl VideoSink for FrameQueue {
    fn on_frame(&self, frame: &View<'_>) -> bool {
        let mut buffer = I420Buffer::new(frame.picture.width, frame.picture.height);
        frame.picture.copy_to(&mut buffer);
        let frame = VideoFrame {
            rotation: frame.rotation,
            timestamp_us: frame.timestamp_us,
            frame_metadata: None,
            buffer: Box::new(buffer) as _,
        };
        let mut state = self.state.lock();
        if state.ended {
            return false;
        }
        if self.capacity.is_some_and(|capacity| state.frames.len() >= capacity) {
            state.frames.pop_front();
            state.dropped += 1;
            if state.dropped.is_power_of_two() {
                log::debug!("a slow reader of a video stream has lost {} frames", state.dropped);
            }
        }
        state.frames.push_back(frame);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
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
