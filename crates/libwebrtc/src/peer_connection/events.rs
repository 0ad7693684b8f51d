//! What happens to a peer connection, and the application's callbacks for it.

use parking_lot::Mutex;

use super::{
    IceConnectionState, IceGatheringState, OnConnectionChange, OnDataChannel, OnIceCandidate,
    OnIceCandidateError, OnIceConnectionChange, OnIceGatheringChange, OnNegotiationNeeded,
    OnSignalingChange, OnTrack, PeerConnectionState, SignalingState, TrackEvent,
};
use crate::{
    data_channel::{DataChannel, DataChannelState},
    ice_candidate::IceCandidate,
};

/// Something to be told to the application.
pub(crate) enum Event {
    Connection(PeerConnectionState),
    Ice(IceConnectionState),
    Gathering(IceGatheringState),
    Signaling(SignalingState),
    NegotiationNeeded(u32),
    Candidate(IceCandidate),
    Track(Box<TrackEvent>),
    DataChannel(DataChannel),
    ChannelState(DataChannel, DataChannelState),
    Message(DataChannel, Vec<u8>, bool),
    /// So many bytes left the channel's buffer.
    Sent(DataChannel, u64),
}

/// The application's callbacks.
#[derive(Default)]
pub(crate) struct Callbacks {
    pub(crate) connection_change: Mutex<Option<OnConnectionChange>>,
    pub(crate) data_channel: Mutex<Option<OnDataChannel>>,
    pub(crate) ice_candidate: Mutex<Option<OnIceCandidate>>,
    pub(crate) ice_candidate_error: Mutex<Option<OnIceCandidateError>>,
    pub(crate) ice_connection_change: Mutex<Option<OnIceConnectionChange>>,
    pub(crate) ice_gathering_change: Mutex<Option<OnIceGatheringChange>>,
    pub(crate) negotiation_needed: Mutex<Option<OnNegotiationNeeded>>,
    pub(crate) signaling_change: Mutex<Option<OnSignalingChange>>,
    pub(crate) track: Mutex<Option<OnTrack>>,
}

type Slot<T> = Mutex<Option<Box<dyn FnMut(T) + Send + Sync>>>;

fn call<T>(slot: &Slot<T>, value: T) {
    if let Some(callback) = slot.lock().as_mut() {
        callback(value);
    }
}

impl Callbacks {
    pub(crate) fn dispatch(&self, event: Event) {
        match event {
            Event::Connection(state) => call(&self.connection_change, state),
            Event::Ice(state) => call(&self.ice_connection_change, state),
            Event::Gathering(state) => call(&self.ice_gathering_change, state),
            Event::Signaling(state) => call(&self.signaling_change, state),
            Event::NegotiationNeeded(number) => call(&self.negotiation_needed, number),
            Event::Candidate(candidate) => call(&self.ice_candidate, candidate),
            Event::Track(event) => call(&self.track, *event),
            Event::DataChannel(channel) => call(&self.data_channel, channel),
            Event::ChannelState(channel, state) => channel.notify_state(state),
            Event::Message(channel, data, binary) => channel.notify_message(&data, binary),
            Event::Sent(channel, bytes) => channel.notify_sent(bytes),
        }
    }

    /// Callbacks may hold what holds the connection: without this they would keep each other alive.
    pub(crate) fn clear(&self) {
        *self.connection_change.lock() = None;
        *self.data_channel.lock() = None;
        *self.ice_candidate.lock() = None;
        *self.ice_candidate_error.lock() = None;
        *self.ice_connection_change.lock() = None;
        *self.ice_gathering_change.lock() = None;
        *self.negotiation_needed.lock() = None;
        *self.signaling_change.lock() = None;
        *self.track.lock() = None;
    }
}
