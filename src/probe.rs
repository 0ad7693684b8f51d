//! Typed measuring points: what happens inside a turn, one JSON object a line, when asked for.
//!
//! Code says [`probe!`](crate::probe!), [`time_sync!`](crate::time_sync!) or
//! [`time_probe!`](crate::time_probe!) where something happens. Off, that is one relaxed load of an
//! atomic, and nothing of the probe is evaluated. On, the probe goes into a bounded queue whose
//! other end a thread writes to the file; when the queue is full the probe is dropped and counted,
//! so a slow disk never slows a turn.
//!
//! Like the log, the sink is one for the process: a measuring point that had to be handed around
//! would not be put where it is wanted.

use std::fs::File;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::time::{Clock, Time, micros};

mod class;
mod document;
mod json;
mod select;
mod sink;

pub use class::{Class, Probe};
pub use document::document;
pub use json::{Field, JsonType};
pub use select::{Selection, UnknownClass};
pub use sink::{Guard, QUEUE_MAX, Sink, Stats};

/// Where probes go, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Created, or overwritten.
    pub file: PathBuf,
    pub classes: Selection,
}

/// The file cannot be written: one sentence with the mend.
#[derive(Debug, thiserror::Error)]
#[error(
    "the probe file {} cannot be written ({cause}); choose another TROUPE_PROBE_FILE",
    file.display()
)]
pub struct OpenError {
    file: PathBuf,
    cause: std::io::Error,
}

/// A bit for each class that is on.
static ON: AtomicU64 = AtomicU64::new(0);
static SINK: OnceLock<Sink> = OnceLock::new();
/// Of the room that runs, whose times all records have.
static CLOCK: OnceLock<Clock> = OnceLock::new();

/// Opens the process's sink. The guard's end flushes it; keep it until the host has ended. A second
/// call changes nothing.
///
/// # Errors
/// When the file cannot be created.
pub fn install(options: &Options) -> Result<Guard, OpenError> {
    let fail = |cause| OpenError { file: options.file.clone(), cause };
    let file = File::create(&options.file).map_err(fail)?;
    let (sink, guard) = Sink::start(file, QUEUE_MAX).map_err(fail)?;
    let started_unix_ms = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| micros(since) / 1_000);
    sink.emit(now(), Probe::Open { version: env!("CARGO_PKG_VERSION"), started_unix_ms });
    if SINK.set(sink).is_ok() {
        ON.store(options.classes.bits(), Ordering::Relaxed);
    }
    Ok(guard)
}

/// Takes the times of records from the host's clock from now on; the first host of a process wins.
pub fn follow(clock: Clock) {
    let _ = CLOCK.set(clock);
}

/// This moment, by the host's clock; before there is a host, the start.
pub fn now() -> Time {
    CLOCK.get().map_or(Time::ZERO, Clock::now)
}

/// Whether somebody wants this class.
#[inline]
pub fn on(class: Class) -> bool {
    ON.load(Ordering::Relaxed) & class.bit() != 0
}

/// A stopwatch when the class is on.
#[inline]
pub fn begin(class: Class) -> Option<Clock> {
    on(class).then(Clock::start)
}

/// What a stopwatch shows, in microseconds.
pub fn took_us(begun: Clock) -> u64 {
    begun.now().as_us()
}

/// Hands a probe to the sink; drops and counts it when the queue is full. Never waits.
pub fn emit(at: Time, probe: Probe) {
    if let Some(sink) = SINK.get() {
        sink.emit(at, probe);
    }
}

/// The sink's counters; none when there is no sink.
pub fn stats() -> Option<Stats> {
    SINK.get().map(Sink::stats)
}

/// `probe!(FloorStop { turn, fade_us: 20_000 })`: this happened; `probe!(at time, FloorStop { … })`
/// when it happened earlier. The fields are evaluated only when the class is on.
#[macro_export]
macro_rules! probe {
    (at $at:expr, $Probe:ident { $($fields:tt)* }) => {
        if $crate::probe::on($crate::probe::Class::$Probe) {
            $crate::probe::emit($at, $crate::probe::Probe::$Probe { $($fields)* });
        }
    };
    ($Probe:ident { $($fields:tt)* }) => {
        $crate::probe!(at $crate::probe::now(), $Probe { $($fields)* })
    };
}

/// `time_sync!("turn.core", work())` is `work()`, and tells how long it took as a `timing` probe.
/// For work without an await: one that waits is measured with everything that ran meanwhile.
#[macro_export]
macro_rules! time_sync {
    ($what:literal, $work:expr) => {
        $crate::probe::time_probe!(Timing, $work, |took_us, _done| { what: $what, took_us })
    };
}

/// `time_probe!(TtsClause, work(), |took_us, done| { took_us, chars: done.len() as u64 })` is
/// `work()`, and gives a probe of that class with the fields made of how long it took and of what
/// came of it.
#[macro_export]
macro_rules! time_probe {
    ($Probe:ident, $work:expr, |$took_us:ident, $done:ident| { $($fields:tt)* }) => {{
        let begun = $crate::probe::begin($crate::probe::Class::$Probe);
        let $done = $work;
        if let Some(begun) = begun {
            let $took_us = $crate::probe::took_us(begun);
            $crate::probe::emit(
                $crate::probe::now(),
                $crate::probe::Probe::$Probe { $($fields)* },
            );
        }
        $done
    }};
}

pub use {time_probe, time_sync};
