//! The queue in front of an application that reads a stream of frames.

use std::{
    collections::VecDeque,
    task::{Context, Poll, Waker},
};

use log::Level;
use parking_lot::Mutex;

/// Frames for one reader, up to their end. When the reader is slow the oldest is dropped and
/// counted.
pub(crate) struct Queue<T> {
    /// `None`: without bound, as asked for by the application.
    capacity: Option<usize>,
    /// What is read, and how loudly its losses are told.
    stream: (&'static str, Level),
    state: Mutex<State<T>>,
}

struct State<T> {
    frames: VecDeque<T>,
    waker: Option<Waker>,
    ended: bool,
    dropped: u64,
}

impl<T> Queue<T> {
    pub(crate) fn new(capacity: Option<usize>, stream: (&'static str, Level)) -> Self {
        let state = State { frames: VecDeque::new(), waker: None, ended: false, dropped: 0 };
        Self { capacity, stream, state: Mutex::new(state) }
    }

    /// Whether frames are of no use any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.state.lock().ended
    }

    /// Returns whether the frame was of use.
    pub(crate) fn push(&self, frame: T) -> bool {
        let mut state = self.state.lock();
        if state.ended {
            return false;
        }
        if self.capacity.is_some_and(|capacity| state.frames.len() >= capacity) {
            state.frames.pop_front();
            state.dropped += 1;
            if state.dropped.is_power_of_two() {
                let (stream, level) = self.stream;
                log::log!(level, "a slow reader of {stream} has lost {} frames", state.dropped);
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

    /// The reader gets what is queued, and then the end.
    pub(crate) fn end(&self) {
        let mut state = self.state.lock();
        state.ended = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Drops what is queued and ends the stream.
    pub(crate) fn close(&self) {
        self.state.lock().frames.clear();
        self.end();
    }

    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<T>> {
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
