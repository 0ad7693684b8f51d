//! A question to the room whose answerer the model may choose. Those who may answer wait together;
//! the choice by evidence stands when the model says nothing in time, or anything else happens that
//! has to do with who speaks.

use super::Core;
use crate::id::LineId;
use crate::latency::{Outcome, Reason};
use crate::llm::{Question, Score};
use crate::time::Time;
use crate::turn::addressing::{Bearing, Verdict};
use crate::turn::floor::Ticket;
use crate::turn::rank::{self, Bid};
use crate::turn::{Effect, Event, Line};

/// Those who may answer one line, and until when the model may say who does.
#[derive(Clone, Debug)]
pub(super) struct Contest {
    line: LineId,
    until: Time,
    /// The first is the choice by evidence.
    bids: Vec<(Ticket, f32)>,
}

/// The model ranks so many at most: each costs the prefill of the line.
const BIDS_MAX: usize = 8;

impl Core {
    /// Whether the model is to say who of the candidates answers.
    pub(super) fn is_contested(&self, verdict: &Verdict) -> bool {
        self.options.decide.asks_the_model()
            && verdict.bearing == Bearing::Room
            && verdict.addressees.len() == 1
            && (2..=BIDS_MAX).contains(&verdict.candidates.len())
    }

    /// Asks the model about `text`, the newest line.
    pub(super) fn contest(
        &mut self,
        now: Time,
        text: &str,
        chosen: Ticket,
        rest: Vec<Ticket>,
        verdict: &Verdict,
    ) {
        let words = |ticket: &Ticket| {
            let at = verdict.candidates.iter().position(|one| *one == ticket.persona);
            at.and_then(|at| verdict.words.get(at)).copied().unwrap_or_default()
        };
        let line = chosen.line;
        let bids: Vec<(Ticket, f32)> =
            std::iter::once(chosen).chain(rest).map(|one| (one.clone(), words(&one))).collect();
        let questions: Option<Vec<Question>> =
            bids.iter().map(|(ticket, _)| self.question(ticket.persona, text)).collect();
        let wait = self.options.rank_wait;
        self.contest = Some(Contest { line, until: now + wait, bids });
        match questions {
            Some(questions) => self.effects.push(Effect::Rank { line, questions, wait }),
            None => self.decided(None),
        }
    }

    /// The persona's view up to the newest line's words, and these: also of one who will hear that
    /// line, since a choice does not wait for its sound.
    fn question(&self, persona: usize, text: &str) -> Option<Question> {
        let mut before = self.transcript.lines();
        let words = Line { sound: None, ..before.next_back()?.clone() };
        let mut messages = self.view_of(persona, before.chain([&words]));
        let last = messages.last_mut()?;
        let lead = last.content.strip_suffix(text.trim())?.trim_end().len();
        let text = last.content.split_off(lead);
        Some(Question { seat: self.cast[persona].id.clone(), messages, text })
    }

    /// The choice by evidence stands when its time is over, or `event` is one that turns depend on.
    pub(super) fn end_contest(&mut self, now: Time, event: &Event) {
        let Some(contest) = &self.contest else { return };
        let waits = matches!(
            event,
            Event::Ranked { .. }
                | Event::Wake
                | Event::HumanJoined { .. }
                | Event::SpeechDropped { .. }
                | Event::SpeechBegan { .. }
        );
        if now >= contest.until || !waits {
            self.decided(None);
        }
    }

    pub(super) fn ranked(&mut self, line: LineId, scores: &[Score]) {
        let Some(contest) = self.contest.as_ref().filter(|contest| contest.line == line) else {
            self.stats.events_ignored += 1;
            return;
        };
        let bids: Vec<Bid> = contest
            .bids
            .iter()
            .zip(scores)
            .map(|((_, words), score)| Bid { words: *words, score: *score })
            .collect();
        let whole = bids.len() == contest.bids.len();
        let options = self.options;
        let best = rank::best(options.decide, options.weights, &bids).filter(|_| whole);
        self.decided(best);
    }

    /// Who answers is settled: `best` by the model, else by evidence.
    pub(super) fn decided(&mut self, best: Option<(usize, f32)>) {
        let Some(mut contest) = self.contest.take() else { return };
        let (mut winner, _) = contest.bids.remove(best.map_or(0, |(at, _)| at));
        if let Some((at, confidence)) = best {
            winner.confidence = confidence;
            let same = at == 0;
            let reason = if same { winner.reason } else { Reason::Borrowed("knows it best") };
            winner.reason = reason;
        }
        for (ticket, _) in contest.bids {
            let end = (Outcome::Outbid, Reason::Borrowed("another's turn"));
            self.settle(&Ticket { confidence: 0.0, ..ticket }, end, String::new());
        }
        self.floor.wait(winner);
        self.floor.rounds_last();
    }

    /// When the model has had its time.
    pub(super) fn contest_until(&self) -> Option<Time> {
        self.contest.as_ref().map(|contest| contest.until)
    }
}

#[cfg(test)]
mod tests;
