//! Has the speaker finished? A model is asked in every pause.
//!
//! [`Judge`] is a task that asks one question at a time; whoever owns the ears asks with [`Asker`]
//! and gets a [`Verdict`]. No answer is ever waited for: without one the fixed wait holds.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::audio::Clip;
use crate::id::HumanId;
use crate::stt::Utterance;
use crate::time::{Clock, Time, micros};

mod log_mel;
mod onnx;
pub mod scripted;
pub mod smart_turn;

/// Pauses that wait for the model. It answers ten a second, and of ten speakers few pause at once.
const QUESTIONS_CAPACITY: usize = 4;
/// After so long the fixed wait has ended the utterance, or the speaker went on.
const USEFUL_FOR: Duration = Duration::from_millis(500);

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PredictorError(pub String);

/// Tells from sound that ends in a pause whether the turn ends there too.
#[async_trait]
pub trait Predictor: Send + Sync + 'static {
    /// The probability that the speaker has finished, 0 to 1.
    async fn probability(&self, clip: &Clip) -> Result<f32, PredictorError>;
}

/// What the model made of a pause.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub human: HumanId,
    /// Where the pause began.
    pub voiced_end: Time,
    /// The probability that the turn is complete, 0 to 1.
    pub complete: f32,
}

/// Counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    pub answered: u64,
    /// Pauses that were not judged: too many at once, or too late.
    pub skipped: u64,
    pub failed: u64,
    /// The longest time from the question to its answer.
    pub took_us_max: u64,
}

#[derive(Debug)]
struct Question {
    human: HumanId,
    voiced_end: Time,
    clip: Clip,
    asked: Time,
}

/// Where questions go in.
#[derive(Clone, Debug)]
pub struct Asker {
    questions: mpsc::Sender<Question>,
    stats: watch::Sender<Stats>,
    clock: Clock,
}

impl Asker {
    /// Asks about a pause without waiting. When too many wait it is not asked, and counted.
    pub fn ask(&self, paused: &Utterance) {
        let question = Question {
            human: paused.human.clone(),
            voiced_end: paused.voiced_end,
            clip: paused.clip.clone(),
            asked: self.clock.now(),
        };
        if self.questions.try_send(question).is_err() {
            self.stats.send_modify(|stats| stats.skipped += 1);
        }
    }

    /// The counters as they are now.
    pub fn stats(&self) -> Stats {
        *self.stats.borrow()
    }

    /// Pauses that wait, and how many can.
    pub fn waiting(&self) -> (usize, usize) {
        let bound = self.questions.max_capacity();
        (bound - self.questions.capacity(), bound)
    }
}

/// Run it as a task.
pub struct Judge {
    predictor: Arc<dyn Predictor>,
    clock: Clock,
    questions: mpsc::Receiver<Question>,
    verdicts: mpsc::Sender<Verdict>,
    stats: watch::Sender<Stats>,
}

impl Judge {
    /// The task, where it takes questions from, and where it puts answers.
    pub fn new(
        predictor: Arc<dyn Predictor>,
        clock: Clock,
    ) -> (Self, Asker, mpsc::Receiver<Verdict>) {
        let (asked, questions) = mpsc::channel(QUESTIONS_CAPACITY);
        let (verdicts, answers) = mpsc::channel(QUESTIONS_CAPACITY);
        let stats = watch::Sender::<Stats>::default();
        let asker = Asker { questions: asked, stats: stats.clone(), clock };
        (Self { predictor, clock, questions, verdicts, stats }, asker, answers)
    }

    /// The counters, now and whenever they change.
    pub fn stats(&self) -> watch::Receiver<Stats> {
        self.stats.subscribe()
    }

    /// Ends when cancelled, or when nobody asks or listens any more.
    pub async fn run(mut self, cancel: CancellationToken) {
        cancel.run_until_cancelled(self.answer_all()).await;
    }

    async fn answer_all(&mut self) {
        while let Some(question) = self.questions.recv().await {
            let Some(verdict) = self.answer(question).await else { continue };
            if self.verdicts.send(verdict).await.is_err() {
                return;
            }
        }
    }

    async fn answer(&self, question: Question) -> Option<Verdict> {
        let Question { human, voiced_end, clip, asked } = question;
        if self.clock.now().since(asked) >= USEFUL_FOR {
            self.stats.send_modify(|stats| stats.skipped += 1);
            return None;
        }
        match self.predictor.probability(&clip).await {
            Ok(complete) => {
                let took = self.clock.now().since(asked);
                tracing::debug!(%human, complete, took_ms = took.as_millis(), "a pause is judged");
                self.stats.send_modify(|stats| {
                    stats.answered += 1;
                    stats.took_us_max = stats.took_us_max.max(micros(took));
                });
                Some(Verdict { human, voiced_end, complete })
            }
            Err(error) => {
                self.stats.send_modify(|stats| stats.failed += 1);
                tracing::warn!(%human, %error, "a pause was not judged; the fixed wait holds");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
