//! The plainest loop over llama.cpp: one context, whole batches, the best token each time. What an
//! engine is compared with.

use std::time::{Duration, Instant};

use super::context::{Cell, Context};
use super::model::{Loaded, ModelTokenizer};
use super::worker::log_probability;
use super::{LoadError, Options, model};
use crate::llm::reuse::Tokenizer as _;
use crate::llm::sampler::Token;

mod shown;

/// As many tokens as llama.cpp itself computes in one go.
const BATCH_TOKENS: u32 = 512;
/// A text is judged in such pieces, each but for its beginning.
const PIECE_TOKENS: usize = 128;
const LEAD_TOKENS: usize = 32;
/// Any token does: what it says does not matter.
const TOKEN: Token = 100;

/// What the loop's attention is computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// What the engine chose for this model.
    Engine,
    /// llama.cpp's own choice.
    Flash,
}

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
        let tokenizer = ModelTokenizer(self.loaded.model.vocab());
        let mut context = self.loaded.context(&self.options)?;
        let (mut nats, mut judged) = (0.0, 0u32);
        let text: Vec<_> = tokenizer.tokenize(text).into_iter().take(tokens).collect();
        for piece in text.chunks_exact(PIECE_TOKENS) {
            context.forget(0, 0);
            let cells = piece.iter().enumerate().map(|(position, &token)| {
                let scores = position >= LEAD_TOKENS;
                Cell { token, seat: 0, position, scores }
            });
            computed(context.compute(cells))?;
            for at in LEAD_TOKENS..piece.len() - 1 {
                nats += log_probability(context.scores(at), piece[at + 1]);
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
        attention: Attention,
    ) -> Result<(Duration, Duration), LoadError> {
        let mut context = match attention {
            Attention::Engine => self.loaded.context(&self.options)?,
            Attention::Flash => self.loaded.context_with(&self.options, true)?,
        };
        let cell = |seat, position, scores| Cell { token: TOKEN, seat, position, scores };
        // llama.cpp touches its work space for the first time now: an engine has done so long ago.
        computed(context.compute([cell(0, 0, true)].into_iter()))?;
        context.forget(0, 0);
        let mut batch = Vec::with_capacity(BATCH_TOKENS as usize);
        let begun = Instant::now();
        for (seat, &tokens) in prompts.iter().enumerate() {
            for at in 0..tokens {
                if batch.len() as u32 == BATCH_TOKENS {
                    computed(context.compute(batch.drain(..)))?;
                }
                batch.push(cell(seat, at, at + 1 == tokens));
            }
        }
        computed(context.compute(batch.drain(..)))?;
        context.wait();
        let prefill = begun.elapsed();
        let begun = Instant::now();
        for at in 0..replies.iter().copied().max().unwrap_or(0) {
            let seats = prompts.iter().zip(replies).enumerate();
            let seats = seats.filter(|(_, (_, tokens))| at < **tokens);
            batch.extend(seats.map(|(seat, (prompt, _))| cell(seat, prompt + at, true)));
            let rows = batch.len();
            computed(context.compute(batch.drain(..)))?;
            for row in 0..rows {
                std::hint::black_box(best(&context, row));
            }
        }
        Ok((prefill, begun.elapsed()))
    }
}

fn computed(computed: bool) -> Result<(), LoadError> {
    if computed { Ok(()) } else { Err(LoadError::Native("a batch failed".to_owned())) }
}

fn best(context: &Context<'_>, row: usize) -> Option<usize> {
    let scores = context.scores(row).iter().enumerate();
    scores.max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(token, _)| token)
}
