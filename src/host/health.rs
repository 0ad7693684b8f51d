//! How the parts do, as the pages show it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::admin::state::{
    EarlyPasses, Hearing, JudgedPauses, Link, Part, PartState, Pictures, Publisher, QueueStatus,
    SoundCounts,
};
use crate::llm::Engine;
use crate::room::{LinkState, Member};
use crate::stt;
use crate::stt::ears::{self, EarsState};
use crate::stt::end_of_turn::Asker;
use crate::stt::service::{EARLY_WAITING_MAX, Stats};

/// How often counters are shown; changes of state are shown at once.
const REFRESH: Duration = Duration::from_secs(1);

/// Watches the parts of a running host.
pub(super) struct Health {
    ears: watch::Receiver<ears::Status>,
    stt: watch::Receiver<Stats>,
    /// None where no model judges pauses.
    asker: Option<Asker>,
    engine: Arc<dyn Engine>,
    server: Server,
    /// What recognises, as it was when it began.
    ears_model: Option<String>,
    /// The host's own, as they were at the last tick.
    inboxes: Vec<QueueStatus>,
    tick: Interval,
}

/// The server of a room: ours, whose process we watch, or somebody else's, known by the listener's
/// link.
pub struct Server {
    pub url: String,
    /// State and restarts of one that we started.
    pub own: Option<(watch::Receiver<ServerState>, watch::Receiver<u64>)>,
    pub link: LinkState,
}

/// How a server that we started does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerState {
    Up,
    Down { cause: String },
}

impl Health {
    pub(super) fn new(
        ears: watch::Receiver<ears::Status>,
        stt: watch::Receiver<Stats>,
        asker: Option<Asker>,
        engine: Arc<dyn Engine>,
        server: Server,
    ) -> Self {
        let mut tick = interval(REFRESH);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ears, stt, asker, engine, server, ears_model: None, inboxes: Vec::new(), tick }
    }

    /// Resolves when there may be something new to show.
    pub(super) async fn changed(&mut self) {
        tokio::select! {
            biased;
            _ = self.tick.tick() => {}
            Ok(()) = self.ears.changed() => {}
        }
    }

    /// What was shown, and what was given to those who hear, with what the engine made of it.
    pub(super) fn with_encoded(
        &self,
        shown: Option<Pictures>,
        given: Option<SoundCounts>,
    ) -> (Option<Pictures>, Option<SoundCounts>) {
        let stats = self.engine.stats();
        let pictures = shown.map(|shown| Pictures {
            encoded: stats.pictures_encoded,
            shared: stats.pictures_shared,
            bytes: stats.pictures_bytes,
            ..shown
        });
        let sounds = given.map(|given| SoundCounts {
            encoded: stats.sounds_encoded,
            shared: stats.sounds_shared,
            bytes: stats.sounds_bytes,
            ..given
        });
        (pictures, sounds)
    }

    /// One of our participants is in the room, or out of it.
    pub(super) fn link(&mut self, publisher: &Publisher, member: &Member, state: LinkState) {
        let (up, cause) = match &state {
            LinkState::Up => (true, None),
            LinkState::Down { cause } => (false, Some(cause.clone())),
        };
        match member {
            Member::Listener => self.server.link = state,
            Member::Persona(id) => publisher.persona(id, |status| {
                // The first join is no restart.
                let again = up && !status.link.up && status.link.cause.is_some();
                status.restarts += u64::from(again);
                status.hosted = up;
                status.link = Link { up, cause };
            }),
        }
        publisher.update(|status| {
            let mut cast = status.personas.iter();
            status.ready = cast.all(|persona| persona.hosted || persona.failed_cause.is_some());
        });
        self.publish(publisher);
    }

    /// Shows how the parts do, and how full the host's inboxes are.
    pub(super) fn refresh(&mut self, publisher: &Publisher, inboxes: Vec<QueueStatus>) {
        self.inboxes = inboxes;
        self.publish(publisher);
    }

    fn publish(&mut self, publisher: &Publisher) {
        let mut ears = self.ears_part();
        let server = self.server.part();
        let engine = self.engine.stats();
        let stt = *self.stt.borrow();
        let utterances_bound = stt::queue::Options::default().capacity as u64;
        let mut queues = vec![
            queue("utterances", stt.waiting as u64, utterances_bound, stt.overflowed),
            early_passes(&stt),
            queue("replies", engine.waiting, engine.waiting_max, engine.refused),
        ];
        queues.extend(self.asker.as_ref().map(pauses));
        queues.extend_from_slice(&self.inboxes);
        let hearing = hearing(&stt, self.asker.as_ref());
        publisher.update(|status| {
            let model = self.ears_model.get_or_insert_with(|| status.parts.ears.detail.clone());
            if ears.state == PartState::Up {
                ears.detail.clone_from(model);
            }
            status.parts.ears = ears;
            status.parts.server = server;
            status.parts.engine.state = PartState::Up;
            status.hearing = hearing;
            status.queues = queues;
        });
    }

    fn ears_part(&mut self) -> Part {
        let status = self.ears.borrow_and_update();
        let (state, detail) = match &status.state {
            EarsState::Starting => (PartState::Starting, String::new()),
            EarsState::Ready => (PartState::Up, String::new()),
            EarsState::Down { cause, .. } => (PartState::Down, cause.clone()),
        };
        Part { state, detail, restarts: status.restarts }
    }
}

impl Server {
    fn part(&self) -> Part {
        let own_down = self.own.as_ref().and_then(|(state, _)| match &*state.borrow() {
            ServerState::Up => None,
            ServerState::Down { cause } => Some(cause.clone()),
        });
        let down = own_down.or_else(|| match &self.link {
            LinkState::Up => None,
            LinkState::Down { cause } => Some(cause.clone()),
        });
        let restarts = self.own.as_ref().map_or(0, |(_, restarts)| *restarts.borrow());
        match down {
            None => Part { state: PartState::Up, detail: self.url.clone(), restarts },
            Some(cause) => Part { state: PartState::Down, detail: cause, restarts },
        }
    }
}

fn hearing(stt: &Stats, asker: Option<&Asker>) -> Hearing {
    let pauses = asker.map(Asker::stats).map(|judge| JudgedPauses {
        answered: judge.answered,
        skipped: judge.skipped,
        failed: judge.failed,
        took_us_max: judge.took_us_max,
    });
    Hearing {
        heard: stt.heard,
        gated: stt.gated,
        failed: stt.failed,
        recognition_us_max: stt.took_us_max,
        early: EarlyPasses { begun: stt.early, used: stt.early_used, thrown: stt.early_thrown },
        pauses,
    }
}

/// Pauses that wait for recognition ahead of time. What it did for nothing is no loss.
fn early_passes(stt: &Stats) -> QueueStatus {
    let waiting = stt.early_waiting as u64;
    queue("early passes", waiting, EARLY_WAITING_MAX as u64, stt.early_left_out)
}

/// Pauses that wait to be judged.
fn pauses(asker: &Asker) -> QueueStatus {
    let (waiting, bound) = asker.waiting();
    queue("pauses", waiting as u64, bound as u64, asker.stats().skipped)
}

pub(super) fn queue(name: &str, len: u64, bound: u64, dropped: u64) -> QueueStatus {
    QueueStatus { name: name.to_owned(), len, bound, dropped }
}
