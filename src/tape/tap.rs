//! Where the host and the seams report what happens.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::record::{Entry, Record};
use super::recorder::Recorder;
use crate::llm::Medium;
use crate::time::{Time, micros};

/// Effects of one replay: hours of the liveliest room.
const MEMORY_ENTRIES_MAX: usize = 4_000_000;

/// A place to report to. It never waits, and an idle one costs a look at whether it is.
#[derive(Clone, Default)]
pub struct Tap(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    Off,
    /// To one place, always.
    Fixed(Arc<Line>),
    /// To a tape now and then, see [`Switch`].
    Switched(watch::Receiver<Option<Arc<Line>>>),
}

/// Sends what is reported to one tape after another. All its taps follow at once.
pub struct Switch(watch::Sender<Option<Arc<Line>>>);

/// Where the reports of one recording go.
pub(super) struct Line {
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
    Entry(Box<Entry>),
    Medium(Medium),
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
        Self::default()
    }

    /// Keeps the effects, to be taken by [`Self::take`].
    pub fn memory(begin: Time) -> Self {
        let sink = Sink::Memory(Mutex::default());
        Self::fixed(Arc::new(Line::new(begin, sink, Arc::default())))
    }

    pub(super) fn fixed(line: Arc<Line>) -> Self {
        Self(Source::Fixed(line))
    }

    /// Nobody will ever listen.
    pub(super) fn is_off(&self) -> bool {
        matches!(self.0, Source::Off)
    }

    /// Somebody keeps, or may one day keep, what the room is told as well, not only what comes of
    /// it.
    pub(super) fn keeps_everything(&self) -> bool {
        match &self.0 {
            Source::Off => false,
            Source::Fixed(line) => line.is_tape(),
            Source::Switched(_) => true,
        }
    }

    /// The recording that is under way.
    pub(super) fn tape(&self) -> Option<Arc<Line>> {
        self.listener().filter(|line| line.is_tape())
    }

    fn listener(&self) -> Option<Arc<Line>> {
        match &self.0 {
            Source::Off => None,
            Source::Fixed(line) => Some(Arc::clone(line)),
            Source::Switched(line) => line.borrow().clone(),
        }
    }

    /// Reports what the room is told; made only when a tape is written. `record` is given the line,
    /// for times within it.
    pub(super) fn told(&self, at: Time, record: impl FnOnce(&Line) -> Record) {
        if let Some(line) = self.tape() {
            let record = record(&line);
            line.record(at, || record);
        }
    }

    /// Reports what came of it; made only when somebody listens.
    pub fn record(&self, at: Time, record: impl FnOnce() -> Record) {
        if let Some(line) = self.listener() {
            line.record(at, record);
        }
    }

    /// Keeps a picture or a sound for a record that names it. False: it found no place.
    pub(super) fn keep(&self, medium: Medium) -> bool {
        let Some(line) = self.listener() else { return true };
        match &line.sink {
            Sink::Thread(queue) => line.queue(queue, Message::Medium(medium)),
            Sink::Memory(_) => true,
        }
    }

    /// `end` is when the last of the samples was in the room.
    #[cfg(feature = "sound-files")]
    pub(super) fn sound(&self, who: &str, end: Time, rate_hz: u32, samples: &[i16]) {
        let Some(line) = self.listener() else { return };
        if let Sink::Thread(queue) = &line.sink {
            let (who, samples) = (who.to_owned(), samples.to_vec());
            let sound = Sound { who, rate_hz, end_us: line.us(end), samples };
            line.queue(queue, Message::Sound(sound));
        }
    }

    /// A build without the codec keeps no sound.
    #[cfg(not(feature = "sound-files"))]
    pub(super) fn sound(&self, _: &str, _: Time, _: u32, _: &[i16]) {}

    /// The effects that memory kept.
    pub fn take(&self) -> Vec<Entry> {
        let Some(line) = self.listener() else { return Vec::new() };
        let Sink::Memory(kept) = &line.sink else { return Vec::new() };
        std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many effects memory keeps.
    pub fn kept(&self) -> usize {
        let Some(line) = self.listener() else { return 0 };
        let Sink::Memory(kept) = &line.sink else { return 0 };
        kept.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// What found no place, in all.
    pub fn dropped(&self) -> u64 {
        self.listener().map_or(0, |line| line.dropped.load(Ordering::Relaxed))
    }
}

impl Default for Switch {
    /// Nobody listens at first.
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Switch {
    /// A place to report to, now and whenever a tape is written.
    pub fn tap(&self) -> Tap {
        Tap(Source::Switched(self.0.subscribe()))
    }

    /// What is reported from now on goes onto this tape.
    pub fn onto(&self, recorder: &Recorder) {
        self.0.send_replace(Some(recorder.line()));
    }

    /// What is reported from now on goes nowhere.
    pub fn off(&self) {
        self.0.send_replace(None);
    }
}

impl Line {
    pub(super) fn thread(begin: Time, queue: SyncSender<Message>, dropped: Arc<AtomicU64>) -> Self {
        Self::new(begin, Sink::Thread(queue), dropped)
    }

    fn new(begin: Time, sink: Sink, dropped: Arc<AtomicU64>) -> Self {
        Self { begin, sink, dropped, requests: AtomicU64::new(0) }
    }

    fn is_tape(&self) -> bool {
        matches!(self.sink, Sink::Thread(_))
    }

    /// The host's time at the tape's begin.
    pub(super) fn begin(&self) -> Time {
        self.begin
    }

    /// A number for a request to an engine.
    pub(super) fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn record(&self, at: Time, record: impl FnOnce() -> Record) {
        self.entry(Entry { at_us: self.us(at), record: record() });
    }

    /// A time as the tape counts it.
    pub(super) fn us(&self, at: Time) -> u64 {
        micros(at.since(self.begin))
    }

    fn entry(&self, entry: Entry) {
        match &self.sink {
            Sink::Thread(queue) => {
                self.queue(queue, Message::Entry(Box::new(entry)));
            }
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

    /// False: there is no place.
    fn queue(&self, queue: &SyncSender<Message>, message: Message) -> bool {
        // A recorder that is gone has said why.
        let full = matches!(queue.try_send(message), Err(TrySendError::Full(_)));
        self.dropped.fetch_add(u64::from(full), Ordering::Relaxed);
        !full
    }
}
