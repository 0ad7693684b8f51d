//! The plainest loop over llama.cpp: one context, whole batches, the best token each time. What an
//! engine is compared with.

use std::time::{Duration, Instant};

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;

use super::model::{Loaded, ModelTokenizer};
use super::worker::log_probability;
use super::{LoadError, Options, model};
use crate::llm::reuse::Tokenizer as _;

/// As many tokens as llama.cpp itself computes in one go.
const BATCH_TOKENS: u32 = 512;
/// A text is judged in such pieces, each but for its beginning.
const PIECE_TOKENS: usize = 128;
const LEAD_TOKENS: usize = 32;
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

    /// How badly the model guesses a text's next token: as if it chose among so many alike. At most
    /// `tokens` of the text are read, in pieces of which the beginning is not judged.
    ///
    /// # Errors
    /// When llama.cpp cannot, or the text is too short to judge.
    pub fn perplexity(&self, text: &str, tokens: usize) -> Result<f64, LoadError> {
        let failed = |error: &dyn std::fmt::Display| LoadError::Native(error.to_string());
        let tokenizer = ModelTokenizer(self.loaded.model.vocab());
        let mut context = self.loaded.context(&self.options)?;
        let mut batch = LlamaBatch::new(PIECE_TOKENS, 1);
        let (mut nats, mut judged) = (0.0, 0u32);
        let text: Vec<_> = tokenizer.tokenize(text).into_iter().take(tokens).collect();
        for piece in text.chunks_exact(PIECE_TOKENS) {
            context.clear_kv_cache();
            batch.clear();
            for (&token, at) in piece.iter().zip(0i32..) {
                let judges = at as usize >= LEAD_TOKENS;
                batch.add(LlamaToken(token), at, &[0], judges).map_err(|error| failed(&error))?;
            }
            context.decode(&mut batch).map_err(|error| failed(&error))?;
            for at in LEAD_TOKENS..piece.len() - 1 {
                nats += log_probability(context.get_logits_ith(at as i32), piece[at + 1]);
                judged += 1;
            }
        }
        if judged == 0 {
            return Err(LoadError::Native("the text is too short to judge it by".to_owned()));
        }
        Ok((-nats / f64::from(judged)).exp())
    }

    /// `prompts[seat]` tokens into each seat, then `replies[seat]` tokens from each, side by side.
    /// Returns how long the two took.
    ///
    /// # Errors
    /// When llama.cpp cannot.
    pub fn run(
        &self,
        prompts: &[usize],
        replies: &[usize],
    ) -> Result<(Duration, Duration), LoadError> {
        let failed = |error: &dyn std::fmt::Display| LoadError::Native(error.to_string());
        let mut context = self.loaded.context(&self.options)?;
        let mut batch = LlamaBatch::new(BATCH_TOKENS as usize, 1);
        // llama.cpp touches its work space for the first time now: an engine has done so long ago.
        batch.add(TOKEN, 0, &[0], true).map_err(|error| failed(&error))?;
        context.decode(&mut batch).map_err(|error| failed(&error))?;
        context.clear_kv_cache();
        batch.clear();
        let begun = Instant::now();
        for (seat, &tokens) in prompts.iter().enumerate() {
            for at in 0..tokens {
                if batch.n_tokens() as u32 == BATCH_TOKENS {
                    context.decode(&mut batch).map_err(|error| failed(&error))?;
                    batch.clear();
                }
                let last = at + 1 == tokens;
                batch
                    .add(TOKEN, at as i32, &[seat as i32], last)
                    .map_err(|error| failed(&error))?;
            }
        }
        context.decode(&mut batch).map_err(|error| failed(&error))?;
        context.synchronize();
        let prefill = begun.elapsed();
        let begun = Instant::now();
        for at in 0..replies.iter().copied().max().unwrap_or(0) {
            batch.clear();
            let seats = (0..).zip(prompts).zip(replies);
            for ((seat, prompt), _) in seats.filter(|(_, tokens)| at < **tokens) {
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
