//! A cast of twelve: how long their seats take to be warm, with and without taking over what they
//! share, and the memory of twelve long seats.

use std::time::{Duration, Instant};

use super::{Load, Options, load, rounded, wrong};
use crate::bench::house::cast;
use crate::bench::{BenchError, Report, ms, rss_mb};
use crate::llm::llama::LlamaEngine;
use crate::llm::{Engine as _, prompt};
use crate::time::Clock;

const NAMES: [&str; 12] = [
    "Nora", "Felix", "Ada", "Otis", "Fatou", "Cosmo", "Mirjam", "Pike", "Saffron", "Dele", "Bruno",
    "Ines",
];
const CARD: &str = "a friend of the house who has seen much of the world, and likes to talk of \
                    gardens, ships and old books.";
const LONG_SEAT_TOKENS: u32 = 4_096;

pub(super) async fn measure(options: &Options, report: &mut Report) -> Result<(), BenchError> {
    let settings = |copy_tokens| {
        let settings = Load::new(options.model.clone(), NAMES.len());
        Load { threads: options.threads, copy_tokens, ..settings }
    };
    let shares = Load::new(options.model.clone(), 1).copy_tokens;
    let alone = warm(&load(settings(usize::MAX), Clock::start()).await?).await?;
    let engine = load(settings(shares), Clock::start()).await?;
    let shared = warm(&engine).await?;
    let copied = engine.stats().copied_tokens;
    drop(engine);

    let before_mb = rss_mb();
    let long = Load { context_tokens: LONG_SEAT_TOKENS, ..settings(shares) };
    let engine = load(long, Clock::start()).await?;
    warm(&engine).await?;
    let weights_mb = std::fs::metadata(&options.model)?.len() as f64 / f64::from(1 << 20);
    let mut figure = |key: &str, value: f64| {
        report.figures.insert(key.to_owned(), rounded(value));
    };
    figure("warm_up_12_alone_ms", ms(alone));
    figure("warm_up_12_ms", ms(shared));
    figure("warm_up_12_copied_tokens", copied as f64);
    figure("memory_12x4k_mib", rss_mb() - before_mb - weights_mb);
    Ok(())
}

/// The whole cast's seats, one after the other, as a host warms them.
async fn warm(engine: &LlamaEngine) -> Result<Duration, BenchError> {
    let begun = Instant::now();
    for mut persona in cast(NAMES) {
        persona.card = format!("{} is {CARD}", persona.name);
        let system = prompt::system_message(&persona, &NAMES);
        engine.warm_up(&persona.id, &[system]).await.map_err(wrong)?;
    }
    Ok(begun.elapsed())
}
