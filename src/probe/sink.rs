//! The queue, and the thread that writes it out.

use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use serde::Serialize;

use super::class::Probe;
use crate::time::Time;

/// Probes that wait for the disk. A turn makes about a hundred, so this is some forty turns at
/// once; a probe is 100 bytes.
pub const QUEUE_MAX: usize = 4_096;
/// What was written reaches the file this long after it at the latest, and the end is noticed.
const FLUSH_AFTER: Duration = Duration::from_millis(100);
/// How long the end waits for a disk that does not answer.
const END_MAX: Duration = Duration::from_secs(2);

/// A line of the file.
#[derive(Serialize)]
struct Record {
    at_us: Time,
    #[serde(flatten)]
    probe: Probe,
}

/// How a sink does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stats {
    pub waiting: u64,
    pub bound: u64,
    pub written: u64,
    /// Lost because the queue was full.
    pub dropped: u64,
    /// Lines that could not be written, and flushes that failed.
    pub write_errors: u64,
    /// The first of them, in words.
    pub error: Option<String>,
}

#[derive(Default)]
struct Counters {
    waiting: AtomicU64,
    written: AtomicU64,
    dropped: AtomicU64,
    write_errors: AtomicU64,
    error: OnceLock<String>,
    ending: AtomicBool,
}

/// Takes probes without waiting.
pub struct Sink {
    queue: SyncSender<Record>,
    bound: usize,
    counters: Arc<Counters>,
}

/// Ends the writing when it is dropped: what waits is written first, for two seconds at most.
#[must_use = "the sink ends with its guard"]
pub struct Guard {
    counters: Arc<Counters>,
    ended: Receiver<()>,
}

impl Sink {
    /// Starts the thread that writes to `to`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(to: impl Write + Send + 'static, bound: usize) -> io::Result<(Self, Guard)> {
        let (queue, records) = sync_channel(bound);
        let counters = Arc::<Counters>::default();
        let (end, ended) = sync_channel(0);
        let mut writer = Writer { to: BufWriter::new(to), counters: Arc::clone(&counters) };
        thread::Builder::new().name("probes".to_owned()).spawn(move || {
            writer.run(&records);
            drop(end);
        })?;
        let guard = Guard { counters: Arc::clone(&counters), ended };
        Ok((Self { queue, bound, counters }, guard))
    }

    /// Drops and counts the probe when the queue is full.
    pub fn emit(&self, at: Time, probe: Probe) {
        // Before it is sent: the writer must not count it down first.
        self.counters.waiting.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(Record { at_us: at, probe }).is_err() {
            self.counters.waiting.fetch_sub(1, Ordering::Relaxed);
            self.counters.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn stats(&self) -> Stats {
        let Counters { waiting, written, dropped, write_errors, error, .. } = &*self.counters;
        Stats {
            waiting: waiting.load(Ordering::Relaxed),
            bound: self.bound as u64,
            written: written.load(Ordering::Relaxed),
            dropped: dropped.load(Ordering::Relaxed),
            write_errors: write_errors.load(Ordering::Relaxed),
            error: error.get().cloned(),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.counters.ending.store(true, Ordering::Relaxed);
        // Nothing is ever sent: this resolves when the thread is gone.
        if self.ended.recv_timeout(END_MAX) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the last probes could not be written in time");
        }
    }
}

struct Writer<W: Write> {
    to: BufWriter<W>,
    counters: Arc<Counters>,
}

impl<W: Write> Writer<W> {
    fn run(&mut self, records: &Receiver<Record>) {
        let mut dropped = 0;
        loop {
            match records.recv_timeout(FLUSH_AFTER) {
                Ok(record) => {
                    self.counters.waiting.fetch_sub(1, Ordering::Relaxed);
                    let at_us = record.at_us;
                    self.write(&record);
                    let now_dropped = self.counters.dropped.load(Ordering::Relaxed);
                    if now_dropped > dropped {
                        dropped = now_dropped;
                        self.write(&Record { at_us, probe: Probe::Dropped { dropped } });
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.flush();
                    if self.counters.ending.load(Ordering::Relaxed) {
                        return;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return self.flush(),
            }
        }
    }

    fn write(&mut self, record: &Record) {
        let line = serde_json::to_writer(&mut self.to, record).map_err(io::Error::from);
        match line.and_then(|()| self.to.write_all(b"\n")) {
            Ok(()) => {
                self.counters.written.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => self.failed(&error),
        }
    }

    fn flush(&mut self) {
        if let Err(error) = self.to.flush() {
            self.failed(&error);
        }
    }

    fn failed(&self, error: &io::Error) {
        self.counters.write_errors.fetch_add(1, Ordering::Relaxed);
        if self.counters.error.set(error.to_string()).is_ok() {
            tracing::warn!(%error, "the probe file cannot be written; probes are lost");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::{Value, json};

    use super::*;
    use crate::id::{PersonaId, TurnId};

    /// A file in memory.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Page {
        fn lines(&self) -> Vec<Value> {
            let bytes = self.0.lock().expect("no writer panics");
            let text = std::str::from_utf8(&bytes).expect("text");
            text.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
        }
    }

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no writer panics").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A disk that answers only once it is let go.
    struct Stuck(Receiver<()>, Page);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // An end of the other side lets go as well.
            let _ = self.0.recv();
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn reuse(ratio: f32) -> Probe {
        let (turn, persona) = (TurnId(7), PersonaId::new("ada"));
        Probe::KvReuse { turn, persona, prompt_tokens: 40, cached_tokens: 30, ratio }
    }

    #[test]
    fn a_line_is_an_object_whose_numbers_are_numbers() {
        let page = Page::default();
        let (sink, guard) = Sink::start(page.clone(), 8).expect("a thread");
        sink.emit(Time::from_ms(5), reuse(0.75));
        drop(guard);
        let expected = json!({
            "at_us": 5_000, "class": "kv.reuse", "turn": "t7", "persona": "ada",
            "prompt_tokens": 40, "cached_tokens": 30, "ratio": 0.75,
        });
        assert_eq!(page.lines(), [expected]);
        assert_eq!((sink.stats().written, sink.stats().waiting), (1, 0));
    }

    #[test]
    fn a_stuck_disk_costs_probes_and_no_time_and_the_file_says_so() {
        let page = Page::default();
        let (let_go, held) = sync_channel(0);
        let (sink, guard) = Sink::start(Stuck(held, page.clone()), 4).expect("a thread");
        // Far more than the queue and the writer's buffer hold.
        for _ in 0..1_000 {
            sink.emit(Time::ZERO, reuse(1.0));
        }
        let stats = sink.stats();
        assert!(stats.dropped > 0, "{stats:?}");
        // One more may be in the writer's hand.
        assert!(stats.waiting <= stats.bound + 1, "{stats:?}");
        drop(let_go);
        sink.emit(Time::ZERO, reuse(0.5));
        drop(guard);
        let stats = sink.stats();
        assert_eq!(stats.write_errors, 0);
        let lines = page.lines();
        let told = lines.iter().rev().find(|line| line["class"] == "probe.dropped");
        assert!(told.is_some_and(|line| line["dropped"].as_u64() <= Some(stats.dropped)));
        assert_eq!(lines.len() as u64, stats.written);
    }

    #[test]
    fn a_full_disk_is_counted_and_named() {
        let (sink, guard) = Sink::start(Full, 8).expect("a thread");
        sink.emit(Time::ZERO, reuse(1.0));
        drop(guard);
        let stats = sink.stats();
        assert!(stats.write_errors > 0);
        assert!(stats.error.is_some_and(|error| !error.is_empty()));
    }
}
