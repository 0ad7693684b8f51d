//! Four personas with an adapter each, all speaking: steps grouped by adapter, against one adapter
//! after the other.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::cast::{ask, message, persona, request};
use super::{Load, Options, load, rounded, wrong};
use crate::bench::{BenchError, Report};
use crate::id::PersonaId;
use crate::llm::adapter::Adapter;
use crate::llm::adapter::noise::Noise;
use crate::llm::gguf::Gguf;
use crate::llm::{Engine as _, Role};
use crate::time::Clock;

const PERSONAS: usize = 4;
const REPLY_TOKENS: u32 = 32;
const RANK: u64 = 8;
/// Too small to change what is said.
const SIZE: f32 = 1e-4;

pub(super) async fn measure(options: &Options, report: &mut Report) -> Result<(), BenchError> {
    let folder = std::env::temp_dir().join(format!("troupe-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let adapters = make(&options.model, &folder);
    let runs = async {
        let adapters = adapters?;
        let grouped = play(options, &adapters, None).await?;
        Ok::<_, BenchError>((grouped, play(options, &adapters, Some(1)).await?))
    };
    let runs = runs.await;
    std::fs::remove_dir_all(&folder)?;
    let ((grouped, grouped_took), (naive, naive_took)) = runs?;
    let mut figure = |key: &str, value: f64| {
        report.figures.insert(key.to_owned(), rounded(value));
    };
    figure("adapter_switches", grouped as f64);
    figure("adapter_switches_naive", naive as f64);
    figure("adapter_switches_vs_naive", grouped as f64 / naive.max(1) as f64);
    figure("adapter_time_vs_naive", grouped_took.as_secs_f64() / naive_took.as_secs_f64());
    Ok(())
}

/// An adapter for each persona, over the attention of every block.
fn make(model: &Path, folder: &Path) -> Result<HashMap<PersonaId, Adapter>, BenchError> {
    let model = Gguf::open(model).map_err(wrong)?;
    let architecture = model.text("general.architecture").unwrap_or_default();
    let mut noise = Noise::new(architecture);
    for (name, tensor) in model.tensors().filter(|(name, _)| name.ends_with("attn_q.weight")) {
        let &[width, height] = &tensor.shape[..] else { continue };
        noise = noise.adapt(name, [width, height], RANK, SIZE);
    }
    let one = |index: usize| {
        let adapter = noise.write(&folder.join(format!("{index}.gguf")))?;
        Ok((persona(index), adapter))
    };
    (0..PERSONAS).map(one).collect()
}

/// Switches while everybody speaks, and how long that took.
async fn play(
    options: &Options,
    adapters: &HashMap<PersonaId, Adapter>,
    patience_steps: Option<u32>,
) -> Result<(u64, Duration), BenchError> {
    let mut settings = Load::new(options.model.clone(), PERSONAS);
    settings.threads = options.threads;
    settings.adapters = adapters.clone();
    settings.patience_steps = patience_steps.unwrap_or(settings.patience_steps);
    let engine = load(settings, Clock::start()).await?;
    let system = || message(Role::System, "You are in a room and love to tell stories.");
    for seat in 0..PERSONAS {
        engine.warm_up(&persona(seat), &[system()]).await.map_err(wrong)?;
    }
    let before = engine.stats().adapter_switches;
    let begun = Instant::now();
    let asked = |seat| {
        let user = message(Role::User, "Tell me a long story.");
        ask(&engine, request(seat, vec![system(), user], REPLY_TOKENS))
    };
    try_join_all((0..PERSONAS).map(asked)).await?;
    Ok((engine.stats().adapter_switches - before, begun.elapsed()))
}
