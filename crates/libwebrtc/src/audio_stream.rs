//! Decoded audio of a track as a stream of 10 ms frames.

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
        audio::sink::{FrameQueue, Sink},
        audio_frame::AudioFrame,
        audio_track::RtcAudioTrack,
    };

    const QUEUE_SIZE_FRAMES_DEFAULT: usize = 10;

    /// How a stream queues frames.
    #[derive(Clone, Debug, Default)]
    pub struct NativeAudioStreamOptions {
        /// Frames of 10 ms kept for a slow reader; beyond that the oldest is dropped.
        /// `None` = 10, `Some(0)` = without bound.
        pub queue_size_frames: Option<usize>,
    }

    /// The audio of one track: a frame every 10 ms, silence included, until the track ends.
    pub struct NativeAudioStream {
        track: RtcAudioTrack,
        queue: Arc<FrameQueue>,
    }

    impl fmt::Debug for NativeAudioStream {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("NativeAudioStream").field("track", &self.track).finish()
        }
    }

    impl NativeAudioStream {
        /// `sample_rate` in Hz; a rate or channel count that makes no sense becomes 48 kHz or mono.
        pub fn new(audio_track: RtcAudioTrack, sample_rate: i32, num_channels: i32) -> Self {
            Self::with_options(
                audio_track,
                sample_rate,
                num_channels,
                NativeAudioStreamOptions::default(),
            )
        }

        pub fn with_options(
            audio_track: RtcAudioTrack,
            sample_rate: i32,
            num_channels: i32,
            options: NativeAudioStreamOptions,
        ) -> Self {
            let capacity = match options.queue_size_frames {
                None => Some(QUEUE_SIZE_FRAMES_DEFAULT),
                Some(0) => None,
                Some(frames) => Some(frames),
            };
            let sample_rate = u32::try_from(sample_rate).unwrap_or(0);
            let channels = u32::try_from(num_channels).unwrap_or(0);
            let queue = Arc::new(FrameQueue::new(
                if (8_000..=192_000).contains(&sample_rate) { sample_rate } else { 48_000 },
                channels.clamp(1, 8),
                capacity,
            ));
            let sink: Arc<dyn Sink> = queue.clone();
            audio_track.add_sink(&sink);
            Self { track: audio_track, queue }
        }

        pub fn track(&self) -> RtcAudioTrack {
            self.track.clone()
        }

        /// Drops what is queued and ends the stream.
        pub fn close(&mut self) {
            let sink: Arc<dyn Sink> = self.queue.clone();
            self.track.remove_sink(&sink);
            self.queue.close();
        }
    }

    impl Drop for NativeAudioStream {
        fn drop(&mut self) {
            self.close();
        }
    }

    impl Stream for NativeAudioStream {
        type Item = AudioFrame<'static>;

        fn poll_next(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<AudioFrame<'static>>> {
            self.queue.poll_next(cx)
        }
    }
}
