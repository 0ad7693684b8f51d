//! The task between hearing and turn-taking: it owns the queue and takes one utterance at a time
//! through the recogniser and the hallucination gate.
//!
//! Every utterance that it takes comes out as one [`Heard`] (or as part of one), whatever happens
//! to the recogniser on the way.
//!
//! In a speaker's lull it recognises ahead of time what may be the whole utterance, when nothing
//! else is to be done. If the speaker goes on, that pass is thrown away; if not, its text is there
//! when the utterance ends.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::gate::{self, Evidence, Verdict};
use super::queue::{self, Known, Queue, Waiting};
use super::{Recogniser, RecogniserError, Recognition, Utterance};
use crate::audio::Clip;
use crate::id::{HumanId, UtteranceId};
use crate::probe;
use crate::time::{Clock, Time, micros};

mod early;

pub use early::WAITING_MAX as EARLY_WAITING_MAX;
use early::{Early, Fate, same_voice};

/// Utterances on their way to the queue. It is emptied while the recogniser works, so it fills
/// only when the queue can join nothing more.
const INTAKE_CAPACITY: usize = 16;
/// Results on their way to the host. While it is full, the recogniser rests.
const OUTPUT_CAPACITY: usize = 16;
/// Results whose text was known, waiting to go out: while there are more, nothing is taken in.
const FINISHED_MAX: usize = 4;
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
    /// It is a persona's speech, out of a human's loudspeaker.
    #[error("the cast's own words")]
    Echo,
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
    /// Passes ahead of time that were begun; of these, those whose text became an utterance's, and
    /// those that were for nothing because the speaker went on.
    pub early: u64,
    pub early_used: u64,
    pub early_thrown: u64,
    /// Pauses that wait for such a pass, [`EARLY_WAITING_MAX`] at most, and those left out.
    pub early_waiting: usize,
    pub early_left_out: u64,
    /// The longest wait in the queue, and the longest recognition.
    pub waited_us_max: u64,
    pub took_us_max: u64,
}

/// What a human has said so far, while it is not sure that there is no more to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial {
    pub human: HumanId,
    /// The utterance that will have the final text.
    pub utterance: UtteranceId,
    pub text: String,
}

/// What is told to the service.
#[derive(Debug)]
enum Offer {
    Final(Utterance),
    /// The speaker pauses, and this may be the whole utterance.
    Early(Utterance),
    /// The speaker went on.
    Resumed(HumanId),
}

/// Where utterances go in.
#[derive(Clone, Debug)]
pub struct Intake {
    offers: mpsc::Sender<Offer>,
    stats: watch::Sender<Stats>,
}

impl Intake {
    /// Hands an utterance over without waiting.
    ///
    /// # Errors
    /// Gives it back when the recogniser is minutes behind (it is counted), or is no more.
    pub fn offer(&self, utterance: Utterance) -> Result<(), Box<Utterance>> {
        match self.offers.try_reserve() {
            Ok(place) => {
                place.send(Offer::Final(utterance));
                Ok(())
            }
            Err(_) => {
                self.stats.send_modify(|stats| stats.overflowed += 1);
                Err(Box::new(utterance))
            }
        }
    }

    /// Has an utterance recognised that may go on, unless that was done with the same voice. It is
    /// only a chance to be early, so it is left out when much is waiting.
    pub fn offer_early(&self, utterance: Utterance) {
        self.hint(Offer::Early(utterance));
    }

    /// The speaker went on: what was offered early is not the whole.
    pub fn resumed(&self, human: HumanId) {
        self.hint(Offer::Resumed(human));
    }

    /// Half of the intake is kept for utterances. A hint that is lost costs time, never a word: a
    /// pass is used only for the voice that it was made of.
    fn hint(&self, offer: Offer) {
        if self.offers.capacity() > INTAKE_CAPACITY / 2 {
            // Closed: the service has ended, and nobody wants to be early any more.
            let _ = self.offers.try_send(offer);
        }
    }
}

/// What the recogniser made of a clip, and when.
struct Pass {
    answer: Result<Recognition, RecogniserError>,
    begun: Time,
    done: Time,
    /// Further tries after the recogniser died.
    retries: u64,
}

type Recognising = Pin<Box<dyn Future<Output = Pass> + Send>>;

/// The clip that the recogniser has.
struct InHand {
    work: Work,
    pass: Recognising,
}

enum Work {
    Final(Waiting),
    Early(Utterance, Fate),
}

/// Run it as a task.
pub struct Service {
    recogniser: Arc<dyn Recogniser>,
    clock: Clock,
    queue: Queue,
    early: Early,
    intake: mpsc::Receiver<Offer>,
    /// The intake is not closed.
    open: bool,
    /// Did not fit into the queue, which is full until the recogniser takes the next.
    held: Option<Box<Utterance>>,
    in_hand: Option<InHand>,
    finished: VecDeque<Heard>,
    output: mpsc::Sender<Heard>,
    partials: watch::Sender<Option<Partial>>,
    stats: watch::Sender<Stats>,
}

impl Service {
    /// The task, and where it takes utterances from and puts results.
    pub fn new(
        recogniser: Arc<dyn Recogniser>,
        options: queue::Options,
        clock: Clock,
    ) -> (Self, Intake, mpsc::Receiver<Heard>) {
        let (offers, intake) = mpsc::channel(INTAKE_CAPACITY);
        let (output, heard) = mpsc::channel(OUTPUT_CAPACITY);
        let stats = watch::Sender::default();
        let service = Self {
            recogniser,
            clock,
            queue: Queue::new(options),
            early: Early::default(),
            intake,
            open: true,
            held: None,
            in_hand: None,
            finished: VecDeque::new(),
            output,
            partials: watch::Sender::default(),
            stats: stats.clone(),
        };
        (service, Intake { offers, stats }, heard)
    }

    /// The counters, now and whenever they change.
    pub fn stats(&self) -> watch::Receiver<Stats> {
        self.stats.subscribe()
    }

    /// The newest text of somebody who may go on, at most one a second for each speaker. It is
    /// shown and nothing more: whoever reads slowly misses some.
    pub fn partials(&self) -> watch::Receiver<Option<Partial>> {
        self.partials.subscribe()
    }

    /// Ends when cancelled, when nobody takes results any more, or when the intake is closed and
    /// everything is recognised.
    pub async fn run(mut self, cancel: CancellationToken) {
        let output = self.output.clone();
        loop {
            self.begin_next();
            if !self.open && self.in_hand.is_none() && self.finished.is_empty() {
                break;
            }
            let takes = self.held.is_none() && self.finished.len() < FINISHED_MAX;
            tokio::select! {
                // In every run the same order, so that a replay gives the same again.
                biased;
                () = cancel.cancelled() => break,
                place = output.reserve(), if !self.finished.is_empty() => {
                    let (Ok(place), Some(heard)) = (place, self.finished.pop_front()) else {
                        break
                    };
                    place.send(heard);
                },
                offer = self.intake.recv(), if self.open && takes => match offer {
                    Some(Offer::Final(utterance)) => self.take(utterance),
                    Some(Offer::Early(utterance)) => self.take_early(utterance),
                    Some(Offer::Resumed(human)) => self.resume(&human),
                    None => self.open = false,
                },
                pass = recognised(&mut self.in_hand), if self.in_hand.is_some() => {
                    if let Some(InHand { work, .. }) = self.in_hand.take() {
                        self.passed(work, pass);
                    }
                },
            }
        }
    }

    /// An utterance is over: it is finished when it was recognised ahead of time.
    fn take(&mut self, utterance: Utterance) {
        let (known, thrown) = self.early.claim(&utterance);
        self.count_thrown(thrown);
        if let Some(InHand { work: Work::Early(early, fate), .. }) = &mut self.in_hand
            && early.human == utterance.human
            && matches!(fate, Fate::Open)
        {
            if same_voice(early, &utterance) {
                *fate = Fate::Wanted(Box::new(utterance));
                return;
            }
            *fate = Fate::Stale;
        }
        self.enqueue(utterance, known);
    }

    fn enqueue(&mut self, utterance: Utterance, known: Option<Known>) {
        if known.is_some() {
            self.stats.send_modify(|stats| stats.early_used += 1);
        }
        self.held = self.queue.push_known(self.clock.now(), utterance, known).err();
        self.release_known();
        self.publish_queue();
    }

    /// A pause of which there is a pass already, since its lull, needs no other.
    fn take_early(&mut self, utterance: Utterance) {
        let in_hand = self.in_hand.as_ref().is_some_and(|in_hand| match &in_hand.work {
            Work::Early(early, Fate::Open) => same_voice(early, &utterance),
            _ => false,
        });
        if in_hand || self.early.has_made(&utterance) {
            return;
        }
        self.resume(&utterance.human);
        let left_out = self.early.push(utterance);
        self.stats.send_modify(|stats| stats.early_left_out += left_out);
        self.publish_queue();
    }

    fn resume(&mut self, human: &HumanId) {
        let thrown = self.early.withdraw(human);
        self.count_thrown(thrown);
        if let Some(InHand { work: Work::Early(early, fate), .. }) = &mut self.in_hand
            && early.human == *human
            && matches!(fate, Fate::Open)
        {
            *fate = Fate::Stale;
        }
    }

    fn count_thrown(&self, passes: u64) {
        if passes > 0 {
            self.stats.send_modify(|stats| stats.early_thrown += passes);
        }
    }

    /// Finishes what is known already, as far as the order of onset allows.
    fn release_known(&mut self) {
        let onset = match &self.in_hand {
            Some(InHand { work: Work::Final(waiting), .. }) => Some(waiting.utterance.voiced_start),
            Some(InHand { work: Work::Early(early, Fate::Wanted(_)), .. }) => {
                Some(early.voiced_start)
            }
            _ => None,
        };
        let now = self.clock.now();
        while let Some(mut waiting) = self.queue.pop_known(now, onset) {
            if let Some(Known { recognition, begun, done }) = waiting.known.take() {
                self.finish(waiting, Pass { answer: Ok(recognition), begun, done, retries: 0 });
            }
        }
    }

    /// Finals first; what may go on only when no final waits.
    fn begin_next(&mut self) {
        if self.in_hand.is_some() {
            return;
        }
        self.release_known();
        if !self.finished.is_empty() {
            return;
        }
        if let Some(next) = self.queue.pop(self.clock.now()) {
            if let Some(held) = self.held.take() {
                self.enqueue(*held, None);
            }
            self.publish_queue();
            let clip = next.utterance.clip.clone();
            self.begin(Work::Final(next), clip, RETRIES_MAX);
        } else if let Some(next) = self.early.pop().filter(|_| self.open) {
            self.stats.send_modify(|stats| stats.early += 1);
            self.publish_queue();
            let clip = next.clip.clone();
            self.begin(Work::Early(next, Fate::Open), clip, 0);
        }
    }

    fn begin(&mut self, work: Work, clip: Clip, retries_max: u64) {
        let (recogniser, stats) = (Arc::clone(&self.recogniser), self.stats.clone());
        let pass = Box::pin(recognise(recogniser, self.clock, stats, clip, retries_max));
        self.in_hand = Some(InHand { work, pass });
    }

    fn passed(&mut self, work: Work, pass: Pass) {
        let (early, fate) = match work {
            Work::Final(waiting) => return self.finish(waiting, pass),
            Work::Early(early, fate) => (early, fate),
        };
        let Pass { answer, begun, done, .. } = pass;
        let known = answer.map(|recognition| Known { recognition, begun, done });
        match (fate, known) {
            (Fate::Wanted(utterance), known) => {
                self.count_thrown(u64::from(known.is_err()));
                self.enqueue_wanted(*utterance, known.ok());
            }
            (fate, Ok(known)) => {
                self.show(&early, &known.recognition);
                if matches!(fate, Fate::Open) {
                    let thrown = self.early.made(early, known);
                    self.count_thrown(thrown);
                } else {
                    self.count_thrown(1);
                }
            }
            (_, Err(error)) => {
                tracing::debug!(human = %early.human, %error, "a pass ahead of time failed");
                self.count_thrown(1);
            }
        }
    }

    /// Puts an utterance into the queue that was not there while its early pass ran. Another may
    /// be held back meanwhile: then this one goes out of order rather than being lost.
    fn enqueue_wanted(&mut self, utterance: Utterance, known: Option<Known>) {
        match (self.held.is_some(), known) {
            (true, Some(Known { recognition, begun, done })) => {
                let waiting = Waiting { utterance, merged: Vec::new(), since: begun, known: None };
                self.finish(waiting, Pass { answer: Ok(recognition), begun, done, retries: 0 });
            }
            (true, None) => {
                let waiting =
                    Waiting { utterance, merged: Vec::new(), since: self.clock.now(), known: None };
                let clip = waiting.utterance.clip.clone();
                self.begin(Work::Final(waiting), clip, RETRIES_MAX);
            }
            (false, known) => self.enqueue(utterance, known),
        }
    }

    fn show(&mut self, early: &Utterance, recognition: &Recognition) {
        let Ok(text) = judged(early, recognition) else { return };
        if self.early.may_show(self.clock.now(), &early.human) {
            let (human, utterance) = (early.human.clone(), early.id);
            self.partials.send_replace(Some(Partial { human, utterance, text }));
        }
    }

    fn finish(&mut self, waiting: Waiting, pass: Pass) {
        let Waiting { utterance, merged, .. } = waiting;
        let text = pass.answer.map_err(|error| Unheard::Failed(error.to_string()));
        let text =
            text.and_then(|recognition| judged(&utterance, &recognition).map_err(Unheard::Gated));
        let heard = Heard { utterance, merged, text, begun: pass.begun, done: pass.done };
        probe!(at heard.done, SttRecognise {
            utterance: heard.utterance.id,
            human: heard.utterance.human.clone(),
            verdict: match heard.text {
                Ok(_) => "text",
                Err(Unheard::Gated(_)) => "gated",
                Err(Unheard::Failed(_)) => "failed",
                Err(Unheard::Echo) => "echo",
            },
            merged: heard.merged.len() as u64,
            retries: pass.retries,
            took_us: micros(heard.took()),
            delay_us: micros(heard.done.since(heard.utterance.voiced_end)),
            chars: heard.text.as_ref().ok().map(|text| text.chars().count() as u64),
        });
        self.count(&heard);
        self.finished.push_back(heard);
    }

    fn publish_queue(&self) {
        let counters = self.queue.counters();
        self.stats.send_modify(|stats| {
            stats.waiting = self.queue.len() + usize::from(self.held.is_some());
            stats.waiting_max = counters.length_max;
            stats.early_waiting = self.early.waiting();
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
                // That is found later, and counted by who finds it.
                Err(Unheard::Echo) => {}
            }
        });
    }
}

async fn recognised(in_hand: &mut Option<InHand>) -> Pass {
    match in_hand {
        Some(in_hand) => in_hand.pass.as_mut().await,
        None => std::future::pending().await,
    }
}

async fn recognise(
    recogniser: Arc<dyn Recogniser>,
    clock: Clock,
    stats: watch::Sender<Stats>,
    clip: Clip,
    retries_max: u64,
) -> Pass {
    let begun = clock.now();
    let mut retries = 0;
    let answer = loop {
        match recogniser.recognise(&clip).await {
            Err(RecogniserError::Died(cause)) if retries < retries_max => {
                retries += 1;
                stats.send_modify(|stats| stats.retried += 1);
                tracing::warn!(retries, cause, "trying a clip again");
            }
            answer => break answer,
        }
    };
    Pass { answer, begun, done: clock.now(), retries }
}

/// The text, or why it was not said.
fn judged(utterance: &Utterance, recognition: &Recognition) -> Result<String, gate::Reason> {
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
        Verdict::Drop(reason) => Err(reason),
    }
}

#[cfg(test)]
mod tests;
