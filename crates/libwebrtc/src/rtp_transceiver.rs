//! Transceivers: a sender and a receiver that share one m-line.

use std::{fmt, sync::Arc};

use parking_lot::Mutex;
use str0m::media::{Direction, Mid};

use crate::{
    MediaType, RtcError,
    rtp_parameters::{RtpCodecCapability, RtpEncodingParameters},
    rtp_receiver::RtpReceiver,
    rtp_sender::RtpSender,
};

/// How a transceiver starts.
#[derive(Debug, Clone)]
pub struct RtpTransceiverInit {
    pub direction: RtpTransceiverDirection,
    pub stream_ids: Vec<String>,
    pub send_encodings: Vec<RtpEncodingParameters>,
}

/// Which ways media may flow.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum RtpTransceiverDirection {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
    Stopped,
}

impl RtpTransceiverDirection {
    pub(crate) fn to_media(self) -> Direction {
        match self {
            Self::SendRecv => Direction::SendRecv,
            Self::SendOnly => Direction::SendOnly,
            Self::RecvOnly => Direction::RecvOnly,
            Self::Inactive | Self::Stopped => Direction::Inactive,
        }
    }

    pub(crate) fn from_media(direction: Direction) -> Self {
        match direction {
            Direction::SendRecv => Self::SendRecv,
            Direction::SendOnly => Self::SendOnly,
            Direction::RecvOnly => Self::RecvOnly,
            Direction::Inactive => Self::Inactive,
        }
    }
}

/// One m-line seen from this side.
#[derive(Clone)]
pub struct RtpTransceiver {
    inner: Arc<Inner>,
}

struct Inner {
    kind: MediaType,
    sender: RtpSender,
    receiver: RtpReceiver,
    /// Name of the media stream announced for the sender.
    stream_id: Option<String>,
    /// Made for a track that did not ask for an m-line of its own (`add_track`).
    reusable: bool,
    state: Mutex<State>,
}

struct State {
    mid: Option<Mid>,
    direction: RtpTransceiverDirection,
    current: Option<RtpTransceiverDirection>,
}

impl RtpTransceiver {
    pub(crate) fn new(
        kind: MediaType,
        direction: RtpTransceiverDirection,
        stream_id: Option<String>,
        reusable: bool,
        sender: RtpSender,
        receiver: RtpReceiver,
    ) -> Self {
        let state = Mutex::new(State { mid: None, direction, current: None });
        Self { inner: Arc::new(Inner { kind, sender, receiver, stream_id, reusable, state }) }
    }

    /// The name of the m-line, once a description with it was set.
    pub fn mid(&self) -> Option<String> {
        self.media_id().map(|mid| mid.to_string())
    }

    pub(crate) fn media_id(&self) -> Option<Mid> {
        self.inner.state.lock().mid
    }

    pub(crate) fn set_media_id(&self, mid: Mid) {
        self.inner.state.lock().mid = Some(mid);
        self.inner.sender.set_media_id(mid);
    }

    /// The offer that named the m-line was withdrawn.
    pub(crate) fn clear_media_id(&self) {
        self.inner.state.lock().mid = None;
    }

    pub(crate) fn kind(&self) -> MediaType {
        self.inner.kind
    }

    pub(crate) fn stream_id(&self) -> Option<String> {
        self.inner.stream_id.clone()
    }

    pub(crate) fn is_reusable(&self) -> bool {
        self.inner.reusable
    }

    /// What the last completed exchange agreed on.
    pub fn current_direction(&self) -> Option<RtpTransceiverDirection> {
        self.inner.state.lock().current
    }

    pub(crate) fn set_current_direction(&self, direction: RtpTransceiverDirection) {
        self.inner.state.lock().current = Some(direction);
    }

    /// What this side wants.
    pub fn direction(&self) -> RtpTransceiverDirection {
        self.inner.state.lock().direction
    }

    pub(crate) fn set_direction(&self, direction: RtpTransceiverDirection) {
        self.inner.state.lock().direction = direction;
    }

    pub fn sender(&self) -> RtpSender {
        self.inner.sender.clone()
    }

    pub fn receiver(&self) -> RtpReceiver {
        self.inner.receiver.clone()
    }

    pub(crate) fn has_sender(&self, sender: &RtpSender) -> bool {
        self.inner.sender.is_same(sender)
    }

    /// Checks that the wanted codecs are among those that can be negotiated.
    ///
    /// # Errors
    /// When a codec is of another media type.
    pub fn set_codec_preferences(&self, codecs: Vec<RtpCodecCapability>) -> Result<(), RtcError> {
        let prefix = match self.inner.kind {
            MediaType::Video => "video/",
            _ => "audio/",
        };
        match codecs.iter().find(|codec| !codec.mime_type.starts_with(prefix)) {
            Some(codec) => Err(RtcError::invalid_state(format!(
                "{} is no codec of an m-line of {prefix}*",
                codec.mime_type
            ))),
            None => Ok(()),
        }
    }

    /// Media stops; the m-line is inactive from the next exchange on.
    ///
    /// # Errors
    /// Never; the type is that of the original.
    pub fn stop(&self) -> Result<(), RtcError> {
        self.set_direction(RtpTransceiverDirection::Stopped);
        self.inner.sender.set_track(None)?;
        self.inner.receiver.end_track();
        Ok(())
    }
}

impl fmt::Debug for RtpTransceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtpTransceiver")
            .field("mid", &self.mid())
            .field("direction", &self.direction())
            .field("sender", &self.inner.sender)
            .field("receiver", &self.inner.receiver)
            .finish()
    }
}
