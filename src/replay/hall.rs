//! A room that is replayed: the ways into it, and what comes of it.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ReplayError;
use super::plan::Feed;
use crate::admin::state::{Command, Publisher};
use crate::config::Config;
use crate::host::{Parts, Room};
use crate::id::UtteranceId;
use crate::latency::TurnRecord;
use crate::room;
use crate::sound::Sound;
use crate::stt::hearing;
use crate::stt::service::Partial;
use crate::tape::{Entry, Tap};
use crate::time::{Clock, Time};
use crate::turn::Memory;

/// See the module.
pub(super) struct Hall {
    clock: Clock,
    begin: Time,
    tap: Tap,
    room: mpsc::Sender<room::Event>,
    hearing: mpsc::Sender<hearing::Event>,
    partials: watch::Sender<Option<Partial>>,
    pages: mpsc::Sender<Command>,
    cancel: CancellationToken,
    running: JoinHandle<Vec<TurnRecord>>,
}

impl Hall {
    /// Runs a room of these parts, which get their end of the room's events. It begins now, and
    /// goes on from so many lines and what was remembered then. Without `sounds`, those who
    /// hear are given what it heard.
    pub(super) fn open(
        config: &Config,
        clock: Clock,
        publisher: Publisher,
        memory: Option<(u64, Memory)>,
        sounds: Option<HashMap<UtteranceId, Sound>>,
        parts: impl FnOnce(mpsc::Receiver<room::Event>) -> Parts,
    ) -> Self {
        let begin = clock.now();
        let tap = Tap::memory(begin);
        let (room_in, events) = mpsc::channel(1);
        let (hearing_in, hearing) = mpsc::channel(1);
        let (pages_in, commands) = mpsc::channel(1);
        let parts = parts(events);
        let room = Room::tapped(config, clock, parts, publisher, commands, tap.clone());
        let (partials, shown) = watch::channel(None);
        let room = room.hearing(hearing, shown);
        let room = match sounds {
            Some(sounds) => room.playing(sounds),
            None => room,
        };
        let room = match memory {
            Some((lines, memory)) => room.restored(lines, memory),
            None => room,
        };
        let cancel = CancellationToken::new();
        let (stop, tasks) = (cancel.clone(), TaskTracker::new());
        let running = tokio::spawn(async move { room.run(&tasks, stop).await });
        Self {
            clock,
            begin,
            tap,
            room: room_in,
            hearing: hearing_in,
            partials,
            pages: pages_in,
            cancel,
            running,
        }
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
                Feed::Partial(partial) => {
                    self.partials.send_replace(Some(partial));
                    // The room has looked at it when this task is run again.
                    tokio::task::yield_now().await;
                    true
                }
            };
            if !taken {
                break;
            }
        }
    }

    /// What came of the begin is no effect of the replay.
    pub(super) fn forget_effects(&self) {
        drop(self.tap.take());
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
        let length = self.clock.now().since(self.begin);
        self.cancel.cancel();
        let turns = self.running.await.map_err(|error| ReplayError::Broken(error.to_string()))?;
        Ok((self.tap.take(), turns, length))
    }
}

/// Sends, and waits until it was taken. False when the room is gone.
async fn told<T>(to: &mpsc::Sender<T>, event: T) -> bool {
    to.send(event).await.is_ok() && to.reserve().await.is_ok()
}
