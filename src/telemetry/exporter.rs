//! The queue, and the thread that posts.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use super::meters::Meters;
use super::proto::{Attribute, Value};
use super::spans::{self, Span, Spans};
use super::{Options, Turn};

/// Settled turns that wait while a request is under way: twelve personas settle twelve for each
/// line, so this is some forty lines, more than are said within [`POST_MAX`]. When it is full the
/// turn is dropped and counted.
pub const QUEUE_MAX: usize = 512;
/// Turns of one request; so many are posted at once, fewer when [`EVERY`] is over.
const BATCH_MAX: usize = 128;
/// OpenTelemetry's own default for spans.
const EVERY: Duration = Duration::from_secs(5);
/// OpenTelemetry's own default for one request.
const POST_MAX: Duration = Duration::from_secs(10);
/// How soon the end is noticed.
const NOTICE: Duration = Duration::from_millis(100);
/// How long the end waits for a receiver that does not answer.
const END_MAX: Duration = Duration::from_secs(3);

/// How an exporter does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Turns that wait.
    pub waiting: u64,
    pub bound: u64,
    /// Turns that the receiver took.
    pub sent: u64,
    /// Turns lost: the queue was full, or their request failed.
    pub dropped: u64,
    /// Why the last request failed; none when it did not.
    pub error: Option<String>,
}

#[derive(Default)]
struct Counters {
    waiting: AtomicU64,
    sent: AtomicU64,
    dropped: AtomicU64,
    error: Mutex<Option<String>>,
    ending: AtomicBool,
}

/// Takes turns without waiting.
pub struct Exporter {
    queue: SyncSender<Turn>,
    counters: Arc<Counters>,
}

/// Ends the exporter when it is dropped: what waits is sent first, for three seconds at most.
#[must_use = "the exporter ends with its guard"]
pub struct Guard {
    counters: Arc<Counters>,
    ended: Receiver<()>,
}

impl Exporter {
    /// Starts the thread that posts.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(options: Options) -> io::Result<(Self, Guard)> {
        let (queue, turns) = sync_channel(QUEUE_MAX);
        let counters = Arc::<Counters>::default();
        let (end, ended) = sync_channel(0);
        let mut worker = Worker::new(options, Arc::clone(&counters));
        thread::Builder::new().name("otlp".to_owned()).spawn(move || {
            worker.run(&turns);
            drop(end);
        })?;
        let guard = Guard { counters: Arc::clone(&counters), ended };
        Ok((Self { queue, counters }, guard))
    }

    /// Drops and counts the turn when the queue is full.
    pub fn turn(&self, turn: Turn) {
        // Before it is sent: the thread must not count it down first.
        self.counters.waiting.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(turn).is_err() {
            self.counters.waiting.fetch_sub(1, Ordering::Relaxed);
            self.counters.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn stats(&self) -> Stats {
        let Counters { waiting, sent, dropped, error, .. } = &*self.counters;
        Stats {
            waiting: waiting.load(Ordering::Relaxed),
            bound: QUEUE_MAX as u64,
            sent: sent.load(Ordering::Relaxed),
            dropped: dropped.load(Ordering::Relaxed),
            error: error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.counters.ending.store(true, Ordering::Relaxed);
        // Nothing is ever sent: this resolves when the thread is gone.
        if self.ended.recv_timeout(END_MAX) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the last turns could not be exported in time");
        }
    }
}

struct Worker {
    agent: Agent,
    options: Options,
    resource: Vec<Attribute>,
    counters: Arc<Counters>,
    spans: Spans,
    meters: Meters,
    /// Made since the last request, of so many turns.
    fresh: Vec<Span>,
    turns: usize,
}

impl Worker {
    fn new(options: Options, counters: Arc<Counters>) -> Self {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .user_agent(concat!("troupe/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(POST_MAX))
            .build()
            .new_agent();
        let resource = vec![
            ("service.name", Value::Text(options.service.clone())),
            ("service.version", Value::Text(env!("CARGO_PKG_VERSION").to_owned())),
            ("lk.room_name", Value::Text(options.room.clone())),
        ];
        let (spans, meters) = (Spans::new(), Meters::new());
        Self { agent, options, resource, counters, spans, meters, fresh: Vec::new(), turns: 0 }
    }

    fn run(&mut self, turns: &Receiver<Turn>) {
        let mut due = Instant::now() + EVERY;
        loop {
            let ended = match turns.recv_timeout(NOTICE) {
                Ok(turn) => {
                    self.take(&turn);
                    false
                }
                Err(RecvTimeoutError::Timeout) => self.counters.ending.load(Ordering::Relaxed),
                Err(RecvTimeoutError::Disconnected) => true,
            };
            if ended || self.turns >= BATCH_MAX || Instant::now() >= due {
                self.export();
                due = Instant::now() + EVERY;
            }
            if ended {
                return;
            }
        }
    }

    fn take(&mut self, turn: &Turn) {
        self.counters.waiting.fetch_sub(1, Ordering::Relaxed);
        self.meters.add(&turn.record);
        self.fresh.extend(self.spans.of(turn));
        self.turns += 1;
    }

    /// Nothing is tried again: traces are lost and counted, and metrics are sums that come whole
    /// with the next request.
    fn export(&mut self) {
        if self.turns == 0 {
            return;
        }
        let spans = spans::encode(&self.resource, &self.fresh);
        let metrics = self.meters.encode(&self.resource);
        let turns = std::mem::take(&mut self.turns) as u64;
        self.fresh.clear();
        let posted = self.post("/v1/traces", &spans);
        let counter = if posted.is_ok() { &self.counters.sent } else { &self.counters.dropped };
        counter.fetch_add(turns, Ordering::Relaxed);
        self.tell(posted.and_then(|()| self.post("/v1/metrics", &metrics)).err());
    }

    fn post(&self, path: &str, body: &[u8]) -> Result<(), String> {
        let url = format!("{}{path}", self.options.endpoint.trim_end_matches('/'));
        let mut request = self.agent.post(url).content_type("application/x-protobuf");
        for (name, value) in &self.options.headers {
            request = request.header(name, value);
        }
        match request.send(body) {
            Ok(_) => Ok(()),
            Err(ureq::Error::StatusCode(status)) => Err(format!("it answered {status}")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Logs when it changes, not every five seconds.
    fn tell(&self, error: Option<String>) {
        let mut last = self.counters.error.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*last, &error) {
            (None, Some(cause)) => {
                tracing::warn!(cause, "the OTLP receiver takes no turns; check its endpoint");
            }
            (Some(_), None) => tracing::info!("the OTLP receiver takes turns again"),
            _ => {}
        }
        *last = error;
    }
}
