//! Benches: what the host can do, in figures that can be compared between machines and versions.
//!
//! Every bench gives a [`Report`] of one shape. The keys of its figures are contracts: scripts and
//! the documents name them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

pub mod answers;
#[cfg(all(feature = "llama", feature = "livekit"))]
pub mod crowd;
#[cfg(feature = "llama")]
pub mod engine;
mod house;
pub mod identity;
#[cfg(feature = "llama")]
pub mod jury;
mod machine;
pub mod replay;
pub mod sim;
pub mod stress;
#[cfg(all(feature = "llama", feature = "livekit"))]
pub mod voice;

pub use machine::{Machine, rss_mb};

/// What a bench found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The bench's name, as the command line has it.
    pub bench: &'static str,
    pub machine: Machine,
    /// What is compared: the unit is the end of the key.
    pub figures: BTreeMap<String, f64>,
    /// The table. Every row has the same columns, in their order.
    pub rows: Vec<Map<String, Value>>,
}

/// Why a bench gives no report: one sentence.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// What was measured is not what was asked for, so that its figures would mislead.
    #[error("{0}")]
    Wrong(String),
    #[error("the bench could not begin: {0}")]
    Runtime(#[from] io::Error),
}

impl Report {
    /// An empty report of this machine as it is now.
    pub fn new(bench: &'static str) -> Self {
        Self { bench, machine: Machine::read(), figures: BTreeMap::new(), rows: Vec::new() }
    }

    /// Writes one JSON object on one line.
    ///
    /// # Errors
    /// When the output takes no more.
    pub fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        writeln!(out)
    }

    /// Writes the machine, an aligned table and the figures, for people.
    ///
    /// # Errors
    /// When the output takes no more.
    pub fn write_table(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}: {}", self.bench, self.machine)?;
        let columns: Vec<&String> = self.rows.first().into_iter().flat_map(Map::keys).collect();
        let cells: Vec<Vec<String>> = self.rows.iter().map(|row| cells(row, &columns)).collect();
        let width = |at: usize| {
            let cells = cells.iter().map(|row| row[at].chars().count());
            cells.chain([columns[at].chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns.len()).map(width).collect();
        let line = |cells: &mut dyn Iterator<Item = &str>| -> String {
            let padded = cells.zip(&widths).map(|(cell, &width)| format!("{cell:>width$}"));
            padded.collect::<Vec<_>>().join("  ")
        };
        if !columns.is_empty() {
            writeln!(out, "\n{}", line(&mut columns.iter().map(|name| name.as_str())))?;
        }
        for row in &cells {
            writeln!(out, "{}", line(&mut row.iter().map(String::as_str)))?;
        }
        if !self.figures.is_empty() {
            writeln!(out)?;
        }
        let width = self.figures.keys().map(String::len).max().unwrap_or(0);
        for (key, value) in &self.figures {
            writeln!(out, "{key:<width$}  {}", number(*value))?;
        }
        Ok(())
    }
}

fn cells(row: &Map<String, Value>, columns: &[&String]) -> Vec<String> {
    let cell = |value: &Value| match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(value) if value.is_f64() => number(value.as_f64().unwrap_or(f64::NAN)),
        other => other.to_string(),
    };
    columns.iter().map(|name| row.get(*name).map_or_else(String::new, cell)).collect()
}

/// Three decimals, fewer where they are nothing.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A row from its columns.
pub fn row<const N: usize>(columns: [(&str, Value); N]) -> Map<String, Value> {
    columns.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The smallest value that so many are not above; of nothing, zero.
fn quantile(sorted: &[Duration], part: f64) -> Duration {
    let rank = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let machine = Machine {
            cores: 2,
            cpu: "a fast one".to_owned(),
            load_1m: 0.25,
            memory_mb: 4_096,
            memory_free_mb: 1_024,
        };
        let rows = vec![
            row([("room", "2x10".into()), ("mean_ms", 50.25.into()), ("errors", 0.into())]),
            row([("room", "12x5".into()), ("mean_ms", Value::Null), ("errors", 10.into())]),
        ];
        let figures = [("overhead_p99_ms_12".to_owned(), 0.5)];
        Report { bench: "trial", machine, figures: figures.into(), rows }
    }

    #[test]
    fn a_report_is_one_object_of_the_contract() {
        let mut out = Vec::new();
        report().write_json(&mut out).expect("memory takes it");
        let expected = concat!(
            r#"{"bench":"trial","machine":{"cores":2,"cpu":"a fast one","load_1m":0.25,"#,
            r#""memory_mb":4096,"memory_free_mb":1024},"figures":{"overhead_p99_ms_12":0.5},"#,
            r#""rows":[{"room":"2x10","mean_ms":50.25,"errors":0},"#,
            r#"{"room":"12x5","mean_ms":null,"errors":10}]}"#,
            "\n"
        );
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn a_table_stands_in_columns() {
        let mut out = Vec::new();
        report().write_table(&mut out).expect("memory takes it");
        insta::assert_snapshot!(String::from_utf8_lossy(&out), @"
        trial: 2 cores of a fast one, load 0.25, 1024 of 4096 MB free

        room  mean_ms  errors
        2x10    50.25       0
        12x5        –      10

        overhead_p99_ms_12  0.5
        ");
    }

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let ms: Vec<Duration> = (1..=60).map(Duration::from_millis).collect();
        let of = |part| quantile(&ms, part).as_millis();
        assert_eq!([of(0.5), of(0.95), of(0.99), of(1.0)], [30, 57, 60, 60]);
        assert_eq!(quantile(&[], 0.99), Duration::ZERO);
    }
}
