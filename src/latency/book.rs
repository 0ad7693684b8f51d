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
/// Upper edges of the small histogram that a page draws, each bucket including its own: from a
/// free decision to a turn that nobody waits for. One more bucket holds what is longer.
pub const BOUNDS_US: [u64; 14] = [
    1_000, 3_000, 10_000, 25_000, 50_000, 100_000, 200_000, 350_000, 500_000, 700_000, 1_000_000,
    1_500_000, 2_000_000, 4_000_000,
];
const BUCKETS: usize = BOUNDS_US.len() + 1;

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
    buckets: [u64; BUCKETS],
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
    /// Turns in each bucket of [`BOUNDS_US`], the last for what is longer.
    pub histogram: [u64; BUCKETS],
}

impl Book {
    pub fn record(&mut self, record: &TurnRecord) {
        let page = self.personas.entry(record.persona.clone()).or_default();
        *page.outcomes.entry(record.outcome).or_default() += 1;
        if !record.was_granted() {
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
        Self { histogram, buckets: [0; BUCKETS], max_us: 0 }
    }
}

impl Times {
    fn add(&mut self, took_us: u64) {
        self.histogram.saturating_record(took_us);
        self.buckets[BOUNDS_US.partition_point(|bound| *bound < took_us)] += 1;
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
            histogram: self.buckets,
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

    /// A heard line that a persona answers; each stage takes 10 ms times its place, and `more_us`.
    fn spoken(more_us: u64) -> Anchors {
        let mut at_us = 0;
        let mut next = |place: u64| {
            at_us += 10_000 * place + more_us;
            Time::from_us(at_us)
        };
        let mut anchors = Anchors::heard(Time::ZERO, next(1));
        let moments = [
            Anchor::Text,
            Anchor::Granted,
            Anchor::Started,
            Anchor::Prefilled,
            Anchor::FirstText,
            Anchor::FirstClause,
            Anchor::FirstAudio,
            Anchor::Published,
        ];
        for (place, moment) in (2..).zip(moments) {
            anchors.mark(moment, next(place));
        }
        anchors
    }

    #[test]
    fn known_gaps_come_back_and_sum_to_the_whole() {
        let mut book = Book::default();
        for more_us in 0..=100 {
            book.record(&record(Outcome::Spoke, &spoken(more_us)));
        }
        let rows = book.rows();
        assert_eq!(rows.len(), Stage::ALL.len() + 1);
        for (row, place) in rows.iter().zip(1..=9) {
            let gap_us = 10_000.0 * f64::from(place) + 50.0;
            assert!((row.p50_us as f64 / gap_us - 1.0).abs() < 0.01, "{row:?} for {gap_us}");
            assert_eq!((row.count, row.histogram.iter().sum()), (101, 101));
        }
        let sum_us: u64 = rows[..9].iter().map(|row| row.p50_us).sum();
        let e2e = &rows[9];
        assert_eq!((e2e.stage, e2e.max_us), ("e2e", 450_000 + 9 * 100));
        assert!(sum_us.abs_diff(e2e.p50_us) < 10_000, "{sum_us} for {}", e2e.p50_us);
    }

    #[test]
    fn a_turn_that_broke_off_is_null_with_a_reason_from_there_on_and_never_zero() {
        let mut anchors = Anchors::heard(Time::ZERO, Time::from_ms(300));
        anchors.mark(Anchor::Text, Time::from_ms(400));
        anchors.mark(Anchor::Granted, Time::from_ms(402));
        anchors.mark(Anchor::Started, Time::from_ms(403));
        let record = record(Outcome::Interrupted, &anchors);
        let json = serde_json::to_value(&record).expect("a record is JSON");
        for stage in &Stage::ALL[4..] {
            assert_eq!(json["stages_us"][stage.as_str()], serde_json::Value::Null);
            assert_eq!(json["missing"][stage.as_str()], "not reached");
        }
        let mut book = Book::default();
        book.record(&record);
        let named: Vec<_> = book.rows().iter().map(|row| (row.stage, row.max_us)).collect();
        let expected = [
            ("end_of_turn", 300_000),
            ("transcription", 100_000),
            ("decide", 2_000),
            ("queue", 1_000),
        ];
        assert_eq!(named, expected);
        let ada = PersonaId::new("ada");
        assert_eq!(book.outcomes().collect::<Vec<_>>(), [(&ada, Outcome::Interrupted, 1)]);
    }

    #[test]
    fn a_bucket_holds_its_own_bound() {
        let mut times = Times::default();
        for took_us in [0, 1_000, 1_001, 4_000_000, 4_000_001] {
            times.add(took_us);
        }
        let row = times.row(&PersonaId::new("ada"), "e2e");
        let first_and_last = [row.histogram[0], row.histogram[1], row.histogram[13]];
        assert_eq!((first_and_last, row.histogram[14]), ([2, 1, 1], 1));
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
