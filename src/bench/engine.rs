//! `troupe bench engine`: the language engine beside the plainest loop over llama.cpp, in one run
//! on one model.

use std::path::PathBuf;
use std::time::Duration;

use super::house::engine as load;
use super::machine::CpuUse;
use super::{BenchError, Report, quantile, row};
use crate::llm::llama::Options as Load;

mod adapters;
mod boot;
mod cast;
mod decide;
mod quantised;
mod talk;
mod widths;

pub(super) use cast::ask;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Options {
    /// A GGUF file.
    pub model: PathBuf,
    /// Each figure is taken so often, and the median counts.
    pub rounds: usize,
    /// 0 is the engine's own rule.
    pub threads: u32,
}

/// Runs it all.
///
/// # Errors
/// When the model cannot be loaded, or a request fails.
pub async fn run(options: &Options) -> Result<Report, BenchError> {
    let mut report = Report::new("engine");
    let cpu = CpuUse::start();
    widths::measure(options, &mut report).await?;
    talk::measure(options, &mut report).await?;
    boot::measure(options, &mut report).await?;
    decide::measure(options, &mut report).await?;
    adapters::measure(options, &mut report).await?;
    quantised::measure(options, &mut report).await?;
    report.figures.insert("other_cpu_share".to_owned(), rounded(cpu.others_share()));
    Ok(report)
}

fn wrong(error: impl std::fmt::Display) -> BenchError {
    BenchError::Wrong(error.to_string())
}

/// The one in the middle.
fn median(mut values: Vec<Duration>) -> Duration {
    values.sort_unstable();
    quantile(&values, 0.5)
}

fn per_second(tokens: usize, took: Duration) -> f64 {
    tokens as f64 / took.as_secs_f64().max(f64::MIN_POSITIVE)
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
