//! The spans of a turn, from its anchors.
//!
//! ```text
//! user_turn    first voiced sample → the text            one for each line
//! agent_turn   the grant → the turn is settled           one for each granted turn
//!   llm_node   the grant → the last token
//!   tts_node   the first clause → its sound
//! ```
//! A line is a trace. A moment that is not known leaves its span out.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, UNIX_EPOCH};

use super::Turn;
use super::proto::{Attribute, Message, Value, attribute};
use crate::id::LineId;
use crate::latency::{Anchor, Outcome, Stage};
use crate::time::Time;

/// Lines whose `user_turn` is out already. A line's turns are settled within a minute.
const LINES_MAX: usize = 256;
/// `SPAN_KIND_INTERNAL` and `STATUS_CODE_ERROR` of OTLP.
const KIND_INTERNAL: u64 = 1;
const STATUS_ERROR: u64 = 2;

pub(super) struct Span {
    trace: [u8; 16],
    id: [u8; 8],
    parent: Option<[u8; 8]>,
    name: &'static str,
    start_unix_ns: u64,
    end_unix_ns: u64,
    attributes: Vec<Attribute>,
    error: Option<String>,
}

/// Makes spans; ids follow from turns and lines, and differ from run to run.
pub(super) struct Spans {
    ids: RandomState,
    told: VecDeque<LineId>,
}

impl Spans {
    pub(super) fn new() -> Self {
        Self { ids: RandomState::new(), told: VecDeque::new() }
    }

    pub(super) fn of(&mut self, turn: &Turn) -> Vec<Span> {
        let mut spans = Vec::new();
        if !self.told.contains(&turn.record.line)
            && let Some(user_turn) = self.user_turn(turn)
        {
            if self.told.len() == LINES_MAX {
                self.told.pop_front();
            }
            self.told.push_back(turn.record.line);
            spans.push(user_turn);
        }
        if let Some(agent_turn) = self.agent_turn(turn) {
            let parent = agent_turn.id;
            spans.push(agent_turn);
            spans.extend(self.llm_node(turn, parent));
            spans.extend(self.tts_node(turn, parent));
        }
        spans
    }

    fn user_turn(&self, turn: &Turn) -> Option<Span> {
        let begun = turn.anchors.voiced_start().or(turn.anchors.at(Anchor::VoicedEnd))?;
        let mut span = self.span(turn, "user_turn", begun, turn.anchors.at(Anchor::Text)?);
        span.id = self.id(("user_turn", turn.record.line));
        let end_of_turn_us = turn.record.stage_us(Stage::EndOfTurn);
        let transcription_us = turn.record.stage_us(Stage::Transcription);
        span.attributes.extend(
            end_of_turn_us.map(|us| ("lk.end_of_turn_delay", seconds(us))).into_iter().chain(
                end_of_turn_us
                    .zip(transcription_us)
                    .map(|(first, second)| ("lk.transcription_delay", seconds(first + second))),
            ),
        );
        Some(span)
    }

    fn agent_turn(&self, turn: &Turn) -> Option<Span> {
        let mut span = self.span(turn, "agent_turn", turn.anchors.at(Anchor::Granted)?, turn.ended);
        let record = &turn.record;
        // A typed line, and one of a persona, has no user's turn.
        span.parent =
            turn.anchors.at(Anchor::VoicedEnd).map(|_| self.id(("user_turn", record.line)));
        span.attributes.extend([
            ("troupe.turn", Value::Text(record.turn.to_string())),
            ("troupe.persona", Value::Text(record.persona.to_string())),
            ("troupe.outcome", Value::Text(record.outcome.as_str().to_owned())),
            ("troupe.reason", Value::Text(record.reason.to_string())),
        ]);
        span.attributes.extend(record.e2e_us.map(|us| ("lk.e2e_latency", seconds(us))));
        span.error = (record.outcome == Outcome::Failed).then(|| record.reason.to_string());
        Some(span)
    }

    fn llm_node(&self, turn: &Turn, parent: [u8; 8]) -> Option<Span> {
        let (anchors, record) = (&turn.anchors, &turn.record);
        anchors.at(Anchor::Started)?;
        let first = anchors.at(Anchor::FirstText);
        let decoded = record.completion_tokens.zip(record.decode_tok_s).map(|(tokens, rate)| {
            Duration::from_secs_f32(tokens.saturating_sub(1) as f32 / rate.max(f32::MIN_POSITIVE))
        });
        // A generation that was cut short has no end of its own.
        let end = first.map_or(turn.ended, |first| first + decoded.unwrap_or_default());
        let mut span = self.span(turn, "llm_node", anchors.at(Anchor::Granted)?, end);
        span.parent = Some(parent);
        let counts = [
            ("gen_ai.usage.input_tokens", record.prompt_tokens),
            ("troupe.cached_tokens", record.cached_tokens),
            ("gen_ai.usage.output_tokens", record.completion_tokens),
        ];
        for (key, count) in counts {
            span.attributes.extend(count.map(|count| (key, Value::Int(u64::from(count)))));
        }
        let rate = record.decode_tok_s.map(|rate| Value::Double(f64::from(rate)));
        span.attributes.extend(rate.map(|rate| ("troupe.decode_tok_s", rate)));
        Some(span)
    }

    fn tts_node(&self, turn: &Turn, parent: [u8; 8]) -> Option<Span> {
        let begun = turn.anchors.at(Anchor::FirstClause)?;
        let mut span = self.span(turn, "tts_node", begun, turn.anchors.at(Anchor::FirstAudio)?);
        span.parent = Some(parent);
        Some(span)
    }

    fn span(&self, turn: &Turn, name: &'static str, start: Time, end: Time) -> Span {
        let (first, second) = (self.id(("trace", turn.record.line)), self.id(turn.record.line));
        let mut trace = [0; 16];
        trace[..8].copy_from_slice(&first);
        trace[8..].copy_from_slice(&second);
        Span {
            trace,
            id: self.id((name, turn.record.turn)),
            parent: None,
            name,
            start_unix_ns: unix_ns(turn, start),
            end_unix_ns: unix_ns(turn, end),
            attributes: vec![("troupe.line", Value::Text(turn.record.line.to_string()))],
            error: None,
        }
    }

    fn id(&self, of: impl std::hash::Hash) -> [u8; 8] {
        self.ids.hash_one(of).to_be_bytes()
    }
}

/// A moment of the host's clock by the wall clock, which may be set meanwhile: the turn's end is
/// the only moment that is taken from it.
fn unix_ns(turn: &Turn, at: Time) -> u64 {
    let moment = turn.wall - turn.ended.since(at);
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn seconds(us: u64) -> Value {
    Value::Double(us as f64 / 1e6)
}

/// An `ExportTraceServiceRequest`.
pub(super) fn encode(resource: &[Attribute], spans: &[Span]) -> Vec<u8> {
    super::proto::request(resource, |scope| {
        for span in spans {
            scope.message(2, |to| span.encode(to));
        }
    })
}

impl Span {
    fn encode(&self, to: &mut Message) {
        to.bytes(1, &self.trace);
        to.bytes(2, &self.id);
        if let Some(parent) = &self.parent {
            to.bytes(4, parent);
        }
        to.text(5, self.name);
        to.uint(6, KIND_INTERNAL);
        to.fixed64(7, self.start_unix_ns);
        to.fixed64(8, self.end_unix_ns);
        self.attributes.iter().for_each(|pair| attribute(to, 9, pair));
        if let Some(error) = &self.error {
            to.message(15, |status| {
                status.text(2, error);
                status.uint(3, STATUS_ERROR);
            });
        }
    }
}
