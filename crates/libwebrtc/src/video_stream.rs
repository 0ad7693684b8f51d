//! Streams of decoded video. They exist and never yield a frame yet (see `README.md`).

/// Streams read by the application.
pub mod native {
    use std::{
        fmt,
        pin::Pin,
        task::{Context, Poll},
    };

    use futures_core::Stream;

    use crate::{
        native::packet_trailer::PacketTrailerHandler, video_frame::BoxVideoFrame,
        video_track::RtcVideoTrack,
    };

    /// How a stream queues frames.
    #[derive(Clone, Debug, Default)]
    pub struct NativeVideoStreamOptions {
        /// Frames kept for a slow reader: `None` = 1, `Some(0)` = without bound.
        pub queue_size_frames: Option<usize>,
    }

    /// Decoded frames of one track. Ends at once: there is no video decoder yet.
    pub struct NativeVideoStream {
        track: RtcVideoTrack,
    }

    impl fmt::Debug for NativeVideoStream {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("NativeVideoStream").field("track", &self.track).finish()
        }
    }

    impl NativeVideoStream {
        pub fn new(video_track: RtcVideoTrack) -> Self {
            log::warn!("video is not decoded by this build of libwebrtc: the stream stays empty");
            Self { track: video_track }
        }

        pub fn with_options(video_track: RtcVideoTrack, _: NativeVideoStreamOptions) -> Self {
            Self::new(video_track)
        }

        /// Without effect until video frames flow.
        pub fn set_packet_trailer_handler(&self, _handler: PacketTrailerHandler) {}

        pub fn track(&self) -> RtcVideoTrack {
            self.track.clone()
        }

        pub fn close(&mut self) {}
    }

    impl Stream for NativeVideoStream {
        type Item = BoxVideoFrame;

        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(None)
        }
    }
}
