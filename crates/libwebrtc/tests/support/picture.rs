//! Pictures to send, and a look at those that arrive.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use libwebrtc::{
    video_frame::{BoxVideoFrame, I420Buffer, VideoFrame, VideoRotation},
    video_source::{VideoResolution, native::NativeVideoSource},
    video_stream::native::NativeVideoStream,
};
use tokio::task::JoinHandle;

/// A colour as Y, U and V.
pub(crate) type Colour = [u8; 3];

pub(crate) const RED: Colour = [81, 90, 240];
pub(crate) const BLUE: Colour = [41, 240, 110];

/// A picture of one colour with a white bar that moves.
pub(crate) fn picture(width: u32, height: u32, colour: Colour, n: u32) -> I420Buffer {
    let mut buffer = I420Buffer::new(width, height);
    let (y, u, v) = buffer.data_mut();
    y.fill(colour[0]);
    u.fill(colour[1]);
    v.fill(colour[2]);
    let top = (n * 4 % (height / 2) * width) as usize;
    y[top..top + 8 * width as usize].fill(235);
    buffer
}

/// Sends pictures in a colour until the task is aborted.
pub(crate) fn play(
    size: (u32, u32),
    fps: u32,
    colour: Colour,
) -> (NativeVideoSource, JoinHandle<()>) {
    play_with(size, fps, colour, picture)
}

/// As [`play`], with pictures that `make` makes.
pub(crate) fn play_with(
    (width, height): (u32, u32),
    fps: u32,
    colour: Colour,
    make: fn(u32, u32, Colour, u32) -> I420Buffer,
) -> (NativeVideoSource, JoinHandle<()>) {
    let source = NativeVideoSource::new(VideoResolution { width, height }, false);
    let feed = source.clone();
    let task = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / fps);
        for n in 0.. {
            ticks.tick().await;
            let buffer = make(width, height, colour, n);
            feed.capture_frame(&VideoFrame::new(VideoRotation::VideoRotation0, buffer));
        }
    });
    (source, task)
}

/// Whether the lower right corner of a frame has the colour.
pub(crate) fn shows(frame: &BoxVideoFrame, colour: Colour) -> bool {
    let buffer = frame.buffer.as_i420().expect("frames are I420");
    let (y, u, v) = buffer.data();
    let corner = |plane: &[u8]| plane.last().copied().unwrap_or(0);
    let near = |sample: u8, wanted: u8| sample.abs_diff(wanted) < 10;
    [y, u, v].into_iter().zip(colour).all(|(plane, wanted)| near(corner(plane), wanted))
}

/// What was seen in a while.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) frames: u32,
    pub(crate) size: (u32, u32),
    /// From one frame to the next, or to the end.
    pub(crate) gap_max: Duration,
}

/// Looks on for a while; every frame has the colour.
pub(crate) async fn watch(stream: &mut NativeVideoStream, colour: Colour, time: Duration) -> Seen {
    let end = Instant::now() + time;
    let mut last = Instant::now();
    let mut seen = Seen { frames: 0, size: (0, 0), gap_max: Duration::ZERO };
    loop {
        let frame = tokio::time::timeout_at(end.into(), stream.next()).await;
        seen.gap_max = seen.gap_max.max(last.elapsed());
        let Ok(frame) = frame else { return seen };
        let frame = frame.expect("the track lives");
        last = Instant::now();
        seen.frames += 1;
        seen.size = (frame.buffer.width(), frame.buffer.height());
        assert!(shows(&frame, colour), "frame {} has other colours", seen.frames);
    }
}
