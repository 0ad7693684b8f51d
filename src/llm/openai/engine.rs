//! The engine's side of the calls: what is open, what came of it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Options;
use super::call::Caller;
use crate::id::PersonaId;
use crate::llm::counters::{Counters, add};
use crate::llm::{
    Engine, EngineError, EngineStats, Event, Finish, Message, Question, Request, Role, Sampling,
    Score, Senses, WarmUp,
};
use crate::time::{Clock, micros};

/// A language model behind a server.
pub struct OpenAiEngine {
    server: Arc<Caller>,
    counters: Arc<Counters>,
    open_max: u64,
    tasks: TaskTracker,
}

/// Warming is done once, with everybody waiting for it; the server may be loading its model.
const WARM_UP_DEADLINE: Duration = Duration::from_secs(120);

impl OpenAiEngine {
    /// # Errors
    /// When no TLS can be had on this machine. The server is not asked yet.
    pub fn new(options: Options, clock: Clock) -> Result<Self, EngineError> {
        let open_max = options.open_max as u64;
        let server = Arc::new(Caller::new(options, clock)?);
        Ok(Self { server, counters: Arc::default(), open_max, tasks: TaskTracker::new() })
    }
}

#[async_trait]
impl Engine for OpenAiEngine {
    async fn warm_up(&self, seat: &PersonaId, messages: &[Message]) -> Result<WarmUp, EngineError> {
        let _pass = self.counters.enter(self.open_max)?;
        let clock = self.server.clock();
        let begun = clock.now();
        // A user's word, since many templates refuse a conversation without one.
        let hello = Message::new(Role::User, "Hello.");
        let alone = messages.iter().all(|message| message.role == Role::System);
        let request = Request {
            seat: seat.clone(),
            messages: messages.iter().cloned().chain(alone.then_some(hello)).collect(),
            max_tokens: 1,
            sampling: Sampling { temperature: 0.0, ..Sampling::default() },
            stop: Vec::new(),
            deadline: WARM_UP_DEADLINE,
            cancel: CancellationToken::new(),
        };
        let answer = self.server.answer(&request, |_| {});
        let usage = tokio::time::timeout(WARM_UP_DEADLINE, answer)
            .await
            .map_err(|_| EngineError::Deadline(WARM_UP_DEADLINE))??;
        let prompt_tokens = usage.prompt.map_or(0, |prompt| prompt.tokens);
        Ok(WarmUp { prompt_tokens, took_us: micros(clock.now().since(begun)) })
    }

    fn generate(&self, request: Request) -> Result<mpsc::Receiver<Event>, EngineError> {
        self.senses().check(&request.messages)?;
        let pass = self.counters.enter(self.open_max)?;
        add(&self.counters.requests, 1);
        // A piece of text per token and the few others: a slow reader holds nobody up, and a
        // server that sends more pieces than it was asked for is cut off.
        let room = request.max_tokens as usize + 8;
        let (events, receiver) = mpsc::channel(room);
        let (server, counters) = (Arc::clone(&self.server), Arc::clone(&self.counters));
        self.tasks.spawn(async move {
            run(&server, &counters, request, events).await;
            drop(pass);
        });
        Ok(receiver)
    }

    /// Asks all at once: whether a line is for a persona stands for how likely it is there.
    async fn score(
        &self,
        questions: Vec<Question>,
        deadline: Duration,
    ) -> Result<Vec<Score>, EngineError> {
        let ask = |question: Question| async move {
            let _pass = self.counters.enter(self.open_max)?;
            self.server.choose(&question).await
        };
        let all = try_join_all(questions.into_iter().map(ask));
        tokio::time::timeout(deadline, all).await.map_err(|_| EngineError::Deadline(deadline))?
    }

    fn senses(&self) -> Senses {
        self.server.senses()
    }

    fn stats(&self) -> EngineStats {
        self.counters.stats(self.open_max)
    }
}

/// One reply, from the call to its last event.
async fn run(server: &Caller, counters: &Counters, request: Request, events: mpsc::Sender<Event>) {
    let send = |event| {
        // Only a receiver that is gone refuses, and that is a cancel.
        let _ = events.try_send(event);
    };
    let over = tokio::select! {
        biased;
        () = request.cancel.cancelled() => None,
        () = events.closed() => None,
        over = tokio::time::timeout(request.deadline, server.answer(&request, send)) => {
            Some(over.unwrap_or(Err(EngineError::Deadline(request.deadline))))
        }
    };
    let at = server.clock().now();
    let last = match over {
        None => {
            add(&counters.cancelled, 1);
            Event::Done { at, finish: Finish::Cancelled, completion_tokens: 0 }
        }
        Some(Ok(answer)) => {
            if let Some(prompt) = answer.prompt {
                add(&counters.prompt_tokens, prompt.tokens);
                add(&counters.cached_tokens, prompt.cached_tokens);
            }
            add(&counters.completion_tokens, answer.completion_tokens);
            let (finish, completion_tokens) = (answer.finish, answer.completion_tokens);
            Event::Done { at, finish, completion_tokens }
        }
        Some(Err(error)) => {
            add(&counters.failed, 1);
            tracing::warn!(seat = %request.seat, %error, "a request failed");
            Event::Failed { at, error }
        }
    };
    send(last);
}
