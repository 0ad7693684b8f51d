//! `troupe bench engine`: the language engine beside the plainest loop over llama.cpp, in one run
//! on one model.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::machine::CpuUse;
use super::{BenchError, Report, row};
use crate::llm::llama::{LlamaEngine, Options as Load};
use crate::time::Clock;

mod adapters;
mod cast;
mod talk;
mod widths;

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
    adapters::measure(options, &mut report).await?;
    report.figures.insert("other_cpu_share".to_owned(), rounded(cpu.others_share()));
    Ok(report)
}

/// Loads an engine where blocking is allowed.
async fn load(options: Load) -> Result<Arc<LlamaEngine>, BenchError> {
    let load = move || LlamaEngine::load(options, Clock::start());
    let engine = tokio::task::spawn_blocking(load).await.map_err(wrong)?;
    Ok(Arc::new(engine.map_err(wrong)?))
}

fn wrong(error: impl std::fmt::Display) -> BenchError {
    BenchError::Wrong(error.to_string())
}

/// The one in the middle.
fn median(mut values: Vec<Duration>) -> Duration {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn per_second(tokens: usize, took: Duration) -> f64 {
    tokens as f64 / took.as_secs_f64().max(f64::MIN_POSITIVE)
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
