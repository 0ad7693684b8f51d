//! The task between hearing and turn-taking: it owns the queue and takes one utterance at a time
//! through the recogniser and the hallucination gate.
//!
//! Every utterance that it takes comes out as one [`Heard`] (or as part of one), whatever happens
//! to the recogniser on the way.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::gate::{self, Evidence, Verdict};
use super::queue::{self, Queue, Waiting};
use super::{Recogniser, RecogniserError, Recognition, Utterance};
use crate::id::UtteranceId;
use crate::time::{Clock, Time, micros};

/// Utterances on their way to the queue. It is emptied while the recogniser works, so it fills
/// only when the queue can join nothing more.
const INTAKE_CAPACITY: usize = 16;
/// Results on their way to the host. While it is full, the recogniser rests.
const OUTPUT_CAPACITY: usize = 16;
/// A clip that kills the recogniser this often after its first try is given up.
const RETRIES_MAX: u64 = 3;

/// What became of an utterance.
#[derive(Clone, Debug)]
pub struct Heard {
    /// With its clip; of joined utterances the whole.
    pub utterance: Utterance,
    /// The utterances that were joined to it, in order.
    pub merged: Vec<UtteranceId>,
    /// The text, tidy and never empty, or why there is none.
    pub text: Result<String, Unheard>,
    /// When the recogniser took it up.
    pub begun: Time,
    /// When the text was there.
    pub done: Time,
}

impl Heard {
    /// How long the recogniser took, with all its tries.
    pub fn took(&self) -> Duration {
        self.done.since(self.begun)
    }
}

/// Why an utterance has no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unheard {
    #[error("{}", .0.as_str())]
    Gated(gate::Reason),
    #[error("{0}")]
    Failed(String),
}

/// Counted since the start; for the admin page and `/metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    /// Clips that wait now, and the most that ever did.
    pub waiting: usize,
    pub waiting_max: usize,
    /// Utterances that were joined to another.
    pub merged: u64,
    /// Utterances that were turned away because nothing could be joined any more.
    pub overflowed: u64,
    pub heard: u64,
    /// Texts that the hallucination gate dropped.
    pub gated: u64,
    /// Utterances that were given up.
    pub failed: u64,
    /// Further tries after the recogniser died.
    pub retried: u64,
    /// The longest wait in the queue, and the longest recognition.
    pub waited_us_max: u64,
    pub took_us_max: u64,
}

/// Where utterances go in.
#[derive(Clone, Debug)]
pub struct Intake {
    utterances: mpsc::Sender<Utterance>,
    stats: watch::Sender<Stats>,
}

impl Intake {
    /// Hands an utterance over without waiting.
    ///
    /// # Errors
    /// Gives it back when the recogniser is minutes behind (it is counted), or is no more.
    pub fn offer(&self, utterance: Utterance) -> Result<(), Box<Utterance>> {
        self.utterances.try_send(utterance).map_err(|refused| {
            self.stats.send_modify(|stats| stats.overflowed += 1);
            Box::new(refused.into_inner())
        })
    }
}

type Recognising = Pin<Box<dyn Future<Output = Heard> + Send>>;

/// Run it as a task.
pub struct Service {
    recogniser: Arc<dyn Recogniser>,
    clock: Clock,
    queue: Queue,
    intake: mpsc::Receiver<Utterance>,
    /// Did not fit into the queue, which is full until the recogniser takes the next.
    held: Option<Box<Utterance>>,
    in_hand: Option<Recognising>,
    finished: Option<Heard>,
    output: mpsc::Sender<Heard>,
    stats: watch::Sender<Stats>,
}

impl Service {
    /// The task, and where it takes utterances from and puts results.
    pub fn new(
        recogniser: Arc<dyn Recogniser>,
        options: queue::Options,
        clock: Clock,
    ) -> (Self, Intake, mpsc::Receiver<Heard>) {
        let (utterances, intake) = mpsc::channel(INTAKE_CAPACITY);
        let (output, heard) = mpsc::channel(OUTPUT_CAPACITY);
        let stats = watch::Sender::default();
        let service = Self {
            recogniser,
            clock,
            queue: Queue::new(options),
            intake,
            held: None,
            in_hand: None,
            finished: None,
            output,
            stats: stats.clone(),
        };
        (service, Intake { utterances, stats }, heard)
    }

    /// The counters, now and whenever they change.
    pub fn stats(&self) -> watch::Receiver<Stats> {
        self.stats.subscribe()
    }

    /// Ends when cancelled, when nobody takes results any more, or when the intake is closed and
    /// everything is recognised.
    pub async fn run(mut self, cancel: CancellationToken) {
        let output = self.output.clone();
        let mut open = true;
        loop {
            self.begin_next();
            if !open && self.in_hand.is_none() && self.finished.is_none() {
                break;
            }
            tokio::select! {
                // In this order, so that the same sounds on a virtual clock give the same lines.
                biased;
                () = cancel.cancelled() => break,
                place = output.reserve(), if self.finished.is_some() => {
                    let (Ok(place), Some(heard)) = (place, self.finished.take()) else { break };
                    place.send(heard);
                },
                utterance = self.intake.recv(), if open && self.held.is_none() => match utterance {
                    Some(utterance) => self.take(utterance),
                    None => open = false,
                },
                heard = recognised(&mut self.in_hand), if self.in_hand.is_some() => {
                    self.in_hand = None;
                    self.count(&heard);
                    self.finished = Some(heard);
                },
            }
        }
    }

    fn take(&mut self, utterance: Utterance) {
        self.held = self.queue.push(self.clock.now(), utterance).err();
        self.publish_queue();
    }

    fn begin_next(&mut self) {
        if self.in_hand.is_some() || self.finished.is_some() {
            return;
        }
        let now = self.clock.now();
        let Some(next) = self.queue.pop(now) else { return };
        if let Some(held) = self.held.take() {
            self.take(*held);
        }
        self.publish_queue();
        let recogniser = Arc::clone(&self.recogniser);
        self.in_hand = Some(Box::pin(recognise(recogniser, self.clock, self.stats.clone(), next)));
    }

    fn publish_queue(&self) {
        let counters = self.queue.counters();
        self.stats.send_modify(|stats| {
            stats.waiting = self.queue.len() + usize::from(self.held.is_some());
            stats.waiting_max = counters.length_max;
            stats.merged = counters.merged;
            stats.waited_us_max = micros(counters.waited_max);
        });
    }

    fn count(&self, heard: &Heard) {
        self.stats.send_modify(|stats| {
            stats.took_us_max = stats.took_us_max.max(micros(heard.took()));
            match heard.text {
                Ok(_) => stats.heard += 1,
                Err(Unheard::Gated(_)) => stats.gated += 1,
                Err(Unheard::Failed(_)) => stats.failed += 1,
            }
        });
    }
}

async fn recognised(in_hand: &mut Option<Recognising>) -> Heard {
    match in_hand {
        Some(recognising) => recognising.await,
        None => std::future::pending().await,
    }
}

async fn recognise(
    recogniser: Arc<dyn Recogniser>,
    clock: Clock,
    stats: watch::Sender<Stats>,
    Waiting { utterance, merged, .. }: Waiting,
) -> Heard {
    let begun = clock.now();
    let mut retries = 0;
    let answer = loop {
        match recogniser.recognise(&utterance.clip).await {
            Err(RecogniserError::Died(cause)) if retries < RETRIES_MAX => {
                retries += 1;
                stats.send_modify(|stats| stats.retried += 1);
                tracing::warn!(utterance = %utterance.id, retries, cause, "trying a clip again");
            }
            answer => break answer,
        }
    };
    let text = answer
        .map_err(|error| Unheard::Failed(error.to_string()))
        .and_then(|recognition| judged(&utterance, &recognition));
    Heard { utterance, merged, text, begun, done: clock.now() }
}

fn judged(utterance: &Utterance, recognition: &Recognition) -> Result<String, Unheard> {
    let evidence = Evidence::of(utterance);
    let verdict = gate::judge(recognition, &evidence);
    tracing::debug!(
        utterance = %utterance.id,
        human = %utterance.human,
        ?recognition,
        ?evidence,
        ?verdict,
        "recognised"
    );
    match verdict {
        Verdict::Keep(text) => Ok(text),
        Verdict::Drop(reason) => Err(Unheard::Gated(reason)),
    }
}

#[cfg(test)]
mod tests;
