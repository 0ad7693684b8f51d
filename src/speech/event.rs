//! What a speech tells the host.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::id::TurnId;
use crate::llm::guard::Cuts;
use crate::time::{Clock, Time};
use crate::turn::SpeechEnd;

/// A speech has begun to sound, or is over: all that its host must know at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub turn: TurnId,
    pub at: Time,
    pub what: What,
    /// What led there, in order, as far as no event before told it.
    pub steps: Vec<(Time, Step)>,
}

/// [`What::Published`] once at most; [`What::Ended`] exactly once and last.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The first voiced sample is handed to the transport.
    Published,
    Ended(Ended),
}

impl What {
    /// The most events that one speech sends.
    pub const COUNT: usize = 2;
}

/// The anchors of a turn's latency, each once at most.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The engine took the request from its queue.
    Started,
    /// The prompt is in the seat.
    Prefilled { prompt_tokens: u32, cached_tokens: u32 },
    /// The same of an engine that tells it in the end: no anchor.
    Counted { prompt_tokens: u32, cached_tokens: u32 },
    /// The first text came.
    FirstText,
    /// The first speakable clause is complete.
    FirstClause,
    /// Its sound is there.
    FirstAudio,
}

impl Step {
    /// The most steps that one speech takes.
    const COUNT: usize = 6;
}

/// What came of a speech.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// The words that were played to their end: a prefix of `said`.
    pub heard: String,
    /// All text that the model gave for speaking, as far as it came.
    pub said: String,
    pub end: SpeechEnd,
    /// Unknown when the generation was cut short.
    pub completion_tokens: Option<u32>,
    /// First text → end of the generation. Unknown when it was cut short or gave no text.
    pub decode: Option<Duration>,
    /// Sentences that were left out.
    pub cuts: Cuts,
}

impl Ended {
    /// Of a speech that ended by a fault: nobody knows what was heard of it.
    pub(super) fn broken() -> Self {
        let reason = "the speech broke off by a fault of the program".to_owned();
        Self {
            heard: String::new(),
            said: String::new(),
            end: SpeechEnd::Failed { reason },
            completion_tokens: None,
            decode: None,
            cuts: Cuts::default(),
        }
    }
}

/// Sends one speech's events.
#[derive(Debug)]
pub(super) struct Reporter {
    turn: TurnId,
    pub(super) clock: Clock,
    /// They wait for the next event: each would wake the host for nothing that it has to do.
    steps: Mutex<Vec<(Time, Step)>>,
    events: mpsc::Sender<Event>,
}

impl Reporter {
    pub(super) fn new(turn: TurnId, clock: Clock, events: mpsc::Sender<Event>) -> Self {
        Self { turn, clock, steps: Mutex::new(Vec::with_capacity(Step::COUNT)), events }
    }

    /// Keeps what happens now for the next event.
    pub(super) fn step(&self, step: Step) {
        self.step_at(self.clock.now(), step);
    }

    pub(super) fn step_at(&self, at: Time, step: Step) {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).push((at, step));
    }

    /// Reports what happens now.
    pub(super) async fn report(&self, what: What) {
        self.report_at(self.clock.now(), what).await;
    }

    /// Waits for a place. A host that is gone needs no event.
    pub(super) async fn report_at(&self, at: Time, what: What) {
        if let Ok(place) = self.events.reserve().await {
            place.send(self.event(at, what));
        }
    }

    /// Does not wait: gives the event back when there is no place.
    pub(super) fn try_report(&self, at: Time, what: What) -> Result<(), What> {
        match self.events.try_reserve() {
            Ok(place) => place.send(self.event(at, what)),
            Err(TrySendError::Full(())) => return Err(what),
            Err(TrySendError::Closed(())) => {}
        }
        Ok(())
    }

    fn event(&self, at: Time, what: What) -> Event {
        let steps = std::mem::take(&mut *self.steps.lock().unwrap_or_else(PoisonError::into_inner));
        Event { turn: self.turn, at, what, steps }
    }
}
