//! Two connected peer connections.

use std::time::Duration;

use libwebrtc::prelude::*;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// One side: its connection and what it was told.
pub(crate) struct Side {
    pub(crate) pc: PeerConnection,
    pub(crate) tracks: UnboundedReceiver<libwebrtc::peer_connection::TrackEvent>,
    pub(crate) channels: UnboundedReceiver<DataChannel>,
    pub(crate) states: UnboundedReceiver<PeerConnectionState>,
    pub(crate) candidates: UnboundedReceiver<IceCandidate>,
}

impl Side {
    pub(crate) fn new() -> Self {
        let factory = PeerConnectionFactory::default();
        let pc = factory.create_peer_connection(RtcConfiguration::default()).unwrap();
        let (track_tx, tracks) = unbounded_channel();
        let (channel_tx, channels) = unbounded_channel();
        let (state_tx, states) = unbounded_channel();
        let (candidate_tx, candidates) = unbounded_channel();
        pc.on_track(Some(Box::new(move |event| {
            let _ = track_tx.send(event);
        })));
        pc.on_data_channel(Some(Box::new(move |channel| {
            let _ = channel_tx.send(channel);
        })));
        pc.on_connection_state_change(Some(Box::new(move |state| {
            let _ = state_tx.send(state);
        })));
        pc.on_ice_candidate(Some(Box::new(move |candidate| {
            let _ = candidate_tx.send(candidate);
        })));
        Self { pc, tracks, channels, states, candidates }
    }

    pub(crate) async fn reach(&mut self, wanted: PeerConnectionState) {
        within(async {
            while self.states.recv().await.expect("the connection lives") != wanted {}
        })
        .await;
    }
}

/// Fails the test instead of waiting for ever.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("took longer than 30 s")
}

/// One exchange of descriptions.
pub(crate) async fn exchange(offerer: &PeerConnection, answerer: &PeerConnection) {
    let offer = offerer.create_offer(OfferOptions::default()).await.unwrap();
    offerer.set_local_description(offer.clone()).await.unwrap();
    answerer.set_remote_description(offer).await.unwrap();
    let answer = answerer.create_answer(AnswerOptions::default()).await.unwrap();
    answerer.set_local_description(answer.clone()).await.unwrap();
    offerer.set_remote_description(answer).await.unwrap();
}

/// Two sides that are connected; `prepare` is called before the first exchange.
pub(crate) async fn connected(
    prepare: impl FnOnce(&PeerConnection, &PeerConnection),
) -> (Side, Side) {
    let (mut alice, mut bob) = (Side::new(), Side::new());
    prepare(&alice.pc, &bob.pc);
    exchange(&alice.pc, &bob.pc).await;
    alice.reach(PeerConnectionState::Connected).await;
    bob.reach(PeerConnectionState::Connected).await;
    (alice, bob)
}
