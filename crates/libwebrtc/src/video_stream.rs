//! Decoded video of a track as a stream of frames.

/// Streams read by the application.
pub mod native {
    use std::{
        fmt,
        pin::Pin,
        sync::Arc,
        task::{Context, Poll},
    };

    use futures_core::Stream;

    use crate::{
        native::packet_trailer::PacketTrailerHandler,
        video::sink::{FrameQueue, VideoSink},
        video_frame::BoxVideoFrame,
        video_track::RtcVideoTrack,
    };

    const QUEUE_SIZE_FRAMES_DEFAULT: usize = 1;

    /// How a stream queues frames.
    #[derive(Clone, Debug, Default)]
    pub struct NativeVideoStreamOptions {
        /// Frames kept for a slow reader; beyond that the oldest is dropped.
        /// `None` = 1, `Some(0)` = without bound.
        pub queue_size_frames: Option<usize>,
    }

    /// The frames of one track as they are decoded, until the track ends. A remote track is
    /// decoded only while there is a stream of it.
    pub struct NativeVideoStream {
        track: RtcVideoTrack,
        queue: Arc<FrameQueue>,
    }

    impl fmt::Debug for NativeVideoStream {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("NativeVideoStream").field("track", &self.track).finish()
        }
    }

    impl NativeVideoStream {
        pub fn new(video_track: RtcVideoTrack) -> Self {
            Self::with_options(video_track, NativeVideoStreamOptions::default())
        }

        pub fn with_options(video_track: RtcVideoTrack, options: NativeVideoStreamOptions) -> Self {
            let capacity = match options.queue_size_frames {
                None => Some(QUEUE_SIZE_FRAMES_DEFAULT),
                Some(0) => None,
                Some(frames) => Some(frames),
            };
            let queue = Arc::new(FrameQueue::new(capacity));
            let sink: Arc<dyn VideoSink> = queue.clone();
            video_track.add_sink(&sink);
            Self { track: video_track, queue }
        }

        /// Without effect: nothing travels beside the frames.
        pub fn set_packet_trailer_handler(&self, _handler: PacketTrailerHandler) {}

        pub fn track(&self) -> RtcVideoTrack {
            self.track.clone()
        }

        /// Drops what is queued and ends the stream.
        pub fn close(&mut self) {
            let sink: Arc<dyn VideoSink> = self.queue.clone();
            self.track.remove_sink(&sink);
            self.queue.close();
        }
    }

    impl Drop for NativeVideoStream {
        fn drop(&mut self) {
            self.close();
        }
    }

    impl Stream for NativeVideoStream {
        type Item = BoxVideoFrame;

        fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            self.queue.poll_next(cx)
        }
    }
}
