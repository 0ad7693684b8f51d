//! The thread that writes a tape while a room runs.
//!
//! The room never waits for it: what finds no place in its queue is counted. A plain thread, since
//! a disk may take seconds, and since it must not hold a paused clock.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::header::Header;
use super::record::{Entry, Record};
use super::tap::{Line, Message, Tap};
use super::write::Writer;
use crate::time::{Clock, Time, micros};

/// Twelve voices and as many humans make about 1,800 messages a second; a disk that is stuck for
/// longer than two seconds loses records.
const QUEUE_BOUND: usize = 4_096;
/// What a crash loses at most.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// How a recording does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    On {
        /// Records that found no place in the queue.
        dropped: u64,
    },
    /// It stopped by itself; the room goes on.
    Failed {
        cause: String,
    },
    Ended,
}

/// A recording under way.
pub struct Recorder {
    folder: PathBuf,
    clock: Clock,
    begin: Time,
    line: Arc<Line>,
    queue: SyncSender<Message>,
    state: watch::Receiver<State>,
    thread: JoinHandle<()>,
}

impl Recorder {
    /// Makes the folder and begins; the tape's time 0 is now.
    ///
    /// # Errors
    /// When the folder is there already, or cannot be written.
    pub fn start(folder: &Path, header: &Header, clock: Clock) -> io::Result<Self> {
        Self::with_writer(Writer::create(folder, header)?, folder, clock)
    }

    fn with_writer(writer: Writer, folder: &Path, clock: Clock) -> io::Result<Self> {
        let (queue, inbox) = sync_channel(QUEUE_BOUND);
        let (state_in, state) = watch::channel(State::On { dropped: 0 });
        let dropped = Arc::new(AtomicU64::new(0));
        let begin = clock.now();
        let line = Arc::new(Line::thread(begin, queue.clone(), dropped.clone()));
        let work = Work { writer, state: state_in, dropped, told: 0, last_us: 0 };
        let thread =
            std::thread::Builder::new().name("tape".to_owned()).spawn(move || work.run(&inbox))?;
        Ok(Self { folder: folder.to_owned(), clock, begin, line, queue, state, thread })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where to report.
    pub fn tap(&self) -> Tap {
        Tap::fixed(self.line())
    }

    pub(super) fn line(&self) -> Arc<Line> {
        Arc::clone(&self.line)
    }

    /// Records that found no place so far.
    pub fn dropped(&self) -> u64 {
        self.tap().dropped()
    }

    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Writes what is queued, and ends the tape. Blocks until that is done.
    pub fn finish(self) -> State {
        let at_us = micros(self.clock.now().since(self.begin));
        // A thread that is gone has failed before, and its state says so.
        let _ = self.queue.send(Message::End { at_us });
        if self.thread.join().is_err() {
            return State::Failed { cause: "the recorder's thread ended by a panic".to_owned() };
        }
        self.state.borrow().clone()
    }
}

/// The thread's own.
struct Work {
    writer: Writer,
    state: watch::Sender<State>,
    dropped: Arc<AtomicU64>,
    /// Drops that stand on the tape.
    told: u64,
    last_us: u64,
}

impl Work {
    fn run(mut self, inbox: &Receiver<Message>) {
        let written = self.write(inbox);
        let (state, writer) = (self.state, self.writer);
        let end = match written.and_then(|()| writer.finish()) {
            Ok(()) => State::Ended,
            Err(error) => {
                let cause = format!("the tape could not be written: {error}");
                tracing::error!(cause, "the recording stopped; the room goes on");
                State::Failed { cause }
            }
        };
        state.send_replace(end);
    }

    fn write(&mut self, inbox: &Receiver<Message>) -> io::Result<()> {
        let mut flush_at = Instant::now() + FLUSH_EVERY;
        loop {
            match inbox.recv_timeout(flush_at.saturating_duration_since(Instant::now())) {
                Ok(Message::Entry(entry)) => {
                    self.last_us = self.last_us.max(entry.at_us);
                    self.writer.entry(&entry)?;
                }
                Ok(Message::Medium(medium)) => self.writer.medium(&medium)?,
                #[cfg(feature = "sound-files")]
                Ok(Message::Sound(sound)) => self.writer.sound(&sound)?,
                Ok(Message::End { at_us }) => {
                    self.tell_dropped()?;
                    return self.writer.entry(&Entry { at_us, record: Record::End });
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if flush_at <= Instant::now() {
                self.tell_dropped()?;
                self.writer.flush()?;
                flush_at = Instant::now() + FLUSH_EVERY;
            }
        }
    }

    fn tell_dropped(&mut self) -> io::Result<()> {
        let dropped = self.dropped.load(Ordering::Relaxed);
        if dropped > self.told {
            let records = dropped - self.told;
            self.told = dropped;
            self.state.send_replace(State::On { dropped });
            tracing::warn!(records, "the recorder was behind; records are missing on the tape");
            let record = Record::Dropped { records };
            self.writer.entry(&Entry { at_us: self.last_us, record })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
