//! An engine that only takes time: every token costs what it is told to cost, and all requests
//! share so many lanes. For measuring what contention does to a room.
//!
//! It is deterministic: what a reply costs follows from the words of its prompt and of what the
//! seat holds already, and lanes are given in order of asking, a piece of work at a time. Its time
//! is tokio's, so that it also runs on a virtual clock.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, mpsc};

use super::counters::{Counters, Pass, add};
use super::scripted::by_shared_words;
use super::{
    Engine, EngineError, EngineStats, Event, Finish, Message, Question, Request, Score, Senses,
    WarmUp,
};
use crate::id::PersonaId;
use crate::time::{Clock, micros};

/// Prompt tokens computed in one piece; llama.cpp's batches are of this order.
const CHUNK_TOKENS: usize = 64;

/// What work costs. A token is a word.
#[derive(Clone, Debug)]
pub struct Load {
    pub prefill_per_token: Duration,
    pub decode_per_token: Duration,
    /// Pieces of work that go on at the same time.
    pub lanes: usize,
    /// What everybody says.
    pub reply: String,
}

/// See the module.
pub struct LoadEngine {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    load: Load,
    lanes: Semaphore,
    /// The words that each seat holds, hashed.
    seats: Mutex<HashMap<PersonaId, Vec<u64>>>,
    counters: Arc<Counters>,
}

impl LoadEngine {
    /// An engine without limit on its waiting requests: each costs a task and no thread.
    pub fn new(clock: Clock, load: Load) -> Self {
        let lanes = Semaphore::new(load.lanes.max(1));
        let (seats, counters) = (Mutex::default(), Arc::default());
        Self { shared: Arc::new(Shared { clock, load, lanes, seats, counters }) }
    }
}

#[async_trait]
impl Engine for LoadEngine {
    async fn warm_up(&self, seat: &PersonaId, messages: &[Message]) -> Result<WarmUp, EngineError> {
        let begun = self.shared.clock.now();
        let (prompt, _) = self.shared.prefill(seat, messages).await;
        let took_us = micros(self.shared.clock.now().since(begun));
        Ok(WarmUp { prompt_tokens: prompt as u32, took_us })
    }

    fn generate(&self, request: Request) -> Result<mpsc::Receiver<Event>, EngineError> {
        self.senses().check(&request.messages)?;
        let counters = &self.shared.counters;
        let pass = counters.enter(u64::MAX)?;
        add(&counters.requests, 1);
        // Room for every event, so that a slow reader never holds a lane.
        let words = self.shared.load.reply.split_whitespace().count();
        let (events, receiver) = mpsc::channel(words + 4);
        tokio::spawn(Arc::clone(&self.shared).reply(pass, request, events));
        Ok(receiver)
    }

    /// Costs the prefill of each text behind what its seat holds.
    async fn score(
        &self,
        questions: Vec<Question>,
        deadline: Duration,
    ) -> Result<Vec<Score>, EngineError> {
        let all = async {
            let mut scores = Vec::with_capacity(questions.len());
            for question in &questions {
                let mut messages = question.messages.clone();
                if let Some(last) = messages.last_mut() {
                    last.content.push_str(&question.text);
                }
                self.shared.prefill(&question.seat, &messages).await;
                scores.push(by_shared_words(question));
            }
            scores
        };
        let late = |_| EngineError::Deadline(deadline);
        tokio::time::timeout(deadline, all).await.map_err(late)
    }

    fn senses(&self) -> Senses {
        Senses::default()
    }

    fn stats(&self) -> EngineStats {
        // It takes all that comes.
        self.shared.counters.stats(u64::MAX)
    }
}

impl Shared {
    async fn reply(self: Arc<Self>, pass: Pass, request: Request, events: mpsc::Sender<Event>) {
        let over = tokio::select! {
            biased;
            () = request.cancel.cancelled() => Ok((Finish::Cancelled, 0)),
            () = events.closed() => Ok((Finish::Cancelled, 0)),
            over = tokio::time::timeout(request.deadline, self.speak(&request, &events)) => {
                over.map_err(|_| EngineError::Deadline(request.deadline))
            }
        };
        match &over {
            Ok((Finish::Cancelled, _)) => add(&self.counters.cancelled, 1),
            Ok(_) => {}
            Err(_) => add(&self.counters.failed, 1),
        }
        drop(pass);
        let at = self.clock.now();
        // The channel holds every event; only a receiver that is gone refuses, which is a cancel.
        let _ = events.try_send(match over {
            Ok((finish, completion_tokens)) => Event::Done { at, finish, completion_tokens },
            Err(error) => Event::Failed { at, error },
        });
    }

    async fn speak(&self, request: &Request, events: &mpsc::Sender<Event>) -> (Finish, u32) {
        let send = |event| {
            let _ = events.try_send(event);
        };
        self.work(Duration::ZERO, || send(Event::Started { at: self.clock.now() })).await;
        let (prompt, cached) = self.prefill(&request.seat, &request.messages).await;
        let (prompt_tokens, cached_tokens) = (prompt as u32, cached as u32);
        add(&self.counters.prompt_tokens, prompt_tokens);
        add(&self.counters.cached_tokens, cached_tokens);
        send(Event::Prefilled { at: self.clock.now(), prompt_tokens, cached_tokens });
        let mut completion_tokens = 0;
        for word in self.load.reply.split_inclusive(' ') {
            if completion_tokens == request.max_tokens {
                return (Finish::Length, completion_tokens);
            }
            self.work(self.load.decode_per_token, || {}).await;
            completion_tokens += 1;
            add(&self.counters.completion_tokens, 1);
            send(Event::Text { at: self.clock.now(), text: word.to_owned() });
        }
        (Finish::Stop, completion_tokens)
    }

    /// One piece of work, when a lane is free; `begin` is called as it begins.
    async fn work(&self, cost: Duration, begin: impl FnOnce()) {
        // The semaphore is never closed.
        let _lane = self.lanes.acquire().await;
        begin();
        if !cost.is_zero() {
            tokio::time::sleep(cost).await;
        }
    }

    /// Puts a prompt into its seat, piece by piece; what is in it stays when this is dropped.
    /// Returns the prompt's length, and how much of it the seat held.
    async fn prefill(&self, seat: &PersonaId, messages: &[Message]) -> (usize, usize) {
        let prompt = words(messages);
        let held = self.seats().get(seat).cloned().unwrap_or_default();
        let cached = held.iter().zip(&prompt).take_while(|(old, new)| old == new).count();
        let mut done = cached;
        while done < prompt.len() {
            let next = prompt.len().min(done + CHUNK_TOKENS);
            self.work(self.load.prefill_per_token * (next - done) as u32, || {}).await;
            done = next;
            self.seats().insert(seat.clone(), prompt[..done].to_vec());
        }
        (prompt.len(), cached)
    }

    /// Poisoned seats are still seats.
    fn seats(&self) -> std::sync::MutexGuard<'_, HashMap<PersonaId, Vec<u64>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn words(messages: &[Message]) -> Vec<u64> {
    let words = messages.iter().flat_map(|message| {
        message.content.split_whitespace().map(|word| {
            // Its keys are constants, so that every run has the same hashes.
            let mut hash = DefaultHasher::new();
            (message.role, word).hash(&mut hash);
            hash.finish()
        })
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::llm::{Role, Sampling};
    use crate::time::Time;

    fn engine(clock: Clock, lanes: usize) -> LoadEngine {
        let ms = Duration::from_millis;
        let (prefill_per_token, decode_per_token) = (ms(1), ms(10));
        let reply = "Well, yes.".to_owned();
        LoadEngine::new(clock, Load { prefill_per_token, decode_per_token, lanes, reply })
    }

    fn request(seat: &str, prompt: &str) -> Request {
        Request {
            seat: PersonaId::new(seat),
            messages: [Message::new(Role::User, prompt)].into(),
            max_tokens: 20,
            sampling: Sampling::default(),
            stop: Vec::new(),
            deadline: Duration::from_secs(60),
            cancel: CancellationToken::new(),
        }
    }

    /// When the reply was done, and how much of its prompt the seat held.
    async fn play(mut events: mpsc::Receiver<Event>) -> (Time, u32, Finish) {
        let mut cached = 0;
        loop {
            match events.recv().await.expect("the last event is Done") {
                Event::Prefilled { cached_tokens, .. } => cached = cached_tokens,
                Event::Done { at, finish, .. } => return (at, cached, finish),
                Event::Started { .. } | Event::Counted { .. } | Event::Text { .. } => {}
                Event::Failed { error, .. } => panic!("{error}"),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_costs_its_new_tokens_and_its_words() {
        let clock = Clock::start();
        let engine = engine(clock, 1);
        let first = engine.generate(request("ada", "one two three")).expect("no limit");
        assert_eq!(play(first).await, (Time::from_ms(3 + 20), 0, Finish::Stop));
        let second = engine.generate(request("ada", "one two four five")).expect("no limit");
        assert_eq!(play(second).await, (Time::from_ms(23 + 2 + 20), 2, Finish::Stop));
    }

    #[tokio::test(start_paused = true)]
    async fn replies_share_the_lanes_by_turns() {
        let clock = Clock::start();
        for (lanes, done_ms) in [(1, [29, 49]), (2, [24, 25])] {
            let clock = Clock::start();
            let engine = engine(clock, lanes);
            let ada = engine.generate(request("ada", "one two three four")).expect("no limit");
            let bo = engine.generate(request("bo", "one two three four five")).expect("no limit");
            let (ada, bo) = tokio::join!(play(ada), play(bo));
            assert_eq!([ada.0, bo.0], done_ms.map(Time::from_ms), "{lanes} lanes");
        }
        assert_eq!(clock.now(), Time::from_ms(49 + 25));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_reply_leaves_its_lane_and_keeps_what_is_computed() {
        let clock = Clock::start();
        let engine = engine(clock, 1);
        let long = request("ada", &"word ".repeat(100));
        let cancel = long.cancel.clone();
        let long = engine.generate(long).expect("no limit");
        tokio::time::sleep(Duration::from_millis(70)).await;
        cancel.cancel();
        let (at, _, finish) = play(long).await;
        assert_eq!((at, finish), (Time::from_ms(70), Finish::Cancelled));
        let again = engine.generate(request("ada", &"word ".repeat(100))).expect("no limit");
        assert_eq!(play(again).await.1, 64);
        assert_eq!(engine.stats().cancelled, 1);
    }
}
