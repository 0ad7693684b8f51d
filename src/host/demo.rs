//! `--demo`: a recorded human joins, asks three personas a question each, listens, and leaves.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::{Door, questions};
use crate::room::livekit::visitor::{States, Visitor};

const NAME: &str = "Tom";
/// A reply that has not begun by then does not come.
const REPLY_BEGINS_MAX: Duration = Duration::from_secs(15);
/// No reply of ours is longer.
const REPLY_ENDS_MAX: Duration = Duration::from_secs(45);
/// A person's pause between listening and asking again.
const PAUSE: Duration = Duration::from_millis(1_200);

/// Plays the visitor from joining to leaving.
pub(super) fn play(door: Door) -> BoxFuture<'static, Result<(), String>> {
    Box::pin(async move {
        let identity = super::visitor_identity(NAME);
        let token = door.mint.visitor(&identity, NAME).map_err(|error| error.to_string())?;
        let visitor = Visitor::join(&door.url, &token).await?;
        tracing::info!(%identity, "the demo visitor is in the room");
        let mut states = visitor.states();
        for question in questions::QUESTIONS {
            let pcm = question.sound()?;
            states.borrow_and_update();
            visitor.say(&pcm).await;
            visitor.listen(await_reply(&mut states)).await;
        }
        visitor.leave().await;
        Ok(())
    })
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
