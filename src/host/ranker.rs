//! Asks the engine who of several a line is for. One question at a time: a newer one takes the
//! place of an older one, which the engine then stops at its next step.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::id::LineId;
use crate::llm::{Engine, Question, Score};

/// What the engine said; no scores when it failed, or not in time.
pub(super) struct Ranked {
    pub(super) line: LineId,
    pub(super) scores: Vec<Score>,
}

/// Answers that the room has not taken yet: one is open at a time, and one may just have come.
const ANSWERS_BOUND: usize = 2;

pub(super) struct Ranker {
    engine: Arc<dyn Engine>,
    answers: mpsc::Sender<Ranked>,
    task: Option<JoinHandle<()>>,
}

impl Ranker {
    pub(super) fn new(engine: Arc<dyn Engine>) -> (Self, mpsc::Receiver<Ranked>) {
        let (answers, ranked) = mpsc::channel(ANSWERS_BOUND);
        (Self { engine, answers, task: None }, ranked)
    }

    pub(super) fn ask(&mut self, line: LineId, questions: Vec<Question>, wait: Duration) {
        self.stop();
        let (engine, answers) = (Arc::clone(&self.engine), self.answers.clone());
        self.task = Some(tokio::spawn(async move {
            let scores = engine.score(questions, wait).await.unwrap_or_else(|error| {
                // Nothing is lost: the choice by evidence stands.
                tracing::debug!(%line, %error, "the model did not say whose line it is");
                Vec::new()
            });
            // A room that is gone needs no answer.
            let _ = answers.send(Ranked { line, scores }).await;
        }));
    }

    pub(super) fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Drop for Ranker {
    fn drop(&mut self) {
        self.stop();
    }
}
