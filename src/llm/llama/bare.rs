//! The plainest loop over llama.cpp: one context, whole batches, the best token each time. What an
//! engine is compared with.

use std::time::{Duration, Instant};

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;

use super::model::Loaded;
use super::{LoadError, Options, model};

/// As many tokens as llama.cpp itself computes in one go.
const BATCH_TOKENS: u32 = 512;
/// Any token does: what it says does not matter.
const TOKEN: LlamaToken = LlamaToken(100);

/// A loaded model for the loop.
pub struct Bare {
    loaded: Loaded,
    options: Options,
}

impl Bare {
    /// # Errors
    /// As [`super::LlamaEngine::load`].
    pub fn load(options: Options) -> Result<Self, LoadError> {
        let options = Options { step_tokens: BATCH_TOKENS, ..options };
        Ok(Self { loaded: model::load(&options)?, options })
    }

    /// A prompt of `prompt` tokens for each seat, then `reply[seat]` tokens for each, side by side.
    /// Returns how long the two took.
    ///
    /// # Errors
    /// When llama.cpp cannot.
    pub fn run(&self, prompt: usize, reply: &[usize]) -> Result<(Duration, Duration), LoadError> {
        let failed = |error: &dyn std::fmt::Display| LoadError::Native(error.to_string());
        let mut context = self.loaded.context(&self.options)?;
        let mut batch = LlamaBatch::new(BATCH_TOKENS as usize, 1);
        let begun = Instant::now();
        for seat in 0..reply.len() {
            for at in 0..prompt {
                if batch.n_tokens() as u32 == BATCH_TOKENS {
                    context.decode(&mut batch).map_err(|error| failed(&error))?;
                    batch.clear();
                }
                let last = at + 1 == prompt;
                batch
                    .add(TOKEN, at as i32, &[seat as i32], last)
                    .map_err(|error| failed(&error))?;
            }
        }
        context.decode(&mut batch).map_err(|error| failed(&error))?;
        context.synchronize();
        let prefill = begun.elapsed();
        let begun = Instant::now();
        for at in 0..reply.iter().copied().max().unwrap_or(0) {
            batch.clear();
            let speaking = (0..).zip(reply).filter(|(_, tokens)| at < **tokens);
            for (seat, _) in speaking {
                batch
                    .add(TOKEN, (prompt + at) as i32, &[seat], true)
                    .map_err(|error| failed(&error))?;
            }
            context.decode(&mut batch).map_err(|error| failed(&error))?;
            for row in 0..batch.n_tokens() {
                std::hint::black_box(best(&context, row));
            }
        }
        Ok((prefill, begun.elapsed()))
    }
}

fn best(context: &LlamaContext<'_>, row: i32) -> Option<usize> {
    let scores = context.get_logits_ith(row).iter().enumerate();
    scores.max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(token, _)| token)
}
