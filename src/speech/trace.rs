//! The probes of one generation, from the engine's events.

use crate::id::{PersonaId, TurnId};
use crate::llm::{Event, Finish};
use crate::probe;
use crate::time::{Time, micros};
use crate::turn::Grant;

/// Follows one generation.
pub(super) struct Trace {
    turn: TurnId,
    persona: PersonaId,
    asked: Time,
    started: Option<Time>,
    first_text: Option<Time>,
    /// The end of the prefill, then of each piece of text.
    last: Option<Time>,
}

impl Trace {
    /// A request is made.
    pub(super) fn enter(grant: &Grant, max_tokens: u32, now: Time) -> Self {
        let (turn, persona) = (grant.turn, grant.persona.clone());
        probe!(at now, GenerateEnter { turn, persona: persona.clone(), max_tokens });
        Self { turn, persona, asked: now, started: None, first_text: None, last: None }
    }

    /// The engine says this.
    pub(super) fn saw(&mut self, event: &Event) {
        match event {
            Event::Started { at } => self.started = Some(*at),
            Event::Prefilled { at, prompt_tokens, cached_tokens } => {
                self.prefilled(*at, *prompt_tokens, *cached_tokens);
            }
            Event::Counted { .. } => {}
            Event::Text { at, text } => {
                let since_us = self.last.map(|last| micros(at.since(last)));
                let (turn, bytes) = (self.turn, text.len() as u64);
                probe!(
                    at * at,
                    ForwardText { turn, persona: self.persona.clone(), bytes, since_us }
                );
                self.first_text.get_or_insert(*at);
                self.last = Some(*at);
            }
            Event::Done { at, finish, completion_tokens } => {
                let finish = match finish {
                    Finish::Stop => "stop",
                    Finish::Length => "length",
                    Finish::Cancelled => "cancelled",
                };
                self.exit(*at, finish, Some(*completion_tokens));
            }
            Event::Failed { at, .. } => self.exit(*at, "failed", None),
        }
    }

    /// The engine refused the request.
    pub(super) fn refused(&self, now: Time) {
        self.exit(now, "failed", None);
    }

    fn prefilled(&mut self, at: Time, prompt_tokens: u32, cached_tokens: u32) {
        let tokens = prompt_tokens.saturating_sub(cached_tokens);
        let took_us = self.started.map(|started| micros(at.since(started)));
        probe!(at at, Prefill {
            turn: self.turn,
            persona: self.persona.clone(),
            tokens,
            took_us,
            prefill_tok_per_sec: took_us.and_then(|took_us| per_second(tokens, took_us)),
        });
        probe!(at at, KvReuse {
            turn: self.turn,
            persona: self.persona.clone(),
            prompt_tokens,
            cached_tokens,
            ratio: cached_tokens as f32 / prompt_tokens.max(1) as f32,
        });
        self.last = Some(at);
    }

    fn exit(&self, at: Time, finish: &'static str, completion_tokens: Option<u32>) {
        let decode_us = self.first_text.map(|first| micros(at.since(first)));
        // The first token came with the prefill.
        let decoded = completion_tokens.and_then(|tokens| tokens.checked_sub(1));
        probe!(at at, GenerateExit {
            turn: self.turn,
            persona: self.persona.clone(),
            finish,
            took_us: micros(at.since(self.asked)),
            completion_tokens,
            decode_us,
            tok_per_sec: decoded.zip(decode_us).and_then(|(n, us)| per_second(n, us)),
        });
    }
}

fn per_second(tokens: u32, took_us: u64) -> Option<f32> {
    (tokens > 0 && took_us > 0).then(|| tokens as f32 / (took_us as f32 / 1e6))
}
