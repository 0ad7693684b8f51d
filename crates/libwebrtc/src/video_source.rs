//! Video sources.

use crate::enum_dispatch;

/// Width and height in pixels.
#[derive(Debug, Clone)]
pub struct VideoResolution {
    pub width: u32,
    pub height: u32,
}

impl Default for VideoResolution {
    /// 1280 × 720.
    fn default() -> Self {
        Self { width: 1280, height: 720 }
    }
}

/// What an encoder of the application's own should aim at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EncodedRateControl {
    /// Bits per second.
    pub target_bitrate_bps: u64,
    /// Frames per second.
    pub framerate_fps: f64,
}

/// Where a video track takes its frames from.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum RtcVideoSource {
    Native(native::NativeVideoSource),
}

impl RtcVideoSource {
    enum_dispatch!(
        [Native];
        pub fn video_resolution(self: &Self) -> VideoResolution;
    );
}

/// Sources fed by the application.
pub mod native {
    use std::{fmt, sync::Arc, time::Instant};

    use super::{EncodedRateControl, VideoResolution};
    use crate::{
        native::packet_trailer::PacketTrailerHandler,
        sinks::Sinks,
        video::sink::{VideoSink, View},
        video_frame::{EncodedVideoFrame, VideoBuffer, VideoFrame},
    };

    /// A source that the application pushes frames into.
    #[derive(Clone)]
    pub struct NativeVideoSource {
        shared: Arc<Shared>,
    }

    struct Shared {
        resolution: VideoResolution,
        sinks: Sinks<dyn VideoSink>,
    }

    impl fmt::Debug for NativeVideoSource {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("NativeVideoSource").finish()
        }
    }

    impl Default for NativeVideoSource {
        fn default() -> Self {
            Self::new(VideoResolution::default(), false)
        }
    }

    impl NativeVideoSource {
        pub fn new(resolution: VideoResolution, _is_screencast: bool) -> Self {
            Self { shared: Arc::new(Shared { resolution, sinks: Sinks::default() }) }
        }

        pub(crate) fn sinks(&self) -> &Sinks<dyn VideoSink> {
            &self.shared.sinks
        }

        /// A source of frames that the application has encoded itself.
        pub fn new_encoded(resolution: VideoResolution) -> Self {
            Self::new(resolution, false)
        }

        /// Hands a frame to the encoders and returns at once; the frame is copied, and a newer
        /// one overtakes it while it waits. `false`: nobody wants frames now, or it is not I420.
        pub fn capture_frame<T: AsRef<dyn VideoBuffer>>(&self, frame: &VideoFrame<T>) -> bool {
            let Some(buffer) = frame.buffer.as_ref().as_i420() else {
                log::warn!("only I420 frames can be sent: this one was dropped");
                return false;
            };
            if buffer.width() == 0 || buffer.height() == 0 {
                return false;
            }
            let view = View {
                picture: buffer.picture(),
                rotation: frame.rotation,
                timestamp_us: frame.timestamp_us,
                at: Instant::now(),
            };
            let mut taken = false;
            self.shared.sinks.for_each(|sink| taken |= sink.on_frame(&view));
            taken
        }

        /// Always `false`: the frame was not taken, encoded video is not sent yet.
        pub fn capture_encoded_frame(&self, _frame: &EncodedVideoFrame<'_>) -> bool {
            false
        }

        pub fn take_keyframe_request(&self) -> bool {
            false
        }

        pub fn take_rate_control_request(&self) -> Option<EncodedRateControl> {
            None
        }

        /// Without effect: nothing travels beside the frames.
        pub fn set_packet_trailer_handler(&self, _handler: PacketTrailerHandler) {}

        pub fn video_resolution(&self) -> VideoResolution {
            self.shared.resolution.clone()
        }
    }
}
