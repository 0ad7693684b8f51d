//! Parameters and capabilities of RTP senders and receivers.

use crate::rtp_transceiver::RtpTransceiverDirection;

/// Network priority of an encoding or a data channel. Kept for round trips; not acted upon.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum Priority {
    VeryLow,
    Low,
    Medium,
    High,
}

/// What a video encoder gives up first when bandwidth is short.
#[derive(Debug, Copy, Clone, PartialEq, Eq, Default)]
pub enum DegradationPreference {
    /// Keep rate and size; drop frames before encoding.
    MaintainFramerateAndResolution,
    /// Give up size.
    MaintainFramerate,
    /// Give up rate.
    MaintainResolution,
    /// Give up some of both.
    #[default]
    Balanced,
}

impl DegradationPreference {
    /// The former name of [`Self::MaintainFramerateAndResolution`].
    #[deprecated(since = "0.8.0", note = "Use MaintainFramerateAndResolution instead")]
    #[allow(non_upper_case_globals)]
    pub const Disabled: Self = Self::MaintainFramerateAndResolution;
}

/// A negotiated RTP header extension.
#[derive(Debug, Clone)]
pub struct RtpHeaderExtensionParameters {
    pub uri: String,
    pub id: i32,
    pub encrypted: bool,
}

/// What a sender or receiver works with.
#[derive(Debug, Clone, Default)]
pub struct RtpParameters {
    pub codecs: Vec<RtpCodecParameters>,
    pub header_extensions: Vec<RtpHeaderExtensionParameters>,
    pub encodings: Vec<RtpEncodingParameters>,
    pub rtcp: RtcpParameters,
    pub(crate) degradation_preference: Option<DegradationPreference>,
}

impl RtpParameters {
    /// Sets what a video sender gives up first.
    pub fn set_degradation_preference(&mut self, preference: DegradationPreference) {
        self.degradation_preference = Some(preference);
    }

    /// What a video sender gives up first, if it was said.
    pub fn degradation_preference(&self) -> Option<DegradationPreference> {
        self.degradation_preference
    }
}

/// A codec in use.
#[derive(Debug, Clone, Default)]
pub struct RtpCodecParameters {
    pub payload_type: u8,
    /// `audio/opus`, `video/VP8`, …
    pub mime_type: String,
    pub clock_rate: Option<u64>,
    pub channels: Option<u16>,
}

/// RTCP settings of a sender or receiver.
#[derive(Debug, Clone, Default)]
pub struct RtcpParameters {
    pub cname: String,
    pub reduced_size: bool,
}

/// One encoding of a sender (video may have several layers, audio has one).
#[derive(Debug, Clone)]
pub struct RtpEncodingParameters {
    pub active: bool,
    /// Bits per second.
    pub max_bitrate: Option<u64>,
    pub max_framerate: Option<f64>,
    pub priority: Priority,
    pub rid: String,
    pub scale_resolution_down_by: Option<f64>,
    /// For example `L3T3_KEY`.
    pub scalability_mode: Option<String>,
    pub has_ssrc: bool,
    pub ssrc: u32,
}

impl Default for RtpEncodingParameters {
    fn default() -> Self {
        Self {
            active: true,
            max_bitrate: None,
            max_framerate: None,
            priority: Priority::Low,
            rid: String::new(),
            scale_resolution_down_by: None,
            scalability_mode: None,
            has_ssrc: false,
            ssrc: 0,
        }
    }
}

/// A codec that could be used.
#[derive(Debug, Clone)]
pub struct RtpCodecCapability {
    pub channels: Option<u16>,
    pub clock_rate: Option<u64>,
    pub mime_type: String,
    pub sdp_fmtp_line: Option<String>,
}

/// A header extension that could be used.
#[derive(Debug, Clone)]
pub struct RtpHeaderExtensionCapability {
    pub uri: String,
    pub direction: RtpTransceiverDirection,
}

/// What this build can send or receive of one media type.
#[derive(Debug, Clone)]
pub struct RtpCapabilities {
    pub codecs: Vec<RtpCodecCapability>,
    pub header_extensions: Vec<RtpHeaderExtensionCapability>,
}
