//! The pages' memory: one task that owns the newest turns and lines, the latency book and the
//! metrics, and hands everything on to the pages that listen.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::metrics::Metrics;
use super::state::{COMMANDS_MAX, Command, EVENTS_MAX, Event, House, Line, QueueStatus, Status};
use crate::id::PersonaId;
use crate::latency::{BOUNDS_US, Book, Row, TurnRecord};
use crate::probe;
use crate::telemetry;

/// Turns kept for `/api/turns`; the oldest leave. About an hour of a lively cast of twelve, 1 KB
/// each.
const TURNS_MAX: usize = 4096;
/// Lines kept; the oldest leave.
const LINES_MAX: usize = 1024;
/// Turns and lines in a snapshot: what a page shows at first.
const SNAPSHOT_TURNS: usize = 200;
const SNAPSHOT_LINES: usize = 200;
/// Frames that a page may be behind before it is told so. Larger than what the host can be ahead
/// of the ledger, so that a burst taken over at once still reaches every page.
const FRAMES_MAX: usize = 2 * EVENTS_MAX;
/// The status is told at most this often: faster than an eye, slower than a burst of changes.
const STATUS_EVERY: Duration = Duration::from_millis(100);

/// A piece of the feed, encoded once for all pages.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) kind: &'static str,
    pub(super) json: Arc<str>,
}

impl Frame {
    fn new(kind: &'static str, body: &impl Serialize) -> Self {
        let json = serde_json::to_string(body).unwrap_or_else(|error| {
            tracing::error!(kind, %error, "a frame of the feed cannot be written");
            "null".to_owned()
        });
        Self { kind, json: json.into() }
    }
}

/// A snapshot and everything after it.
pub(super) struct Feed {
    pub(super) snapshot: Frame,
    pub(super) frames: broadcast::Receiver<Frame>,
}

pub(super) struct TurnFilter {
    pub(super) after: Option<String>,
    pub(super) persona: Option<String>,
    pub(super) limit: usize,
}

/// What handlers ask. A handler that went away leaves its answer unread.
pub(super) enum Question {
    Follow(oneshot::Sender<Feed>),
    Turns(TurnFilter, oneshot::Sender<Vec<Entry<TurnRecord>>>),
    Latency(oneshot::Sender<Latencies>),
    Metrics(oneshot::Sender<String>),
    Status(oneshot::Sender<Report>),
}

/// Something kept, with the wall clock's time of its coming.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Entry<T> {
    #[serde(flatten)]
    pub(super) body: T,
    pub(super) at_unix_ms: u64,
}

/// The status with what only the pages' side knows.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    #[serde(flatten)]
    pub(super) status: Status,
    pub(super) uptime_s: u64,
    /// How the probe file does; none without one.
    pub(super) probes: Option<probe::Stats>,
    /// How the OTLP exporter does; none without one.
    pub(super) telemetry: Option<telemetry::Stats>,
}

/// The latency book as it is told.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Latencies {
    /// Of the rows' histograms.
    bounds_us: &'static [u64],
    latency: Vec<Row>,
    /// How often each persona's turns came to each end.
    outcomes: BTreeMap<PersonaId, BTreeMap<&'static str, u64>>,
}

/// What the pages lost since the start, counted where it happens.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Frames that a page was too slow for.
    pub(super) frames: AtomicU64,
    /// Questions turned away because too many waited.
    pub(super) questions: AtomicU64,
    /// Orders that the host was too busy for.
    pub(super) commands: AtomicU64,
}

pub(super) struct Ledger {
    status: watch::Receiver<Status>,
    events: broadcast::Receiver<Event>,
    commands: mpsc::Sender<Command>,
    asks: mpsc::Receiver<Question>,
    losses: Arc<Losses>,
    frames: broadcast::Sender<Frame>,
    turns: VecDeque<Entry<TurnRecord>>,
    lines: VecDeque<Entry<Line>>,
    book: Book,
    metrics: Metrics,
    started: Instant,
    /// Events of the host that were overwritten before they were read here.
    missed: u64,
}

impl Ledger {
    pub(super) fn new(house: House, asks: mpsc::Receiver<Question>, losses: Arc<Losses>) -> Self {
        let (frames, _) = broadcast::channel(FRAMES_MAX);
        Self {
            status: house.status,
            events: house.events,
            commands: house.commands,
            asks,
            losses,
            frames,
            turns: VecDeque::new(),
            lines: VecDeque::new(),
            book: Book::default(),
            metrics: Metrics::new(),
            started: Instant::now(),
            missed: 0,
        }
    }

    /// Runs until cancelled, or until the host is gone.
    pub(super) async fn run(mut self, cancel: CancellationToken) {
        let mut status_due = None;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                changed = self.status.changed(), if status_due.is_none() => match changed {
                    Ok(()) => status_due = Some(self.next_status()),
                    Err(_) => return,
                },
                () = due(status_due) => {
                    status_due = None;
                    self.tell("status", &self.report());
                }
                event = self.events.recv() => match event {
                    Ok(event) => self.take(event),
                    Err(RecvError::Lagged(missed)) => self.missed += missed,
                    Err(RecvError::Closed) => return,
                },
                Some(question) = self.asks.recv() => self.answer(question),
            }
        }
    }

    /// A little later than the change, so that what changes together is told together.
    fn next_status(&self) -> Instant {
        Instant::now() + STATUS_EVERY
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::State { persona, state } => {
                self.tell("state", &json!({ "persona": persona, "state": state }));
            }
            Event::Caption(caption) => self.tell(
                "caption",
                &json!({
                    "speaker": caption.speaker.as_str(),
                    "human": caption.speaker.is_human(),
                    "segment": caption.segment,
                    "text": caption.text,
                    "last": caption.last,
                }),
            ),
            Event::Line(line) => {
                let entry = Entry { body: line, at_unix_ms: unix_ms() };
                self.tell("line", &entry);
                keep(&mut self.lines, entry, LINES_MAX);
            }
            Event::Turn(record) => {
                self.book.record(&record);
                self.metrics.turn(&record);
                let entry = Entry { body: *record, at_unix_ms: unix_ms() };
                self.tell("turn", &entry);
                keep(&mut self.turns, entry, TURNS_MAX);
            }
        }
    }

    /// Without pages it goes nowhere.
    fn tell(&self, kind: &'static str, body: &impl Serialize) {
        if self.frames.receiver_count() > 0 {
            let _ = self.frames.send(Frame::new(kind, body));
        }
    }

    fn answer(&self, question: Question) {
        match question {
            Question::Follow(reply) => {
                let feed = Feed { frames: self.frames.subscribe(), snapshot: self.snapshot() };
                let _ = reply.send(feed);
            }
            Question::Turns(filter, reply) => {
                let _ = reply.send(self.select(&filter));
            }
            Question::Latency(reply) => {
                let _ = reply.send(self.latencies());
            }
            Question::Metrics(reply) => {
                let report = self.report();
                let _ = reply.send(self.metrics.text(&report));
            }
            Question::Status(reply) => {
                let _ = reply.send(self.report());
            }
        }
    }

    fn report(&self) -> Report {
        let mut status = self.status.borrow().clone();
        let probes = probe::stats();
        let telemetry = telemetry::stats();
        status.queues.extend(self.queues());
        let lines = probes.as_ref().map(|it| ("probes", it.waiting, it.bound, it.dropped));
        let turns = telemetry.as_ref().map(|it| ("otlp", it.waiting, it.bound, it.dropped));
        let both = lines.into_iter().chain(turns);
        status.queues.extend(both.map(|(name, len, bound, lost)| queue(name, len, bound, lost)));
        Report { status, uptime_s: self.started.elapsed().as_secs(), probes, telemetry }
    }

    /// The pages' own.
    fn queues(&self) -> [QueueStatus; 4] {
        let lost = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let events = self.events.len() as u64;
        let frames = self.frames.len() as u64;
        let asks = self.asks.len() as u64;
        let orders = (COMMANDS_MAX - self.commands.capacity()) as u64;
        let Losses { frames: late, questions, commands } = &*self.losses;
        [
            queue("pages.events", events, EVENTS_MAX as u64, self.missed),
            queue("pages.frames", frames, FRAMES_MAX as u64, lost(late)),
            queue("pages.questions", asks, self.asks.max_capacity() as u64, lost(questions)),
            queue("pages.commands", orders, COMMANDS_MAX as u64, lost(commands)),
        ]
    }

    fn latencies(&self) -> Latencies {
        let mut outcomes: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (persona, outcome, count) in self.book.outcomes() {
            outcomes.entry(persona.clone()).or_default().insert(outcome.as_str(), count);
        }
        Latencies { bounds_us: &BOUNDS_US, latency: self.book.rows(), outcomes }
    }

    fn snapshot(&self) -> Frame {
        let turns: Vec<_> = newest(&self.turns, SNAPSHOT_TURNS).collect();
        let lines: Vec<_> = newest(&self.lines, SNAPSHOT_LINES).collect();
        Frame::new(
            "snapshot",
            &json!({
                "status": self.report(),
                "bounds_us": BOUNDS_US,
                "latency": self.book.rows(),
                "turns": turns,
                "lines": lines,
            }),
        )
    }

    /// Oldest first. With `after`, those that came next after that turn, or the oldest kept when
    /// it has left; without it, the newest.
    fn select(&self, filter: &TurnFilter) -> Vec<Entry<TurnRecord>> {
        let of_persona = |entry: &&Entry<TurnRecord>| {
            filter.persona.as_deref().is_none_or(|id| entry.body.persona.as_str() == id)
        };
        let limit = filter.limit.min(TURNS_MAX);
        if let Some(after) = &filter.after {
            let seen = self.turns.iter().rposition(|e| e.body.turn.to_string() == *after);
            let next = self.turns.iter().skip(seen.map_or(0, |index| index + 1));
            return next.filter(of_persona).take(limit).cloned().collect();
        }
        let mut found: Vec<_> =
            self.turns.iter().rev().filter(of_persona).take(limit).cloned().collect();
        found.reverse();
        found
    }
}

fn queue(name: &str, len: u64, bound: u64, dropped: u64) -> QueueStatus {
    QueueStatus { name: name.to_owned(), len, bound, dropped }
}

fn newest<T>(ring: &VecDeque<T>, count: usize) -> impl Iterator<Item = &T> {
    ring.iter().skip(ring.len().saturating_sub(count))
}

fn keep<T>(ring: &mut VecDeque<T>, entry: T, bound: usize) {
    if ring.len() == bound {
        ring.pop_front();
    }
    ring.push_back(entry);
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
