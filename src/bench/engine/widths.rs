//! Prompts and replies of 1 to 12 seats side by side, beside the bare loop.
//!
//! Both compute the same numbers of tokens: the loop is told how many of each prompt its seat had
//! to take in, and how many tokens each reply had. They take turns within every round, so that a
//! machine which becomes slower does so for both. The loop runs once with the engine's attention
//! and once with llama.cpp's own choice of it, so that what that choice costs or saves is seen.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::cast::{Reply, ask, message, persona, request};
use super::{Load, Options, load, median, per_second, rounded, row, wrong};
use crate::bench::{BenchError, Report};
use crate::llm::llama::LlamaEngine;
use crate::llm::llama::bare::{Attention, Bare};
use crate::llm::{Engine as _, Message, Role};
use crate::time::Clock;

const WIDTHS: [usize; 5] = [1, 2, 4, 8, 12];
/// Of all prompts of a round together, and of one at most: a long prompt for a few seats, short
/// ones for many, in about the same time. A word is a token.
const ROUND_WORDS: usize = 1_200;
const PROMPT_WORDS_MAX: usize = 360;
const REPLY_TOKENS: u32 = 48;

pub(super) async fn measure(options: &Options, report: &mut Report) -> Result<(), BenchError> {
    let (mut prefill_worst, mut decode_worst) = (f64::INFINITY, f64::INFINITY);
    for width in WIDTHS {
        let rounds = rounds(options, width).await?;
        let median = |of: fn(&Round) -> Duration| median(rounds.iter().map(of).collect());
        let prefill = median(|round| round.prefill);
        let bare_prefill = median(|round| round.bare_prefill);
        let decode = median(|round| round.decode);
        let bare_decode = median(|round| round.bare_decode);
        let vs = |ours: Duration, bare: Duration| bare.as_secs_f64() / ours.as_secs_f64();
        prefill_worst = vs(prefill, bare_prefill).min(prefill_worst);
        decode_worst = vs(decode, bare_decode).min(decode_worst);
        // Every round has the same prompts but for a number, and so nearly the same replies.
        let Round { prompts, replies, .. } = rounds[0];
        let speed = |tokens, took| per_second(tokens, took).round();
        report.rows.push(row([
            ("seats", width.into()),
            ("prefill_tok_s", speed(prompts, prefill).into()),
            ("bare_prefill_tok_s", speed(prompts, bare_prefill).into()),
            ("prefill_vs_bare", rounded(vs(prefill, bare_prefill)).into()),
            ("decode_tok_s", speed(replies, decode).into()),
            ("bare_decode_tok_s", speed(replies, bare_decode).into()),
            ("decode_vs_bare", rounded(vs(decode, bare_decode)).into()),
            ("flash_prefill_tok_s", speed(prompts, median(|round| round.flash_prefill)).into()),
            ("flash_decode_tok_s", speed(replies, median(|round| round.flash_decode)).into()),
        ]));
    }
    report.figures.insert("prefill_vs_bare".to_owned(), rounded(prefill_worst));
    report.figures.insert("decode_vs_bare".to_owned(), rounded(decode_worst));
    Ok(())
}

#[derive(Clone, Copy)]
struct Round {
    /// Tokens computed, over all seats.
    prompts: usize,
    replies: usize,
    prefill: Duration,
    bare_prefill: Duration,
    decode: Duration,
    bare_decode: Duration,
    flash_prefill: Duration,
    flash_decode: Duration,
}

async fn rounds(options: &Options, width: usize) -> Result<Vec<Round>, BenchError> {
    let settings = || Load { threads: options.threads, ..Load::new(options.model.clone(), width) };
    let engine = load(settings(), Clock::start()).await?;
    for seat in 0..width {
        engine.warm_up(&persona(seat), &prompt(seat, width, 0)[..1]).await.map_err(wrong)?;
    }
    let settings = settings();
    let load = tokio::task::spawn_blocking(move || Bare::load(settings));
    let mut bare = load.await.map_err(wrong)?.map_err(wrong)?;
    let mut rounds = Vec::new();
    for round in 1..=options.rounds.max(1) {
        // One token of reply: what is measured is the prompt.
        let (prefill, first) = together(&engine, width, round, 1).await?;
        let computed: Vec<usize> = first.iter().map(Reply::computed_tokens).collect();
        // Now each seat holds its prompt, and everybody speaks at once.
        let (decode, replies) = together(&engine, width, round, REPLY_TOKENS).await?;
        let said: Vec<usize> = replies.iter().map(|reply| reply.completion_tokens).collect();
        let (prompts, replies) = (computed.iter().sum(), said.iter().sum());
        let run = move || {
            let both = [Attention::Engine, Attention::Flash];
            (both.map(|attention| bare.run(&computed, &said, attention)), bare)
        };
        let ([own, flash], back) = tokio::task::spawn_blocking(run).await.map_err(wrong)?;
        bare = back;
        let (bare_prefill, bare_decode) = own.map_err(wrong)?;
        let (flash_prefill, flash_decode) = flash.map_err(wrong)?;
        rounds.push(Round {
            prompts,
            replies,
            prefill,
            bare_prefill,
            flash_prefill,
            decode,
            bare_decode,
            flash_decode,
        });
    }
    Ok(rounds)
}

/// A prompt that no other seat and no other round shares anything with.
fn prompt(seat: usize, width: usize, round: usize) -> Vec<Message> {
    let words = (ROUND_WORDS / width).min(PROMPT_WORDS_MAX);
    let words: Vec<&str> =
        (0..words).map(|word| ["moss", "salt", "wind", "stone"][word * 7 % 4]).collect();
    let system = format!("{round} {seat} {}", words.join(" "));
    let user = "Tell me a long story about all of this.";
    vec![message(Role::System, system), message(Role::User, user)]
}

/// Everybody is asked at once; how long that took until the last had ended.
async fn together(
    engine: &LlamaEngine,
    width: usize,
    round: usize,
    max_tokens: u32,
) -> Result<(Duration, Vec<Reply>), BenchError> {
    let begun = Instant::now();
    let asked = |seat| ask(engine, request(seat, prompt(seat, width, round), max_tokens));
    let replies = try_join_all((0..width).map(asked)).await?;
    Ok((begun.elapsed(), replies))
}
