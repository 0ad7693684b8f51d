//! The live feed: a snapshot, then what happens, over server-sent events.
//!
//! Each page reads the ledger's ring at its own pace. One that falls behind the whole ring is told
//! how much it missed (`lagged`) and gets a fresh snapshot; nobody waits for it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::{OwnedSemaphorePermit, broadcast};

use super::error::ApiError;
use super::ledger::{Feed, Frame, Question};
use super::routes::Desk;

/// Shorter than the idle limits of common proxies.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a browser waits before it comes back.
const RETRY: Duration = Duration::from_secs(2);

pub(super) async fn events(State(desk): State<Arc<Desk>>) -> Result<impl IntoResponse, ApiError> {
    let place = desk.readers.clone().try_acquire_owned().map_err(|_| ApiError::Crowded)?;
    let feed = desk.ask(Question::Follow).await?;
    let reader = Reader { desk, feed, stage: Stage::Snapshot, _place: place };
    Ok(Sse::new(reader.stream()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Reader {
    desk: Arc<Desk>,
    feed: Feed,
    stage: Stage,
    _place: OwnedSemaphorePermit,
}

/// What the reader gets next.
enum Stage {
    Snapshot,
    Events,
    /// It was told that it lagged.
    Refresh,
}

impl Reader {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        unfold(self, async |mut reader| {
            let event = reader.next().await?;
            Some((Ok(event), reader))
        })
    }

    /// None ends the feed: the host stops.
    async fn next(&mut self) -> Option<Event> {
        match self.stage {
            Stage::Snapshot => {}
            Stage::Events => return self.follow().await,
            Stage::Refresh => self.feed = self.desk.ask(Question::Follow).await.ok()?,
        }
        self.stage = Stage::Events;
        Some(frame(&self.feed.snapshot).retry(RETRY))
    }

    async fn follow(&mut self) -> Option<Event> {
        let next = tokio::select! {
            () = self.desk.cancel.cancelled() => return None,
            next = self.feed.frames.recv() => next,
        };
        match next {
            Ok(next) => Some(frame(&next)),
            Err(broadcast::error::RecvError::Closed) => None,
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                self.stage = Stage::Refresh;
                self.desk.losses.frames.fetch_add(missed, Ordering::Relaxed);
                Some(Event::default().event("lagged").data(format!("{{\"missed\":{missed}}}")))
            }
        }
    }
}

fn frame(frame: &Frame) -> Event {
    Event::default().event(frame.kind).data(&*frame.json)
}
