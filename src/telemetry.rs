//! OpenTelemetry: settled turns go to an OTLP receiver (http/protobuf) as traces and metrics under
//! LiveKit's names.
//!
//! A turn is handed over without waiting: a bounded queue leads to a thread that makes spans
//! (`spans`) and histograms (`meters`) of it, writes them as protobuf (`proto`) and posts them. A
//! receiver that is down or slow costs its turns, which are counted, and nothing else.
//!
//! Like the log, the exporter is one for the process. It is ours and small because the usual crates
//! bring an HTTP client and a second set of protobuf types for four kinds of message.

use std::fmt;
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::latency::{Anchors, TurnRecord};
use crate::time::Time;

mod exporter;
mod meters;
mod proto;
mod spans;

pub use exporter::{Exporter, Guard, QUEUE_MAX, Stats};

/// Where turns go.
#[derive(Clone, PartialEq, Eq)]
pub struct Options {
    /// `http://…` or `https://…`, without `/v1/traces`.
    pub endpoint: String,
    /// Sent along with everything; they may hold a key, so they are never shown.
    pub headers: Vec<(String, String)>,
    /// The resource's `service.name`.
    pub service: String,
    /// The LiveKit room, as the resource's `lk.room_name`.
    pub room: String,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("service", &self.service).finish_non_exhaustive()
    }
}

/// A settled turn on its way out.
#[derive(Clone, Debug)]
pub struct Turn {
    pub record: TurnRecord,
    pub anchors: Anchors,
    /// When it was settled, by the host's clock,
    pub ended: Time,
    /// and the same moment by the wall clock.
    pub wall: SystemTime,
}

static EXPORTER: OnceLock<Exporter> = OnceLock::new();

/// Starts the process's exporter. The guard's end sends what waits; keep it until the host has
/// ended. A second call changes nothing.
///
/// # Errors
/// When the system gives no thread.
pub fn install(options: Options) -> std::io::Result<Guard> {
    let (exporter, guard) = Exporter::start(options)?;
    let _ = EXPORTER.set(exporter);
    Ok(guard)
}

/// Hands a settled turn over. Never waits.
pub fn turn(record: &TurnRecord, anchors: &Anchors, now: Time) {
    if let Some(exporter) = EXPORTER.get() {
        let (record, anchors) = (record.clone(), anchors.clone());
        exporter.turn(Turn { record, anchors, ended: now, wall: SystemTime::now() });
    }
}

/// The exporter's counters; none when there is no exporter.
pub fn stats() -> Option<Stats> {
    EXPORTER.get().map(Exporter::stats)
}
