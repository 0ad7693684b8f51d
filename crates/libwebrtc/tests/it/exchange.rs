//! Offers, answers and the states around them.

use std::time::Duration;

use libwebrtc::prelude::*;

use crate::pair::{Side, connected, within};

#[tokio::test]
async fn closing_one_side_is_seen_by_the_other() {
    let (alice, mut bob) = connected(|alice, _| {
        alice.create_data_channel("x", DataChannelInit::default()).unwrap();
    })
    .await;
    alice.pc.close();
    assert_eq!(alice.pc.connection_state(), PeerConnectionState::Closed);
    assert!(alice.pc.create_offer(OfferOptions::default()).await.is_err());
    // Told so, and not because ICE hears nothing any more, which takes 20 s.
    let told = bob.reach(PeerConnectionState::Failed);
    tokio::time::timeout(Duration::from_secs(10), told).await.expect("bob was told");
}

#[tokio::test]
async fn candidates_are_announced_once_the_local_description_is_set() {
    let mut alice = Side::new();
    alice.pc.create_data_channel("x", DataChannelInit::default()).unwrap();
    let offer = alice.pc.create_offer(OfferOptions::default()).await.unwrap();
    assert!(alice.candidates.try_recv().is_err());
    alice.pc.set_local_description(offer).await.unwrap();
    let candidate = within(alice.candidates.recv()).await.unwrap();
    assert!(candidate.candidate().starts_with("candidate:"), "{}", candidate.candidate());
    assert_eq!(alice.pc.signaling_state(), SignalingState::HaveLocalOffer);
}
