//! Peer connections.
//!
//! [`shared::Shared`] is what the handles given to the application share: the lock around
//! [`core::Core`], the callbacks, and a wake-up for [`task`], the one task that drives the
//! connection. Calls of the application change the core under the lock and drain it at once;
//! callbacks run on the task only, one after the other, outside of the lock.

mod bandwidth;
pub(crate) mod channels;
pub(crate) mod core;
pub(crate) mod events;
pub(crate) mod media;
pub(crate) mod negotiation;
pub(crate) mod net;
pub(crate) mod report;
mod report_video;
pub(crate) mod sdp;
pub(crate) mod shared;
pub(crate) mod task;
pub(crate) mod tracks;

use std::{fmt, sync::Arc};

use self::{events::Callbacks, shared::Shared};
use crate::{
    MediaType, RtcError,
    data_channel::{DataChannel, DataChannelInit},
    ice_candidate::IceCandidate,
    media_stream::MediaStream,
    media_stream_track::MediaStreamTrack,
    peer_connection_factory::RtcConfiguration,
    rtp_receiver::RtpReceiver,
    rtp_sender::RtpSender,
    rtp_transceiver::{RtpTransceiver, RtpTransceiverInit},
    session_description::SessionDescription,
    stats::RtcStats,
};

/// State of the connection as a whole.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum PeerConnectionState {
    New,
    Connecting,
    Connected,
    Disconnected,
    Failed,
    Closed,
}

/// State of ICE.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum IceConnectionState {
    New,
    Checking,
    Connected,
    Completed,
    Failed,
    Disconnected,
    Closed,
    Max,
}

/// Whether local candidates are known.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum IceGatheringState {
    New,
    Gathering,
    Complete,
}

/// Where the exchange of descriptions stands.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum SignalingState {
    Stable,
    HaveLocalOffer,
    HaveLocalPrAnswer,
    HaveRemoteOffer,
    HaveRemotePrAnswer,
    Closed,
}

/// What an offer should ask for.
#[derive(Debug, Clone, Default)]
pub struct OfferOptions {
    pub ice_restart: bool,
    /// Add an m-line to receive audio on when there is none.
    pub offer_to_receive_audio: bool,
    /// Add an m-line to receive video on when there is none.
    pub offer_to_receive_video: bool,
}

/// There is nothing to choose.
#[derive(Debug, Clone, Default)]
pub struct AnswerOptions {}

/// Limits of what is sent, in bits per second. The smallest one is checked and not applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BitrateSettings {
    pub min_bitrate_bps: Option<u64>,
    pub start_bitrate_bps: Option<u64>,
    pub max_bitrate_bps: Option<u64>,
}

/// A candidate could not be gathered.
#[derive(Debug, Clone)]
pub struct IceCandidateError {
    pub address: String,
    pub port: i32,
    pub url: String,
    pub error_code: i32,
    pub error_text: String,
}

/// The other side began to send a track.
#[derive(Debug, Clone)]
pub struct TrackEvent {
    pub receiver: RtpReceiver,
    pub streams: Vec<MediaStream>,
    pub track: MediaStreamTrack,
    pub transceiver: RtpTransceiver,
}

pub type OnConnectionChange = Box<dyn FnMut(PeerConnectionState) + Send + Sync>;
pub type OnDataChannel = Box<dyn FnMut(DataChannel) + Send + Sync>;
pub type OnIceCandidate = Box<dyn FnMut(IceCandidate) + Send + Sync>;
pub type OnIceCandidateError = Box<dyn FnMut(IceCandidateError) + Send + Sync>;
pub type OnIceConnectionChange = Box<dyn FnMut(IceConnectionState) + Send + Sync>;
pub type OnIceGatheringChange = Box<dyn FnMut(IceGatheringState) + Send + Sync>;
pub type OnNegotiationNeeded = Box<dyn FnMut(u32) + Send + Sync>;
pub type OnSignalingChange = Box<dyn FnMut(SignalingState) + Send + Sync>;
pub type OnTrack = Box<dyn FnMut(TrackEvent) + Send + Sync>;

/// A connection to one other side. Clones share it; it closes with the last of them.
#[derive(Clone)]
pub struct PeerConnection {
    handle: Arc<Handle>,
}

/// Closes the connection when the application lets go of it.
struct Handle {
    shared: Arc<Shared>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close();
    }
}

macro_rules! callback_setters {
    ($($(#[$meta:meta])* $name:ident => $slot:ident: $ty:ty;)+) => {
        $(
            $(#[$meta])*
            pub fn $name(&self, f: Option<$ty>) {
                *self.callbacks().$slot.lock() = f;
            }
        )+
    };
}

impl PeerConnection {
    pub(crate) fn new(config: RtcConfiguration) -> Result<Self, RtcError> {
        Ok(Self { handle: Arc::new(Handle { shared: Shared::start(config)? }) })
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    fn callbacks(&self) -> &Callbacks {
        self.shared().callbacks()
    }

    /// Takes over new ICE servers and policies as far as they are used (see `README.md`).
    ///
    /// # Errors
    /// When only relays may be used.
    pub fn set_configuration(&self, config: RtcConfiguration) -> Result<(), RtcError> {
        self.shared().set_configuration(config)
    }

    /// Limits what video is sent, and says where the estimate of the network begins.
    ///
    /// # Errors
    /// When they contradict each other or the connection is closed.
    pub fn set_bitrate(&self, settings: BitrateSettings) -> Result<(), RtcError> {
        self.shared().set_bitrate(settings)
    }

    /// # Errors
    /// When the connection is closed.
    pub async fn create_offer(
        &self,
        options: OfferOptions,
    ) -> Result<SessionDescription, RtcError> {
        self.shared().change(|core| core.create_offer(&options))
    }

    /// # Errors
    /// When there is no offer of the other side to answer.
    pub async fn create_answer(&self, _: AnswerOptions) -> Result<SessionDescription, RtcError> {
        self.shared().change(|core| core.create_answer())
    }

    /// Applies what [`Self::create_offer`] or [`Self::create_answer`] made. Edits of its text go
    /// to the other side and have no meaning here.
    ///
    /// # Errors
    /// When the description does not belong to the state of the exchange.
    pub async fn set_local_description(&self, desc: SessionDescription) -> Result<(), RtcError> {
        self.shared().change(|core| core.set_local_description(desc))
    }

    /// # Errors
    /// When the description cannot be used or does not belong to the state of the exchange.
    pub async fn set_remote_description(&self, desc: SessionDescription) -> Result<(), RtcError> {
        self.shared().change(|core| core.set_remote_description(desc))
    }

    /// Adds a candidate of the other side. Those that cannot be used (TCP, mDNS names) are ignored.
    ///
    /// # Errors
    /// When there is no remote description yet or the line makes no sense.
    pub async fn add_ice_candidate(&self, candidate: IceCandidate) -> Result<(), RtcError> {
        self.shared().change(|core| core.add_ice_candidate(&candidate))
    }

    /// # Errors
    /// When the options contradict each other or a negotiated id is in use.
    pub fn create_data_channel(
        &self,
        label: &str,
        init: DataChannelInit,
    ) -> Result<DataChannel, RtcError> {
        self.shared().change(|core| core.create_data_channel(label, init))
    }

    /// Sends a track on an m-line that is free, or on a new one.
    ///
    /// # Errors
    /// When the track is sent already or the connection is closed.
    pub fn add_track<T: AsRef<str>>(
        &self,
        track: MediaStreamTrack,
        streams_ids: &[T],
    ) -> Result<RtpSender, RtcError> {
        let stream_id = streams_ids.first().map(|id| id.as_ref().to_owned());
        self.shared().change(|core| core.add_track(track, stream_id))
    }

    /// Stops sending the sender's track.
    ///
    /// # Errors
    /// When the sender is of another connection or the connection is closed.
    pub fn remove_track(&self, sender: RtpSender) -> Result<(), RtcError> {
        self.shared().change(|core| core.remove_track(&sender))
    }

    /// # Errors
    /// Never; the type is that of the original.
    pub async fn get_stats(&self) -> Result<Vec<RtcStats>, RtcError> {
        Ok(self.shared().stats())
    }

    /// Sends a track on an m-line of its own.
    ///
    /// # Errors
    /// When the connection is closed.
    pub fn add_transceiver(
        &self,
        track: MediaStreamTrack,
        init: RtpTransceiverInit,
    ) -> Result<RtpTransceiver, RtcError> {
        self.shared().change(|core| core.add_transceiver(track, init))
    }

    /// Adds an m-line without a track to send.
    ///
    /// # Errors
    /// When the type is neither audio nor video or the connection is closed.
    pub fn add_transceiver_for_media(
        &self,
        media_type: MediaType,
        init: RtpTransceiverInit,
    ) -> Result<RtpTransceiver, RtcError> {
        self.shared().change(|core| core.add_transceiver_for_media(media_type, init))
    }

    /// Tells the other side and ends everything that belongs to the connection.
    pub fn close(&self) {
        self.shared().close();
    }

    /// The next offer restarts ICE.
    pub fn restart_ice(&self) {
        self.shared().read(|core| core.restart_ice());
    }

    pub fn connection_state(&self) -> PeerConnectionState {
        self.shared().read(|core| core.connection_state())
    }

    pub fn ice_connection_state(&self) -> IceConnectionState {
        self.shared().read(|core| core.ice_connection_state())
    }

    pub fn ice_gathering_state(&self) -> IceGatheringState {
        self.shared().read(|core| core.ice_gathering_state())
    }

    pub fn signaling_state(&self) -> SignalingState {
        self.shared().read(|core| core.signaling_state())
    }

    pub fn current_local_description(&self) -> Option<SessionDescription> {
        self.shared().read(|core| core.current_local_description())
    }

    pub fn current_remote_description(&self) -> Option<SessionDescription> {
        self.shared().read(|core| core.current_remote_description())
    }

    /// None once the connection is closed.
    pub fn senders(&self) -> Vec<RtpSender> {
        self.transceivers().iter().map(RtpTransceiver::sender).collect()
    }

    /// None once the connection is closed.
    pub fn receivers(&self) -> Vec<RtpReceiver> {
        self.transceivers().iter().map(RtpTransceiver::receiver).collect()
    }

    /// None once the connection is closed.
    pub fn transceivers(&self) -> Vec<RtpTransceiver> {
        self.shared().read(|core| core.transceivers())
    }

    callback_setters! {
        on_connection_state_change => connection_change: OnConnectionChange;
        on_data_channel => data_channel: OnDataChannel;
        on_ice_candidate => ice_candidate: OnIceCandidate;
        /// Never called: local interfaces are the only place where candidates come from.
        on_ice_candidate_error => ice_candidate_error: OnIceCandidateError;
        on_ice_connection_state_change => ice_connection_change: OnIceConnectionChange;
        on_ice_gathering_state_change => ice_gathering_change: OnIceGatheringChange;
        on_negotiation_needed => negotiation_needed: OnNegotiationNeeded;
        on_signaling_state_change => signaling_change: OnSignalingChange;
        on_track => track: OnTrack;
    }
}

impl fmt::Debug for PeerConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerConnection")
            .field("state", &self.connection_state())
            .field("ice_state", &self.ice_connection_state())
            .finish()
    }
}
