//! `--demo`: a recorded human joins, asks three personas a question each, listens, and leaves.

use std::time::Duration;

use tokio::sync::watch;

use super::HostError;
use crate::audio::ogg;
use crate::room::livekit::visitor::{States, Visitor};
use crate::room::token::Mint;

/// One question to each persona of the house cast, as Ogg Opus.
const QUESTIONS: [&[u8]; 3] = [
    include_bytes!("../../assets/demo/1-nora.ogg"),
    include_bytes!("../../assets/demo/2-felix.ogg"),
    include_bytes!("../../assets/demo/3-ada.ogg"),
];

const NAME: &str = "Tom";
/// A reply that has not begun by then does not come.
const REPLY_BEGINS_MAX: Duration = Duration::from_secs(15);
/// No reply of ours is longer.
const REPLY_ENDS_MAX: Duration = Duration::from_secs(45);
/// A person's pause between listening and asking again, and the silence that ends a question.
const PAUSE: Duration = Duration::from_millis(1_200);

/// Plays the visitor from joining to leaving.
pub(super) async fn play(url: &str, mint: &Mint) -> Result<(), HostError> {
    let identity = super::visitor_identity(NAME);
    let token =
        mint.visitor(&identity, NAME).map_err(|error| HostError::Demo(error.to_string()))?;
    let visitor = Visitor::join(url, &token).await.map_err(HostError::Demo)?;
    tracing::info!(%identity, "the demo visitor is in the room");
    let mut states = visitor.states();
    for question in QUESTIONS {
        let pcm = ogg::decode(question).map_err(|error| HostError::Demo(error.to_string()))?;
        states.borrow_and_update();
        visitor.speak(&pcm, PAUSE).await;
        await_reply(&mut states).await;
    }
    visitor.leave().await;
    Ok(())
}

/// Returns when a persona has spoken and fallen silent again, or when none did.
async fn await_reply(states: &mut watch::Receiver<States>) {
    let speaks = |states: &States| states.values().any(|state| state == "speaking");
    let began = tokio::time::timeout(REPLY_BEGINS_MAX, states.wait_for(speaks)).await;
    if !began.is_ok_and(|state| state.is_ok()) {
        tracing::warn!("the demo visitor got no reply");
        return;
    }
    let silent = |states: &States| !speaks(states);
    let ended = tokio::time::timeout(REPLY_ENDS_MAX, states.wait_for(silent)).await;
    if !ended.is_ok_and(|state| state.is_ok()) {
        tracing::warn!("a persona spoke on and on to the demo visitor");
    }
    tokio::time::sleep(PAUSE).await;
}
