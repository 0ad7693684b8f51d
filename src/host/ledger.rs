//! The moments of every line and turn under way, and the records of those that are settled.

use std::collections::{HashMap, VecDeque};

use super::probes;
use crate::admin::state::Seat;
use crate::id::{LineId, PersonaId, TurnId};
use crate::latency::{Anchor, Anchors, TurnRecord, Usage};
use crate::speech::{self, Step, What};
use crate::stt::service::Heard;
use crate::telemetry;
use crate::time::Time;
use crate::turn::{Grant, Settled};

/// Lines whose moments are kept: a line is settled within a minute, and a room makes far fewer.
const LINES_MAX: usize = 256;
/// Settled turns kept for the report at the end of a run.
const RECORDS_MAX: usize = 1_000;

/// Keeps the books of a run.
#[derive(Default)]
pub(super) struct Ledger {
    lines: HashMap<LineId, Anchors>,
    order: VecDeque<LineId>,
    turns: HashMap<TurnId, Open>,
    seats: HashMap<PersonaId, Prompts>,
    records: VecDeque<TurnRecord>,
}

/// All prompts of one seat.
#[derive(Default)]
struct Prompts {
    newest_tokens: u32,
    tokens: u64,
    /// How many of them the seat already held.
    cached_tokens: u64,
}

struct Open {
    persona: PersonaId,
    anchors: Anchors,
    usage: Usage,
}

impl Ledger {
    /// A line was typed.
    pub(super) fn typed(&mut self, line: LineId, arrived: Time) {
        self.keep(line, Anchors::typed(arrived));
    }

    /// A line was heard, and is text now.
    pub(super) fn heard(&mut self, line: LineId, heard: &Heard) {
        let utterance = &heard.utterance;
        let mut anchors = Anchors::heard(utterance.voiced_end, utterance.endpoint)
            .begun_at(utterance.voiced_start);
        anchors.mark(Anchor::Text, heard.done);
        self.keep(line, anchors);
    }

    fn keep(&mut self, line: LineId, anchors: Anchors) {
        self.lines.insert(line, anchors);
        self.order.push_back(line);
        if self.order.len() > LINES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.lines.remove(&oldest);
        }
    }

    /// A turn got the floor. A line that is not a human's was just said by a persona.
    pub(super) fn granted(&mut self, grant: &Grant, now: Time) {
        let mut anchors =
            self.lines.get(&grant.line).cloned().unwrap_or_else(|| Anchors::spoken(now));
        probes::granted(grant, &anchors, now);
        anchors.mark(Anchor::Granted, now);
        let persona = grant.persona.clone();
        let pictures = grant.pictures().map(|picture| picture.id().clone()).collect();
        let sounds = grant.sounds().map(|sound| sound.id().clone()).collect();
        let usage = Usage { pictures, sounds, ..Usage::default() };
        self.turns.insert(grant.turn, Open { persona, anchors, usage });
    }

    /// How full a persona's seat is, and how much of its prompts it already held. None before its
    /// first prompt.
    pub(super) fn seat(&self, persona: &PersonaId) -> Option<Seat> {
        let prompts = self.seats.get(persona)?;
        let ratio = prompts.cached_tokens as f32 / prompts.tokens.max(1) as f32;
        Some(Seat { tokens: prompts.newest_tokens, cached_ratio: Some(ratio) })
    }

    /// Whose turn it is, while it is open.
    pub(super) fn persona(&self, turn: TurnId) -> Option<PersonaId> {
        self.turns.get(&turn).map(|open| open.persona.clone())
    }

    /// A granted turn is heard, or over.
    pub(super) fn speech(&mut self, event: &speech::Event) {
        let Some(open) = self.turns.get_mut(&event.turn) else { return };
        for (at, step) in &event.steps {
            let anchor = match step {
                Step::Started => Anchor::Started,
                Step::Prefilled { prompt_tokens, cached_tokens }
                | Step::Counted { prompt_tokens, cached_tokens } => {
                    open.usage.prompt_tokens = Some(*prompt_tokens);
                    open.usage.cached_tokens = Some(*cached_tokens);
                    let seat = self.seats.entry(open.persona.clone()).or_default();
                    seat.newest_tokens = *prompt_tokens;
                    seat.tokens += u64::from(*prompt_tokens);
                    seat.cached_tokens += u64::from(*cached_tokens);
                    if matches!(step, Step::Counted { .. }) {
                        continue;
                    }
                    Anchor::Prefilled
                }
                Step::FirstText => Anchor::FirstText,
                Step::FirstClause => Anchor::FirstClause,
                Step::FirstAudio => {
                    probes::first_audio(event.turn, *at, &open.anchors);
                    Anchor::FirstAudio
                }
            };
            open.anchors.mark(anchor, *at);
        }
        probes::speech(event);
        match &event.what {
            What::Published => open.anchors.mark(Anchor::Published, event.at),
            What::Ended(ended) => {
                open.usage.completion_tokens = ended.completion_tokens;
                open.usage.decode_tok_s = decode_tok_s(ended);
            }
        }
    }

    /// A turn is over, or came to nothing.
    pub(super) fn settle(&mut self, settled: Settled, now: Time) -> TurnRecord {
        let (anchors, usage) = match self.turns.remove(&settled.turn) {
            Some(open) => (open.anchors, open.usage),
            None => {
                let line = self.lines.get(&settled.line).cloned();
                (line.unwrap_or_else(|| Anchors::spoken(Time::ZERO)), Usage::default())
            }
        };
        let record = settled.into_record(&anchors, usage);
        probes::settled(&record);
        telemetry::turn(&record, &anchors, now);
        if self.records.len() == RECORDS_MAX {
            self.records.pop_front();
        }
        self.records.push_back(record.clone());
        record
    }

    /// The newest records, oldest first.
    pub(super) fn into_records(self) -> Vec<TurnRecord> {
        self.records.into()
    }
}

/// The first token comes with the prefill; decoding is what follows it.
fn decode_tok_s(ended: &speech::Ended) -> Option<f32> {
    let seconds = ended.decode?.as_secs_f32();
    let decoded = ended.completion_tokens?.checked_sub(1)? as f32;
    (seconds > 0.0).then(|| decoded / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turn::Manner;

    #[test]
    fn a_seats_reuse_is_that_of_all_its_prompts() {
        let ada = PersonaId::new("ada");
        let mut ledger = Ledger::default();
        assert_eq!(ledger.seat(&ada), None);
        for (turn, prompt_tokens, cached_tokens) in [(1, 100, 60), (2, 300, 280)] {
            let grant = Grant {
                turn: TurnId(turn),
                persona: ada.clone(),
                line: LineId(turn),
                manner: Manner::Typed,
                confidence: 1.0,
                messages: [].into(),
                says: None,
            };
            ledger.granted(&grant, Time::ZERO);
            let steps = vec![(Time::ZERO, Step::Prefilled { prompt_tokens, cached_tokens })];
            let (turn, at, what) = (TurnId(turn), Time::ZERO, What::Published);
            ledger.speech(&speech::Event { turn, at, what, steps });
        }
        assert_eq!(ledger.seat(&ada), Some(Seat { tokens: 300, cached_ratio: Some(0.85) }));
    }
}
