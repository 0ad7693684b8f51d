//! Makes peer connections and local tracks.

use std::fmt;

use crate::{
    MediaType, RtcError,
    peer_connection::PeerConnection,
    rtp_parameters::{RtpCapabilities, RtpCodecCapability},
};

/// A STUN or TURN server. Kept and not used yet.
#[derive(Debug, Clone)]
pub struct IceServer {
    pub urls: Vec<String>,
    pub username: String,
    pub password: String,
}

/// When to look for local candidates. Kept and not used: they are gathered once.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum ContinualGatheringPolicy {
    GatherOnce,
    GatherContinually,
}

/// Which local candidates may be used.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum IceTransportsType {
    Relay,
    NoHost,
    All,
}

/// Settings of a peer connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RtcConfiguration {
    pub ice_servers: Vec<IceServer>,
    pub continual_gathering_policy: ContinualGatheringPolicy,
    pub ice_transport_type: IceTransportsType,
    /// Offer the first SCTP message within the SDP, which saves a round trip.
    pub enable_sctp_snap: bool,
}

impl Default for RtcConfiguration {
    fn default() -> Self {
        Self {
            ice_servers: Vec::new(),
            continual_gathering_policy: ContinualGatheringPolicy::GatherContinually,
            ice_transport_type: IceTransportsType::All,
            enable_sctp_snap: false,
        }
    }
}

/// Makes peer connections and local tracks.
#[derive(Clone, Default)]
pub struct PeerConnectionFactory {}

impl fmt::Debug for PeerConnectionFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerConnectionFactory").finish()
    }
}

impl PeerConnectionFactory {
    /// As [`Self::default`]: decoded frames are never held back.
    pub fn with_zero_playout_delay() -> Self {
        Self::default()
    }

    /// As [`Self::default`]: the first option holds for every frame, and what the second one allows
    /// is offered where [`RtcConfiguration::enable_sctp_snap`] asks for it.
    pub fn with_options(_zero_playout_delay: bool, _enable_warp: bool) -> Self {
        Self::default()
    }

    /// # Errors
    /// When only relays may be used: there is no TURN client yet.
    pub fn create_peer_connection(
        &self,
        config: RtcConfiguration,
    ) -> Result<PeerConnection, RtcError> {
        PeerConnection::new(config)
    }

    pub fn get_rtp_sender_capabilities(&self, media_type: MediaType) -> RtpCapabilities {
        capabilities(media_type)
    }

    pub fn get_rtp_receiver_capabilities(&self, media_type: MediaType) -> RtpCapabilities {
        capabilities(media_type)
    }
}

fn capabilities(media_type: MediaType) -> RtpCapabilities {
    let codec = match media_type {
        MediaType::Audio => Some(RtpCodecCapability {
            channels: Some(2),
            clock_rate: Some(48_000),
            mime_type: "audio/opus".to_owned(),
            sdp_fmtp_line: Some("minptime=10;useinbandfec=1".to_owned()),
        }),
        MediaType::Video => Some(RtpCodecCapability {
            channels: None,
            clock_rate: Some(90_000),
            mime_type: "video/VP8".to_owned(),
            sdp_fmtp_line: None,
        }),
        MediaType::Data | MediaType::Unsupported => None,
    };
    RtpCapabilities { codecs: codec.into_iter().collect(), header_extensions: Vec::new() }
}

/// Local tracks and audio devices.
pub mod native {
    use super::PeerConnectionFactory;
    use crate::{
        audio_source::native::NativeAudioSource, audio_track::RtcAudioTrack,
        video_source::native::NativeVideoSource, video_track::RtcVideoTrack,
    };

    macro_rules! device_methods {
        ($($name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty = $answer:expr)?;)+) => {
            /// Tracks fed by the application, and audio devices.
            ///
            /// There are no audio devices: every number is 0, every name empty, and every
            /// attempt to select, start or acquire one answers `false`.
            pub trait PeerConnectionFactoryExt {
                fn create_video_track(
                    &self,
                    label: &str,
                    source: NativeVideoSource,
                ) -> RtcVideoTrack;
                fn create_audio_track(
                    &self,
                    label: &str,
                    source: NativeAudioSource,
                ) -> RtcAudioTrack;
                /// A track that stays silent, for want of devices.
                fn create_device_audio_track(&self, label: &str) -> RtcAudioTrack;
                $(fn $name(&self, $($arg: $ty),*) $(-> $ret)?;)+
            }

            impl PeerConnectionFactoryExt for PeerConnectionFactory {
                fn create_video_track(
                    &self,
                    label: &str,
                    source: NativeVideoSource,
                ) -> RtcVideoTrack {
                    RtcVideoTrack::local(label, source)
                }

                fn create_audio_track(
                    &self,
                    label: &str,
                    source: NativeAudioSource,
                ) -> RtcAudioTrack {
                    RtcAudioTrack::local(label, source)
                }

                fn create_device_audio_track(&self, label: &str) -> RtcAudioTrack {
                    RtcAudioTrack::device(label)
                }

                $(fn $name(&self, $($arg: $ty),*) $(-> $ret)? {
                    $(let _ = $arg;)*
                    $($answer)?
                })+
            }
        };
    }

    device_methods! {
        playout_devices() -> i16 = 0;
        recording_devices() -> i16 = 0;
        playout_device_name(index: u16) -> String = String::new();
        recording_device_name(index: u16) -> String = String::new();
        playout_device_guid(index: u16) -> String = String::new();
        recording_device_guid(index: u16) -> String = String::new();
        set_playout_device(index: u16) -> bool = false;
        set_recording_device(index: u16) -> bool = false;
        set_playout_device_by_guid(guid: &str) -> bool = false;
        set_recording_device_by_guid(guid: &str) -> bool = false;
        stop_recording() -> bool = false;
        init_recording() -> bool = false;
        start_recording() -> bool = false;
        recording_is_initialized() -> bool = false;
        stop_playout() -> bool = false;
        init_playout() -> bool = false;
        start_playout() -> bool = false;
        playout_is_initialized() -> bool = false;
        builtin_aec_is_available() -> bool = false;
        builtin_agc_is_available() -> bool = false;
        builtin_ns_is_available() -> bool = false;
        enable_builtin_aec(enable: bool) -> bool = false;
        enable_builtin_agc(enable: bool) -> bool = false;
        enable_builtin_ns(enable: bool) -> bool = false;
        set_adm_recording_enabled(enabled: bool);
        adm_recording_enabled() -> bool = false;
        set_adm_playout_enabled(enabled: bool);
        adm_playout_enabled() -> bool = false;
        acquire_platform_adm() -> bool = false;
        release_platform_adm();
        platform_adm_ref_count() -> i32 = 0;
        is_platform_adm_active() -> bool = false;
    }
}
