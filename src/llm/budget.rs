//! Whether a model with its seats fits this machine, reckoned before it is loaded.

use super::gguf::{Gguf, GgufError};
use super::projector::ProjectorError;

/// More sequences than this the native engine does not know.
const SEATS_MAX: usize = 64;
/// Below this no persona's card and a few lines fit.
const CONTEXT_TOKENS_MIN: u32 = 256;
/// The engine's own tables and work space beside scores, found by measuring small models.
const WORK_BYTES: u64 = 64 << 20;
const STEP_TOKENS_MAX: u32 = 4_096;
/// Without flash attention a step computes a table of every token's score for every place of its
/// seat, for each head of a layer, and a copy of it. Up to so much memory it is worth it.
const ATTENTION_BYTES_MAX: u64 = 512 << 20;

/// Why a model is not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    File(#[from] GgufError),
    #[error(
        "the language model needs {needed_mib} MiB and {free_mib} MiB of memory are free; \
         lower models.context_tokens, host fewer personas, or take a smaller model"
    )]
    Memory { needed_mib: u64, free_mib: u64 },
    #[error("{0}")]
    Options(String),
    #[error("the model has no chat template; take an instruct model")]
    NoTemplate,
    #[error(transparent)]
    Template(#[from] super::EngineError),
    #[error(transparent)]
    Projector(#[from] ProjectorError),
    #[error("llama.cpp cannot use the model: {0}; its log above says more")]
    Native(String),
}

/// What is asked of the model.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    pub seats: usize,
    /// Per seat.
    pub context_tokens: u32,
    pub step_tokens: u32,
    /// What the projector and encoded pictures and sounds take.
    pub media_bytes: u64,
}

/// How a model is used that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// Of all seats together.
    pub tokens: u32,
    /// llama.cpp's flash attention takes no table of scores, but below 64 new tokens of a seat it
    /// is the slower one on a processor (`docs/decisions/0005-engine-measured.md`).
    pub flash_attention: bool,
}

/// How the model is used, when it can do that within `free_bytes` (`None`: unknown, not checked).
///
/// # Errors
/// [`LoadError::Options`] for numbers that no model or this one cannot take, and
/// [`LoadError::Memory`].
pub fn check(gguf: &Gguf, ask: Ask, free_bytes: Option<u64>) -> Result<Fit, LoadError> {
    let context = u64::from(ask.context_tokens);
    let refuse = |why: String| Err(LoadError::Options(why));
    if !(1..=SEATS_MAX).contains(&ask.seats) {
        let seats = ask.seats;
        return refuse(format!("{seats} seats are asked for; an engine has 1 to {SEATS_MAX}"));
    }
    if !(1..=STEP_TOKENS_MAX).contains(&ask.step_tokens) {
        return refuse(format!(
            "a step of {} tokens; it takes 1 to {STEP_TOKENS_MAX}",
            ask.step_tokens
        ));
    }
    let trained = gguf.trained_context().unwrap_or(u64::MAX);
    if ask.context_tokens < CONTEXT_TOKENS_MIN || context > trained {
        return refuse(format!(
            "models.context_tokens is {context}; this model takes {CONTEXT_TOKENS_MIN} to {trained}"
        ));
    }
    let tokens = context * ask.seats as u64;
    let step = u64::from(ask.step_tokens);
    let scores = step * gguf.vocabulary().unwrap_or(0) * 4;
    let cache = tokens.saturating_mul(gguf.cache_bytes_per_token().unwrap_or(0));
    let needed = gguf.file_bytes().saturating_add(cache).saturating_add(scores + WORK_BYTES);
    let table = gguf.heads().map(|heads| heads.saturating_mul(context * step * 4 * 2));
    let table = table.filter(|bytes| *bytes <= ATTENTION_BYTES_MAX);
    let needed = needed.saturating_add(ask.media_bytes).saturating_add(table.unwrap_or(0));
    if let Some(free) = free_bytes.filter(|&free| needed > free) {
        return Err(LoadError::Memory { needed_mib: needed >> 20, free_mib: free >> 20 });
    }
    let flash_attention = table.is_none();
    u32::try_from(tokens).map(|tokens| Fit { tokens, flash_attention }).map_err(|_| {
        LoadError::Options(format!("{tokens} tokens in all seats are too many for one cache"))
    })
}

/// Memory that can be had without swapping, where the system tells.
pub fn free_bytes() -> Option<u64> {
    let table = std::fs::read_to_string("/proc/meminfo").ok()?;
    available(&table)
}

fn available(table: &str) -> Option<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::available;

    #[test]
    fn free_memory_is_read_from_the_systems_table() {
        let table = "MemTotal:       16000000 kB\nMemAvailable:    2048 kB\n";
        assert_eq!(available(table), Some(2 << 20));
        assert_eq!(available("MemTotal: 1 kB\n"), None);
    }
}
