//! The real engine as it is asked in a room, with seats that every case uses anew.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::engine::ask;
use super::{BenchError, house, ms, quantile};
use crate::id::PersonaId;
use crate::llm::llama::{LlamaEngine, Options};
use crate::llm::{Engine as _, EngineError, Message, Question, Request, Sampling, Score};
use crate::models::{self, Kind};
use crate::time::Clock;

/// The most who are ranked for one line.
const SEATS: usize = 8;
/// A bench may wait for slow machines.
const DEADLINE: Duration = Duration::from_secs(60);

pub struct Jury {
    runtime: Runtime,
    engine: LlamaEngine,
    /// How long each answer took.
    took: Mutex<Vec<Duration>>,
}

impl Jury {
    /// Loads the model.
    ///
    /// # Errors
    /// When it is not there, or cannot be loaded.
    pub fn load(root: &Path, model: &str, runtime: Runtime) -> Result<Self, BenchError> {
        let wrong = |error: &dyn std::fmt::Display| BenchError::Wrong(error.to_string());
        let files = models::resolve(root, model).and_then(|files| files.of_kind(Kind::Language));
        let files = files.map_err(|error| wrong(&error))?;
        let clock = runtime.block_on(async { Clock::start() });
        let options = Options::new(files.main().to_owned(), SEATS);
        let engine = runtime.block_on(house::engine(options, clock))?;
        Ok(Self { runtime, engine, took: Mutex::default() })
    }

    /// Warms seats with what stands before each text, as a room does ahead of time, and asks.
    ///
    /// # Errors
    /// The engine's.
    pub fn score(&self, questions: Vec<Question>) -> Result<Vec<Score>, EngineError> {
        let seats: HashMap<PersonaId, PersonaId> = questions
            .iter()
            .enumerate()
            .map(|(at, question)| (question.seat.clone(), PersonaId::new(format!("seat{at}"))))
            .collect();
        self.runtime.block_on(async {
            let mut asked = Vec::with_capacity(questions.len());
            for question in questions {
                let seat = seats[&question.seat].clone();
                let before = &question.messages[..question.messages.len() - 1];
                self.engine.warm_up(&seat, before).await?;
                asked.push(Question { seat, ..question });
            }
            let begun = std::time::Instant::now();
            let scores = self.engine.score(asked, DEADLINE).await;
            if let Ok(mut took) = self.took.lock() {
                took.push(begun.elapsed());
            }
            scores
        })
    }

    /// All that a seat replies to messages.
    ///
    /// # Errors
    /// The engine's.
    pub fn reply(
        &self,
        seat: &PersonaId,
        messages: Vec<Message>,
        sampling: Sampling,
        max_tokens: u32,
    ) -> Result<String, BenchError> {
        let request = Request {
            seat: seat.clone(),
            messages: messages.into(),
            max_tokens,
            sampling,
            stop: Vec::new(),
            deadline: DEADLINE,
            cancel: CancellationToken::new(),
        };
        self.runtime.block_on(async {
            // A seat is a persona's once its card is in it.
            let card = &request.messages[..request.messages.len().min(1)];
            let warm = self.engine.warm_up(seat, card).await;
            warm.map_err(|error| BenchError::Wrong(error.to_string()))?;
            Ok(ask(&self.engine, request).await?.text)
        })
    }

    /// The middle and the longest time of an answer, in milliseconds; 0 when nothing was asked.
    pub fn took_ms(&self) -> (f64, f64) {
        let mut took = self.took.lock().map(|took| took.clone()).unwrap_or_default();
        took.sort_unstable();
        (ms(quantile(&took, 0.5)), ms(quantile(&took, 1.0)))
    }
}
