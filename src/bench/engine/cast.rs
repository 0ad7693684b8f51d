//! Personas and requests for the bench.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::wrong;
use crate::bench::BenchError;
use crate::id::PersonaId;
use crate::llm::{Engine, Event, Message, Request, Role, Sampling};
use crate::time::Time;

/// Nothing in a bench takes longer.
pub(super) const DEADLINE: Duration = Duration::from_secs(300);

pub(super) fn persona(index: usize) -> PersonaId {
    PersonaId::new(format!("p{index}"))
}

pub(super) fn message(role: Role, content: impl Into<String>) -> Message {
    Message::new(role, content)
}

pub(super) fn request(seat: usize, messages: Vec<Message>, max_tokens: u32) -> Request {
    Request {
        seat: persona(seat),
        messages: messages.into(),
        max_tokens,
        sampling: Sampling { temperature: 0.0, ..Sampling::default() },
        stop: Vec::new(),
        deadline: DEADLINE,
        cancel: CancellationToken::new(),
    }
}

/// What came of a request.
#[derive(Debug, Default)]
pub(in crate::bench) struct Reply {
    pub(in crate::bench) text: String,
    prompt_tokens: usize,
    cached_tokens: usize,
    pub(super) first_text: Option<Time>,
    pub(super) completion_tokens: usize,
}

impl Reply {
    /// Of the prompt, those that its seat did not hold.
    pub(super) fn computed_tokens(&self) -> usize {
        self.prompt_tokens - self.cached_tokens
    }
}

/// Asks and waits for the end.
pub(in crate::bench) async fn ask(
    engine: &dyn Engine,
    request: Request,
) -> Result<Reply, BenchError> {
    read(engine.generate(request).map_err(wrong)?).await
}

async fn read(mut events: mpsc::Receiver<Event>) -> Result<Reply, BenchError> {
    let mut reply = Reply::default();
    while let Some(event) = events.recv().await {
        match event {
            Event::Started { .. } | Event::Counted { .. } => {}
            Event::Prefilled { prompt_tokens, cached_tokens, .. } => {
                reply.prompt_tokens = prompt_tokens as usize;
                reply.cached_tokens = cached_tokens as usize;
            }
            Event::Text { at, text } => {
                reply.first_text.get_or_insert(at);
                reply.text += &text;
            }
            Event::Done { completion_tokens, .. } => {
                reply.completion_tokens = completion_tokens as usize;
                return Ok(reply);
            }
            Event::Failed { error, .. } => return Err(wrong(error)),
        }
    }
    Err(wrong("the engine broke off"))
}
