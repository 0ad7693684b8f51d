//! Percentiles per persona and stage, in bounded memory.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::{Outcome, Stage, TurnRecord};
use crate::id::PersonaId;

/// Ten minutes: longer than any turn may take; what is longer counts as that.
const LONGEST_US: u64 = 600_000_000;
/// Two digits: within 1 % of the truth, at 12 KB a histogram.
const DIGITS: u8 = 2;

/// How long the stages of everybody's turns took since the start.
///
/// Only granted turns count: a persona that let a line pass has no turn whose time would matter.
#[derive(Clone, Debug, Default)]
pub struct Book {
    personas: BTreeMap<PersonaId, Page>,
}

#[derive(Clone, Debug, Default)]
struct Page {
    stages: BTreeMap<Stage, Times>,
    e2e: Times,
    outcomes: BTreeMap<Outcome, u64>,
}

#[derive(Clone, Debug)]
struct Times {
    histogram: Histogram<u32>,
    max_us: u64,
}

/// A line of `/api/latency`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub persona: PersonaId,
    /// A [`Stage`]'s name, or `e2e`.
    pub stage: &'static str,
    pub count: u64,
    pub p50_us: u64,
    pub p95_us: u64,
    pub p99_us: u64,
    pub max_us: u64,
}

impl Book {
    pub fn record(&mut self, record: &TurnRecord) {
        let page = self.personas.entry(record.persona.clone()).or_default();
        *page.outcomes.entry(record.outcome).or_default() += 1;
        if record.stages_us.get(&Stage::Decide).copied().flatten().is_none() {
            return;
        }
        for (stage, took_us) in &record.stages_us {
            if let Some(took_us) = took_us {
                page.stages.entry(*stage).or_default().add(*took_us);
            }
        }
        if let Some(e2e_us) = record.e2e_us {
            page.e2e.add(e2e_us);
        }
    }

    /// By persona, then in the order of the stages, `e2e` last. What never happened has no row.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (persona, page) in &self.personas {
            rows.extend(
                page.stages.iter().map(|(stage, times)| times.row(persona, stage.as_str())),
            );
            if !page.e2e.histogram.is_empty() {
                rows.push(page.e2e.row(persona, "e2e"));
            }
        }
        rows
    }

    /// How often each persona's turns came to each end.
    pub fn outcomes(&self) -> impl Iterator<Item = (&PersonaId, Outcome, u64)> {
        self.personas.iter().flat_map(|(persona, page)| {
            page.outcomes.iter().map(move |(outcome, count)| (persona, *outcome, *count))
        })
    }
}

impl Default for Times {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, DIGITS)
            .expect("the bounds are constants that the histogram allows");
        Self { histogram, max_us: 0 }
    }
}

impl Times {
    fn add(&mut self, took_us: u64) {
        self.histogram.saturating_record(took_us);
        self.max_us = self.max_us.max(took_us);
    }

    fn row(&self, persona: &PersonaId, stage: &'static str) -> Row {
        // A bucket's upper edge may lie beyond the largest value in it.
        let quantile = |q| self.histogram.value_at_quantile(q).min(self.max_us);
        Row {
            persona: persona.clone(),
            stage,
            count: self.histogram.len(),
            p50_us: quantile(0.50),
            p95_us: quantile(0.95),
            p99_us: quantile(0.99),
            max_us: self.max_us,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Anchor, Anchors, Reason, Usage};
    use super::*;
    use crate::id::{LineId, TurnId};
    use crate::time::Time;
    use crate::turn::Settled;

    fn record(outcome: Outcome, anchors: &Anchors) -> TurnRecord {
        let settled = Settled {
            turn: TurnId(1),
            line: LineId(1),
            persona: PersonaId::new("ada"),
            outcome,
            reason: Reason::Borrowed("named"),
            confidence: 1.0,
            heard: String::new(),
        };
        settled.into_record(anchors, Usage::default())
    }

    #[test]
    fn percentiles_are_within_one_percent_and_the_maximum_is_exact() {
        let mut book = Book::default();
        for took_ms in 1..=1_000 {
            let mut anchors = Anchors::typed(Time::ZERO);
            anchors.mark(Anchor::Granted, Time::from_ms(took_ms));
            book.record(&record(Outcome::Failed, &anchors));
        }
        let rows = book.rows();
        let [row] = rows.as_slice() else { panic!("one stage was measured: {rows:?}") };
        assert_eq!((row.stage, row.count, row.max_us), ("decide", 1_000, 1_000_000));
        for (found, want) in
            [(row.p50_us, 500_000.0), (row.p95_us, 950_000.0), (row.p99_us, 990_000.0)]
        {
            assert!((found as f64 / want - 1.0).abs() < 0.01, "{found} for {want}");
        }
    }

    #[test]
    fn turns_that_were_not_granted_are_counted_and_not_timed() {
        let mut book = Book::default();
        let mut anchors = Anchors::heard(Time::ZERO, Time::from_ms(500));
        anchors.mark(Anchor::Text, Time::from_ms(700));
        book.record(&record(Outcome::Passed, &anchors));
        assert_eq!(book.rows(), []);
        let ada = PersonaId::new("ada");
        assert_eq!(book.outcomes().collect::<Vec<_>>(), [(&ada, Outcome::Passed, 1)]);
    }
}
