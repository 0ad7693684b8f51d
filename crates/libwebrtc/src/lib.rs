//! A drop-in for LiveKit's `libwebrtc` crate on [`str0m`]: WebRTC in Rust, no C++ WebRTC toolchain.
//!
//! The public names, signatures and types are those of `libwebrtc` 0.3.55 as far as `livekit` 0.10
//! uses them; `README.md` says, row by row, what is covered, partly covered and absent.
//!
//! One process-wide runtime ([`runtime`]) drives every peer connection as one task, and one clock
//! ([`audio::clock`]) drives every audio source and every audio stream. Video is encoded and
//! decoded on a few threads beside it that exist only while there is video ([`runtime::compute`]).

use thiserror::Error;

mod audio;
mod enum_dispatch;
mod queue;
mod runtime;
mod sinks;
mod video;

pub mod audio_frame;
pub mod audio_source;
pub mod audio_stream;
pub mod audio_track;
pub mod data_channel;
pub mod ice_candidate;
pub mod media_stream;
pub mod media_stream_track;
pub mod native;
pub mod peer_connection;
pub mod peer_connection_factory;
pub mod prelude;
pub mod rtp_parameters;
pub mod rtp_receiver;
pub mod rtp_sender;
pub mod rtp_transceiver;
pub mod session_description;
pub mod stats;
pub mod video_frame;
pub mod video_source;
pub mod video_stream;
pub mod video_track;

/// What an m-line or a track carries.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum MediaType {
    Audio,
    Video,
    Data,
    Unsupported,
}

/// The class of an [`RtcError`].
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum RtcErrorType {
    Internal,
    InvalidSdp,
    InvalidState,
}

/// Why an operation on a peer connection, track or source failed.
#[derive(Error, Debug)]
#[error("an RtcError occurred: {error_type:?} - {message}")]
pub struct RtcError {
    pub error_type: RtcErrorType,
    pub message: String,
}

impl RtcError {
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self { error_type: RtcErrorType::Internal, message: message.into() }
    }

    pub(crate) fn invalid_sdp(message: impl Into<String>) -> Self {
        Self { error_type: RtcErrorType::InvalidSdp, message: message.into() }
    }

    pub(crate) fn invalid_state(message: impl Into<String>) -> Self {
        Self { error_type: RtcErrorType::InvalidState, message: message.into() }
    }
}
