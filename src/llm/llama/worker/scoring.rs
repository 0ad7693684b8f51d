//! How likely a text is in a seat: its tokens are computed behind what the seat holds, and what the
//! model gave each of them is summed up. They are the tokens with which the seat's next prompt
//! begins, so the work is not lost.

use super::Worker;
use super::prompts::Prompts;
use super::task::Work;
use crate::llm::reuse::common_prefix;
use crate::llm::sampler::Token;
use crate::llm::scheduler::Row;
use crate::llm::window::Window;
use crate::llm::{EngineError, Question, Role, Score};

/// The tokens of one text, and how likely those read so far are.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The position before the text's first token.
    from: usize,
    tokens: Vec<Token>,
    nats: f64,
    read: u32,
}

impl Reading {
    /// Whether the row at `position` tells of one of the text's tokens.
    fn wants(&self, position: usize) -> bool {
        (self.from..self.from + self.tokens.len()).contains(&position)
    }

    /// Takes the model's scores behind `position`.
    fn take(&mut self, position: usize, scores: &[f32]) {
        let token = self.tokens[position - self.from];
        self.nats += log_probability(scores, token);
        self.read += 1;
    }

    pub(super) fn score(&self) -> Score {
        Score { nats: self.nats, tokens: self.read }
    }
}

/// The natural logarithm of the probability that `scores` give to `token`.
pub(in crate::llm::llama) fn log_probability(scores: &[f32], token: Token) -> f64 {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let total: f64 = scores.iter().map(|score| f64::from(score - top).exp()).sum();
    let own = usize::try_from(token).ok().and_then(|at| scores.get(at));
    own.map_or(f64::MIN, |own| f64::from(own - top) - total.ln())
}

/// The prompt up to the text's last token but one, and what is to be read in it.
fn plan(
    held: &[Token],
    question: &Question,
    prompts: &Prompts<'_>,
) -> Result<(Vec<Token>, Reading), EngineError> {
    let mut messages = question.messages.clone();
    let no_lead = || EngineError::Template("a text to be scored goes on from a message".to_owned());
    if messages.last().is_none_or(|last| last.role == Role::System) {
        return Err(no_lead());
    }
    let bare = prompts.tokens(held, &messages, false)?;
    messages.last_mut().ok_or_else(no_lead)?.content.push_str(&question.text);
    let mut full = prompts.tokens(held, &messages, false)?;
    // What both begin with stands before the text, what both end with behind it.
    let start = common_prefix(&full, &bare).max(1);
    let most = full.len().min(bare.len()).saturating_sub(start);
    let same = |count: &usize| full[full.len() - 1 - count] == bare[bare.len() - 1 - count];
    let end = full.len() - (0..most).take_while(same).count();
    let tokens = full[start..end].to_vec();
    full.truncate(end.saturating_sub(1).max(start));
    Ok((full, Reading { from: start - 1, tokens, nats: 0.0, read: 0 }))
}

/// The prompt of a question, and how much of it may be in the seat already: of what is read later
/// on, the scores are gone.
pub(super) fn prompt(
    prompts: &Prompts<'_>,
    held: &[Token],
    window: &Window,
    question: &Question,
    reading: &mut Reading,
    room: usize,
) -> Result<(Vec<Token>, usize), EngineError> {
    let mut seen = question.clone();
    seen.messages = window.visible(&question.messages);
    let (prompt, plan) = plan(held, &seen, prompts)?;
    if prompt.len() >= room {
        return Err(EngineError::TooLong { needed: prompt.len() + 1, room });
    }
    let from = plan.from;
    *reading = plan;
    Ok((prompt, from))
}

impl Worker<'_> {
    /// Whether a row's scores are read.
    pub(super) fn wants(&self, row: &Row) -> bool {
        let reads = self.tasks.get(&row.job).is_some_and(|task| match &task.work {
            Work::Score { reading, .. } => reading.wants(row.position),
            _ => false,
        });
        row.scores || reads
    }

    /// Reads what the last batch tells of texts.
    pub(super) fn read(&mut self, rows: &[Row]) {
        for (index, row) in rows.iter().enumerate() {
            let Some(task) = self.tasks.get_mut(&row.job) else { continue };
            let Work::Score { reading, .. } = &mut task.work else { continue };
            if reading.wants(row.position) {
                reading.take(row.position, self.context.scores(index));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_likely_as_its_tokens_together() {
        // Three equal scores: each token has a third.
        let mut reading = Reading { from: 4, tokens: vec![0, 2], nats: 0.0, read: 0 };
        assert!(!reading.wants(3) && reading.wants(4) && reading.wants(5) && !reading.wants(6));
        reading.take(4, &[1.0, 1.0, 1.0]);
        reading.take(5, &[1.0, 1.0, 1.0]);
        let score = reading.score();
        assert!((score.nats - 2.0 * (1.0_f64 / 3.0).ln()).abs() < 1e-6, "{score:?}");
        assert_eq!(score.tokens, 2);
        assert!(log_probability(&[0.0, 90.0], 1) > -1e-6);
        assert!(log_probability(&[0.0, 90.0], 0) < -80.0);
    }
}
