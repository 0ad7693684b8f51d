//! The model with its weights rounded otherwise: how fast prompts are, and how much worse the model
//! knows the talk of rooms.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Load, Options, per_second, rounded, wrong};
use crate::bench::{BenchError, Report};
use crate::llm::llama::bare::{Attention, Bare};
use crate::llm::llama::requantise::{Weights, requantise};

/// What is tried. Q8_0 keeps 8 bits of what the file has, Q4_0 rounds to 4 bits again.
const TRIED: [(Weights, &str); 2] = [(Weights::Q8_0, "q8_0"), (Weights::Q4_0, "q4_0")];
/// Tokens that are read: with a thousand, a difference of 1 % shows, since all read the same.
const TEXT_TOKENS: usize = 1_024;
const PROMPT_TOKENS: usize = 256;
const REPLY_TOKENS: usize = 48;
/// Who speaks in rooms, and of what.
const ROOMS: &str = include_str!("../../../tests/answers/rooms_a.jsonl");

pub(super) async fn measure(options: &Options, report: &mut Report) -> Result<(), BenchError> {
    let (options, own) = (options.clone(), options.model.clone());
    let measure = move || -> Result<Vec<(String, f64)>, BenchError> {
        let folder = std::env::temp_dir().join(format!("troupe-weights-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let figures = compare(&options, &own, &folder);
        std::fs::remove_dir_all(&folder)?;
        figures
    };
    let figures = tokio::task::spawn_blocking(measure).await.map_err(wrong)??;
    report.figures.extend(figures.into_iter().map(|(key, value)| (key, rounded(value))));
    Ok(())
}

fn compare(options: &Options, own: &Path, folder: &Path) -> Result<Vec<(String, f64)>, BenchError> {
    let text = text(ROOMS);
    let [prefill, decode, perplexity] = read(options, own.to_owned(), &text)?;
    let mut figures = vec![("perplexity".to_owned(), perplexity)];
    for (weights, name) in TRIED {
        let path = folder.join(format!("{name}.gguf"));
        requantise(own, &path, weights).map_err(wrong)?;
        let [other_prefill, other_decode, other_perplexity] = read(options, path.clone(), &text)?;
        std::fs::remove_file(&path)?;
        let mut figure = |of: &str, value| figures.push((format!("{name}_{of}"), value));
        figure("prefill_speed", other_prefill / prefill);
        figure("decode_speed", other_decode / decode);
        figure("perplexity_vs_own", other_perplexity / perplexity);
    }
    Ok(figures)
}

/// Tokens a second of a prompt and of a reply, and the text's perplexity.
fn read(options: &Options, model: PathBuf, text: &str) -> Result<[f64; 3], BenchError> {
    let settings = Load { threads: options.threads, ..Load::new(model, 1) };
    let bare = Bare::load(settings).map_err(wrong)?;
    let (mut prefill, mut decode) = (0.0_f64, 0.0_f64);
    for _ in 0..options.rounds.max(1) {
        let took = bare.run(&[PROMPT_TOKENS], &[REPLY_TOKENS], Attention::Engine).map_err(wrong)?;
        prefill = prefill.max(per_second(PROMPT_TOKENS, took.0));
        decode = decode.max(per_second(REPLY_TOKENS, took.1));
    }
    Ok([prefill, decode, bare.perplexity(text, TEXT_TOKENS).map_err(wrong)?])
}

/// What is said in labelled rooms, with names.
fn text(rooms: &str) -> String {
    let rooms = rooms.lines().filter_map(|room| serde_json::from_str::<Value>(room).ok());
    let said = |room: Value| -> Vec<String> {
        let lines = room["lines"].as_array().cloned().unwrap_or_default();
        let word = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let line = |line: &Value| format!("{}: {}\n", word(line, "who"), word(line, "text"));
        lines.iter().map(line).collect()
    };
    rooms.flat_map(said).collect()
}
