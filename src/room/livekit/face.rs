//! A persona's face: a camera track, published with its first picture.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};

use livekit::options::{TrackPublishOptions, VideoEncoding};
use livekit::prelude::{LocalParticipant, LocalTrack, LocalVideoTrack, TrackSource};
use livekit::webrtc::video_frame::{I420Buffer, VideoFrame, VideoRotation};
use livekit::webrtc::video_source::native::NativeVideoSource;
use livekit::webrtc::video_source::{RtcVideoSource, VideoResolution};
use tokio::sync::watch;

use crate::video::I420;

const TRACK_NAME: &str = "face";
/// What the track is announced with; pictures of another size are sent as they are.
const SIDE_PX: u32 = 320;
/// A drawn face of that size which moves all over is within 39 dB (luma) at this rate.
const BITRATE_MAX_BPS: u64 = 250_000;
const FRAME_RATE_MAX: f64 = 15.0;

/// A face on its way to the room. Pictures are handed to the encoder as they come: the newest one
/// overtakes what still waits there.
pub(super) struct Face {
    source: NativeVideoSource,
    frame: Mutex<VideoFrame<I420Buffer>>,
    /// Whether there has ever been a picture.
    drawn: watch::Sender<bool>,
    /// The track in the room, while there is one.
    track: watch::Sender<Option<LocalVideoTrack>>,
    dropped: AtomicU64,
}

impl Face {
    pub(super) fn new() -> Self {
        let resolution = VideoResolution { width: SIDE_PX, height: SIDE_PX };
        let nothing = I420Buffer::new(SIDE_PX, SIDE_PX);
        Self {
            source: NativeVideoSource::new(resolution, false),
            frame: Mutex::new(VideoFrame::new(VideoRotation::VideoRotation0, nothing)),
            drawn: watch::Sender::new(false),
            track: watch::Sender::new(None),
            dropped: AtomicU64::new(0),
        }
    }

    /// Shows a picture to whoever looks. Never waits: a second caller's picture is dropped and
    /// counted, and so is one that nobody wants.
    pub(super) fn show(&self, picture: &I420) {
        let mut frame = match self.frame.try_lock() {
            Ok(frame) => frame,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                return;
            }
        };
        copy(picture, &mut frame);
        if !self.source.capture_frame(&frame) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        drop(frame);
        self.drawn.send_if_modified(|drawn| !std::mem::replace(drawn, true));
    }

    /// Before the first picture everybody counts as looking, or there would never be one.
    pub(super) fn is_seen(&self) -> bool {
        match &*self.track.borrow() {
            Some(track) => track.publishing_layers().iter().any(|layer| layer.active),
            None => !*self.drawn.borrow(),
        }
    }

    /// Waits for the first picture, publishes the track and keeps it for this connection.
    pub(super) async fn serve(&self, me: &LocalParticipant) {
        if self.drawn.subscribe().wait_for(|drawn| *drawn).await.is_ok()
            && let Err(error) = self.publish(me).await
        {
            tracing::warn!(persona = %me.identity(), %error, "the face could not be published");
        }
        std::future::pending::<()>().await;
    }

    async fn publish(&self, me: &LocalParticipant) -> Result<(), livekit::RoomError> {
        let source = RtcVideoSource::Native(self.source.clone());
        let track = LocalVideoTrack::create_video_track(TRACK_NAME, source);
        let encoding =
            VideoEncoding { max_bitrate: BITRATE_MAX_BPS, max_framerate: FRAME_RATE_MAX };
        let options = TrackPublishOptions {
            source: TrackSource::Camera,
            // A picture this small has no smaller layers.
            simulcast: false,
            video_encoding: Some(encoding),
            ..TrackPublishOptions::default()
        };
        me.publish_track(LocalTrack::Video(track.clone()), options).await?;
        self.track.send_replace(Some(track));
        // The picture that brought us here went to nobody.
        let frame = self.frame.lock().unwrap_or_else(PoisonError::into_inner);
        self.source.capture_frame(&frame);
        Ok(())
    }

    /// The connection is over, and the track with it.
    pub(super) fn withdraw(&self) {
        if self.track.send_replace(None).is_some() {
            let dropped = self.dropped.load(Ordering::Relaxed);
            tracing::debug!(dropped, "the face left the room");
        }
    }
}

fn copy(picture: &I420, frame: &mut VideoFrame<I420Buffer>) {
    let (width, height) = (picture.width(), picture.height());
    let (stride, _, _) = frame.buffer.strides();
    let (y, u, v) = frame.buffer.data();
    let fits = stride == width
        && y.len() == picture.y().len()
        && u.len() == picture.u().len()
        && v.len() == picture.v().len();
    if !fits {
        frame.buffer = I420Buffer::with_strides(width, height, width, width / 2, width / 2);
    }
    let (y, u, v) = frame.buffer.data_mut();
    y.copy_from_slice(picture.y());
    u.copy_from_slice(picture.u());
    v.copy_from_slice(picture.v());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_any_size_is_taken_over_and_the_first_one_is_always_wanted() {
        let face = Face::new();
        assert!(face.is_seen());
        for (width, height) in [(320, 320), (64, 32), (32, 64)] {
            let mut picture = I420::black(width, height).unwrap();
            picture.planes_mut().1.fill(7);
            face.show(&picture);
            let frame = face.frame.lock().unwrap();
            let (y, u, v) = frame.buffer.data();
            assert_eq!((y, u, v), (picture.y(), picture.u(), picture.v()));
            assert_eq!(frame.buffer.strides(), (width, width / 2, width / 2));
        }
        assert!(!face.is_seen(), "no room, no viewers");
        assert_eq!(face.dropped.load(Ordering::Relaxed), 3);
    }
}
