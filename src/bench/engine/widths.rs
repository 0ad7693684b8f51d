//! Prompts and replies of 1 to 12 seats side by side, beside the bare loop.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::cast::{ask, message, persona, request};
use super::{Load, Options, load, median, per_second, rounded, row, wrong};
use crate::bench::{BenchError, Report};
use crate::llm::llama::bare::Bare;
use crate::llm::{Engine as _, Message, Role};
use crate::time::Clock;

const WIDTHS: [usize; 5] = [1, 2, 4, 8, 12];
/// Words of the prompts: a little more than as many tokens.
const PROMPT_WORDS: usize = 360;
const REPLY_TOKENS: u32 = 48;

pub(super) async fn measure(options: &Options, report: &mut Report) -> Result<(), BenchError> {
    let (mut prefill_worst, mut decode_worst) = (f64::INFINITY, f64::INFINITY);
    for width in WIDTHS {
        let Width { prompt_tokens, reply_tokens, prefill, decode } = ours(options, width).await?;
        let (bare_prefill, bare_decode) = bare(options, prompt_tokens, &reply_tokens).await?;
        let (prompts, replies) = (prompt_tokens * width, reply_tokens.iter().sum());
        let vs = |ours: Duration, bare: Duration| bare.as_secs_f64() / ours.as_secs_f64();
        prefill_worst = vs(prefill, bare_prefill).min(prefill_worst);
        decode_worst = vs(decode, bare_decode).min(decode_worst);
        let speed = |tokens, took| per_second(tokens, took).round();
        report.rows.push(row([
            ("seats", width.into()),
            ("prefill_tok_s", speed(prompts, prefill).into()),
            ("bare_prefill_tok_s", speed(prompts, bare_prefill).into()),
            ("prefill_vs_bare", rounded(vs(prefill, bare_prefill)).into()),
            ("decode_tok_s", speed(replies, decode).into()),
            ("bare_decode_tok_s", speed(replies, bare_decode).into()),
            ("decode_vs_bare", rounded(vs(decode, bare_decode)).into()),
        ]));
    }
    report.figures.insert("prefill_vs_bare".to_owned(), rounded(prefill_worst));
    report.figures.insert("decode_vs_bare".to_owned(), rounded(decode_worst));
    Ok(())
}

struct Width {
    /// Of each seat.
    prompt_tokens: usize,
    /// By seat.
    reply_tokens: Vec<usize>,
    prefill: Duration,
    decode: Duration,
}

fn settings(options: &Options, seats: usize) -> Load {
    Load { threads: options.threads, ..Load::new(options.model.clone(), seats) }
}

/// A prompt that no other seat and no other round shares anything with.
fn prompt(seat: usize, round: usize) -> Vec<Message> {
    let words = (0..PROMPT_WORDS).map(|word| ["moss", "salt", "wind", "stone"][word * 7 % 4]);
    let words: Vec<&str> = words.collect();
    let system = format!("{round} {seat} {}", words.join(" "));
    vec![message(Role::System, system)]
}

async fn ours(options: &Options, width: usize) -> Result<Width, BenchError> {
    let engine = &load(settings(options, width), Clock::start()).await?;
    let (mut prefills, mut decodes) = (Vec::new(), Vec::new());
    let (mut prompt_tokens, mut reply_tokens) = (0, Vec::new());
    for round in 0..options.rounds.max(1) {
        let begun = Instant::now();
        let warm = (0..width)
            .map(|seat| async move { engine.warm_up(&persona(seat), &prompt(seat, round)).await });
        let warm = try_join_all(warm).await.map_err(wrong)?;
        prefills.push(begun.elapsed());
        prompt_tokens = warm[0].prompt_tokens as usize;
        let asked = |seat| {
            let mut messages = prompt(seat, round);
            messages.push(message(Role::User, "Tell me a long story about all of this."));
            ask(engine, request(seat, messages, REPLY_TOKENS))
        };
        let replies = try_join_all((0..width).map(asked)).await?;
        // From the last prompt's end on, everybody speaks.
        let begun = replies.iter().filter_map(|reply| reply.prefilled).max().unwrap_or_default();
        let ended = replies.iter().map(|reply| reply.done).max().unwrap_or_default();
        decodes.push(ended.since(begun));
        reply_tokens = replies.iter().map(|reply| reply.completion_tokens).collect();
    }
    let (prefill, decode) = (median(prefills), median(decodes));
    Ok(Width { prompt_tokens, reply_tokens, prefill, decode })
}

async fn bare(
    options: &Options,
    prompt_tokens: usize,
    reply_tokens: &[usize],
) -> Result<(Duration, Duration), BenchError> {
    let settings = settings(options, reply_tokens.len());
    let (rounds, reply_tokens) = (options.rounds.max(1), reply_tokens.to_vec());
    let run = move || {
        let bare = Bare::load(settings)?;
        (0..rounds).map(|_| bare.run(prompt_tokens, &reply_tokens)).collect::<Result<Vec<_>, _>>()
    };
    let runs = tokio::task::spawn_blocking(run).await.map_err(wrong)?.map_err(wrong)?;
    let (prefills, decodes) = runs.into_iter().unzip();
    Ok((median(prefills), median(decodes)))
}
