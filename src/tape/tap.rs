//! Where the host and the seams report what happens.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};

use super::record::{Entry, Record};
use crate::time::{Time, micros};

/// Effects of one replay: hours of the liveliest room.
const MEMORY_ENTRIES_MAX: usize = 4_000_000;

/// A place to report to. It never waits, and an idle one costs a look at an option.
#[derive(Clone, Default)]
pub struct Tap(Option<Arc<Line>>);

struct Line {
    /// The host's time at the tape's begin.
    begin: Time,
    sink: Sink,
    /// What found no place.
    dropped: Arc<AtomicU64>,
    requests: AtomicU64,
}

enum Sink {
    /// To the recorder's thread.
    Thread(SyncSender<Message>),
    /// Effects only.
    Memory(Mutex<Vec<Entry>>),
}

/// What goes to the recorder's thread.
pub(super) enum Message {
    Entry(Entry),
    #[cfg(feature = "sound-files")]
    Sound(Sound),
    End {
        at_us: u64,
    },
}

/// A stretch of one participant's sound, mono.
#[cfg(feature = "sound-files")]
pub(super) struct Sound {
    pub(super) who: String,
    pub(super) rate_hz: u32,
    /// When its last sample was in the room.
    pub(super) end_us: u64,
    pub(super) samples: Vec<i16>,
}

impl Tap {
    /// Nobody listens.
    pub fn off() -> Self {
        Self(None)
    }

    /// Keeps the effects, to be taken by [`Self::take`].
    pub fn memory(begin: Time) -> Self {
        Self::onto(begin, Sink::Memory(Mutex::default()), Arc::default())
    }

    pub(super) fn thread(begin: Time, queue: SyncSender<Message>, dropped: Arc<AtomicU64>) -> Self {
        Self::onto(begin, Sink::Thread(queue), dropped)
    }

    fn onto(begin: Time, sink: Sink, dropped: Arc<AtomicU64>) -> Self {
        Self(Some(Arc::new(Line { begin, sink, dropped, requests: AtomicU64::new(0) })))
    }

    pub(super) fn is_off(&self) -> bool {
        self.0.is_none()
    }

    /// Somebody keeps what the room is told as well, not only what comes of it.
    pub(super) fn keeps_everything(&self) -> bool {
        self.0.as_ref().is_some_and(|line| matches!(line.sink, Sink::Thread(_)))
    }

    /// Reports what the room is told; made only when a tape is written.
    pub(super) fn told(&self, at: Time, record: impl FnOnce() -> Record) {
        if self.keeps_everything() {
            self.record(at, record);
        }
    }

    /// Reports what came of it; made only when somebody listens.
    pub fn record(&self, at: Time, record: impl FnOnce() -> Record) {
        let Some(line) = &self.0 else { return };
        line.entry(Entry { at_us: line.us(at), record: record() });
    }

    /// `end` is when the last of the samples was in the room.
    #[cfg(feature = "sound-files")]
    pub(super) fn sound(&self, who: &str, end: Time, rate_hz: u32, samples: &[i16]) {
        let Some(line) = &self.0 else { return };
        if let Sink::Thread(queue) = &line.sink {
            let (who, samples) = (who.to_owned(), samples.to_vec());
            let sound = Sound { who, rate_hz, end_us: line.us(end), samples };
            line.queue(queue, Message::Sound(sound));
        }
    }

    /// A build without the codec keeps no sound.
    #[cfg(not(feature = "sound-files"))]
    pub(super) fn sound(&self, _: &str, _: Time, _: u32, _: &[i16]) {}

    /// A time as the tape counts it.
    pub(super) fn us(&self, at: Time) -> u64 {
        self.0.as_ref().map_or(at.as_us(), |line| line.us(at))
    }

    /// A number for a request to an engine.
    pub(super) fn next_request(&self) -> u64 {
        self.0.as_ref().map_or(0, |line| line.requests.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The effects that memory kept.
    pub fn take(&self) -> Vec<Entry> {
        match self.0.as_ref().map(|line| &line.sink) {
            Some(Sink::Memory(kept)) => {
                std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner))
            }
            _ => Vec::new(),
        }
    }

    /// How many effects memory keeps.
    pub fn kept(&self) -> usize {
        match self.0.as_ref().map(|line| &line.sink) {
            Some(Sink::Memory(kept)) => kept.lock().unwrap_or_else(PoisonError::into_inner).len(),
            _ => 0,
        }
    }

    /// What found no place, in all.
    pub fn dropped(&self) -> u64 {
        self.0.as_ref().map_or(0, |line| line.dropped.load(Ordering::Relaxed))
    }
}

impl Line {
    fn us(&self, at: Time) -> u64 {
        micros(at.since(self.begin))
    }

    fn entry(&self, entry: Entry) {
        match &self.sink {
            Sink::Thread(queue) => self.queue(queue, Message::Entry(entry)),
            Sink::Memory(kept) if entry.record.is_effect() => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() < MEMORY_ENTRIES_MAX {
                    kept.push(entry);
                } else {
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
            Sink::Memory(_) => {}
        }
    }

    fn queue(&self, queue: &SyncSender<Message>, message: Message) {
        // A recorder that is gone has said why.
        if let Err(TrySendError::Full(_)) = queue.try_send(message) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}
