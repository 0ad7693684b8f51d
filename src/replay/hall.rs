//! A room that is replayed: the ways into it, and what comes of it.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ReplayError;
use super::plan::Feed;
use crate::admin::state::{Command, Publisher};
use crate::config::Config;
use crate::host::{Parts, Room};
use crate::latency::TurnRecord;
use crate::room;
use crate::stt::hearing;
use crate::tape::{Entry, Tap};
use crate::time::{Clock, Time};

/// See the module.
pub(super) struct Hall {
    clock: Clock,
    tap: Tap,
    room: mpsc::Sender<room::Event>,
    hearing: mpsc::Sender<hearing::Event>,
    pages: mpsc::Sender<Command>,
    cancel: CancellationToken,
    running: JoinHandle<Vec<TurnRecord>>,
}

impl Hall {
    /// Runs a room of these parts, which get their end of the room's events.
    pub(super) fn open(
        config: &Config,
        clock: Clock,
        publisher: Publisher,
        parts: impl FnOnce(mpsc::Receiver<room::Event>) -> Parts,
    ) -> Self {
        let tap = Tap::memory(Time::ZERO);
        let (room_in, events) = mpsc::channel(1);
        let (hearing_in, hearing) = mpsc::channel(1);
        let (pages_in, commands) = mpsc::channel(1);
        let parts = parts(events);
        let room = Room::tapped(config, clock, parts, publisher, commands, tap.clone());
        let room = room.hearing(hearing);
        let cancel = CancellationToken::new();
        let (stop, tasks) = (cancel.clone(), TaskTracker::new());
        let running = tokio::spawn(async move { room.run(&tasks, stop).await });
        Self { clock, tap, room: room_in, hearing: hearing_in, pages: pages_in, cancel, running }
    }

    /// Tells the room everything at its time, the first of which is not before now.
    pub(super) async fn feed(&self, feed: impl IntoIterator<Item = (Time, Feed)>) {
        for (at, event) in feed {
            tokio::time::sleep_until(self.clock.instant(at)).await;
            // The room has taken each before the next is told: order within a moment is the tape's.
            let taken = match event {
                Feed::Room(event) => told(&self.room, event).await,
                Feed::Hearing(event) => told(&self.hearing, event).await,
                Feed::Page(command) => told(&self.pages, command).await,
            };
            if !taken {
                break;
            }
        }
    }

    /// How many effects there are so far.
    pub(super) fn effects(&self) -> usize {
        self.tap.kept()
    }

    /// Ends the room; returns its effects, its turns, and how long it ran.
    ///
    /// # Errors
    /// When the room panicked.
    pub(super) async fn close(
        self,
    ) -> Result<(Vec<Entry>, Vec<TurnRecord>, Duration), ReplayError> {
        let length = self.clock.now().since(Time::ZERO);
        self.cancel.cancel();
        let turns = self.running.await.map_err(|error| ReplayError::Broken(error.to_string()))?;
        Ok((self.tap.take(), turns, length))
    }
}

/// Sends, and waits until it was taken. False when the room is gone.
async fn told<T>(to: &mpsc::Sender<T>, event: T) -> bool {
    to.send(event).await.is_ok() && to.reserve().await.is_ok()
}
