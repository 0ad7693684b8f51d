//! One open request: who asked, how far it is, and how it hears of it.

use std::time::Duration;

use tokio::sync::mpsc;

use super::super::{Done, Scored, WARM_UP_DEADLINE, Wish};
use super::encoding::Needed;
use super::scoring::Reading;
use crate::id::PersonaId;
use crate::llm::counters::Pass;
use crate::llm::sampler::Sampler;
use crate::llm::scheduler::{Class, SeatId};
use crate::llm::stream::TextStream;
use crate::llm::{EngineError, Event, Finish, Message, Question, Request, Sampling, WarmUp};
use crate::time::{Time, micros};

pub(super) struct Task {
    /// Closed when the task is dropped.
    _pass: Pass,
    asked: Time,
    /// The asker's.
    pub span: tracing::Span,
    pub seat: SeatId,
    pub prompt_tokens: u32,
    pub cached_tokens: u32,
    completion_tokens: u32,
    started: bool,
    prefilled: bool,
    pub media: Needed,
    pub sampler: Sampler,
    stream: TextStream,
    pub work: Work,
}

pub(super) enum Work {
    Reply { request: Request, events: mpsc::Sender<Event> },
    WarmUp { persona: PersonaId, messages: Vec<Message>, done: Done },
    Score { question: Question, deadline: Duration, reading: Reading, done: Scored },
}

/// Where no word is drawn.
const GREEDY: Sampling = Sampling { temperature: 0.0, top_p: 1.0, repeat_penalty: 1.0, seed: 0 };

impl Task {
    pub(super) fn new(pass: Pass, asked: Time, max_tokens: u32, wish: Wish) -> Self {
        let (sampling, stops, work) = match wish {
            Wish::Reply { mut request, events } => {
                request.max_tokens = max_tokens;
                (request.sampling, request.stop.clone(), Work::Reply { request, events })
            }
            Wish::WarmUp { seat, messages, done } => {
                (GREEDY, Vec::new(), Work::WarmUp { persona: seat, messages, done })
            }
            Wish::Score { question, deadline, done } => {
                let reading = Reading::default();
                (GREEDY, Vec::new(), Work::Score { question, deadline, reading, done })
            }
        };
        Self {
            _pass: pass,
            asked,
            span: tracing::Span::none(),
            seat: SeatId(0),
            prompt_tokens: 0,
            cached_tokens: 0,
            completion_tokens: 0,
            started: false,
            prefilled: false,
            media: Needed::default(),
            sampler: Sampler::new(sampling),
            stream: TextStream::new(&stops),
            work,
        }
    }

    pub(super) fn class(&self) -> Class {
        match self.work {
            Work::Reply { .. } => Class::Reply,
            Work::Score { .. } => Class::Decision,
            Work::WarmUp { .. } => Class::Ahead,
        }
    }

    pub(super) fn warms_up(&self) -> bool {
        matches!(self.work, Work::WarmUp { .. })
    }

    /// A reply, whose tokens are counted and said.
    pub(super) fn counts(&self) -> bool {
        matches!(self.work, Work::Reply { .. })
    }

    pub(super) fn persona(&self) -> &PersonaId {
        match &self.work {
            Work::Reply { request, .. } => &request.seat,
            Work::WarmUp { persona, .. } => persona,
            Work::Score { question, .. } => &question.seat,
        }
    }

    pub(super) fn messages(&self) -> &[Message] {
        match &self.work {
            Work::Reply { request, .. } => &request.messages,
            Work::WarmUp { messages, .. } => messages,
            Work::Score { question, .. } => &question.messages,
        }
    }

    pub(super) fn deadline(&self) -> Duration {
        match &self.work {
            Work::Reply { request, .. } => request.deadline,
            Work::WarmUp { .. } => WARM_UP_DEADLINE,
            Work::Score { deadline, .. } => *deadline,
        }
    }

    /// Cancelled, or nobody listens any more.
    pub(super) fn is_cancelled(&self) -> bool {
        match &self.work {
            Work::Reply { request, events } => request.cancel.is_cancelled() || events.is_closed(),
            Work::WarmUp { done, .. } => done.is_closed(),
            Work::Score { done, .. } => done.is_closed(),
        }
    }

    /// Tells once that it left the queue.
    pub(super) fn started(&mut self, at: Time) {
        if !std::mem::replace(&mut self.started, true) {
            self.send(Event::Started { at });
        }
    }

    /// Tells once that the prompt is in its seat; true that once.
    pub(super) fn prefilled(&mut self, at: Time) -> bool {
        if self.prefilled {
            return false;
        }
        self.prefilled = true;
        let (prompt_tokens, cached_tokens) = (self.prompt_tokens, self.cached_tokens);
        self.send(Event::Prefilled { at, prompt_tokens, cached_tokens });
        true
    }

    pub(super) fn said(&mut self, at: Time, bytes: &[u8]) {
        self.completion_tokens += 1;
        let text = self.stream.push(bytes);
        self.text(at, text);
    }

    /// A stop text came.
    pub(super) fn stopped(&self) -> bool {
        self.stream.stopped()
    }

    /// The last word to whoever asked.
    pub(super) fn close(mut self, at: Time, result: Result<Finish, EngineError>) {
        if result.is_ok() {
            let text = self.stream.finish();
            self.text(at, text);
        }
        let completion_tokens = self.completion_tokens;
        match self.work {
            Work::Reply { events, .. } => {
                let last = match result {
                    Ok(finish) => Event::Done { at, finish, completion_tokens },
                    Err(error) => Event::Failed { at, error },
                };
                deliver(&events, last);
            }
            Work::WarmUp { done, .. } => {
                let took_us = micros(at.since(self.asked));
                let warm = WarmUp { prompt_tokens: self.prompt_tokens, took_us };
                // A host that gave up waiting does not want to know.
                let _ = done.send(result.map(|_| warm));
            }
            Work::Score { reading, done, .. } => {
                let _ = done.send(result.map(|_| reading.score()));
            }
        }
    }

    fn text(&self, at: Time, text: String) {
        if !text.is_empty() {
            self.send(Event::Text { at, text });
        }
    }

    fn send(&self, event: Event) {
        if let Work::Reply { events, .. } = &self.work {
            deliver(events, event);
        }
    }
}

/// The channel has room for every event of a reply; a receiver that is gone counts as a cancel at
/// the next step.
fn deliver(events: &mpsc::Sender<Event>, event: Event) {
    if let Err(mpsc::error::TrySendError::Full(event)) = events.try_send(event) {
        tracing::error!(?event, "an event of a reply found no room");
    }
}
