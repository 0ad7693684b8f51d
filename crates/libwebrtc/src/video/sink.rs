//! Where pictures go, and the queue in front of an application that looks at them.

use std::{
    task::{Context, Poll},
    time::Instant,
};

use log::Level;

use super::picture::Picture;
use crate::{
    queue::Queue,
    video_frame::{BoxVideoFrame, I420Buffer, VideoFrame, VideoRotation},
};

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

/// Queues frames for one reader.
pub(crate) struct FrameQueue(Queue<BoxVideoFrame>);

impl FrameQueue {
    /// At most so many frames wait; `None`: without bound.
    pub(crate) fn new(capacity: Option<usize>) -> Self {
        Self(Queue::new(capacity, ("a video stream", Level::Debug)))
    }

    pub(crate) fn close(&self) {
        self.0.close();
    }

    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<BoxVideoFrame>> {
        self.0.poll_next(cx)
    }
}

impl VideoSink for FrameQueue {
    fn on_frame(&self, frame: &View<'_>) -> bool {
        let mut buffer = I420Buffer::new(frame.picture.width, frame.picture.height);
        frame.picture.copy_to(&mut buffer);
        self.0.push(VideoFrame {
            rotation: frame.rotation,
            timestamp_us: frame.timestamp_us,
            frame_metadata: None,
            buffer: Box::new(buffer) as _,
        })
    }

    fn on_end(&self) {
        self.0.end();
    }
}
