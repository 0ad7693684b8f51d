//! The cast's newest words.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Time;

/// A line whose beginning is so long after a word is no echo of it: the longest utterance's time.
const REACH: Duration = Duration::from_secs(15);
const WORDS_MAX: usize = 120;
/// Fewer words are said by chance.
const WORDS_MIN: usize = 3;
/// Recognisers mishear what comes out of a loudspeaker.
const SHARE_MIN: f32 = 0.7;

#[derive(Default)]
pub(super) struct Said(VecDeque<(Time, String)>);

impl Said {
    pub(super) fn push(&mut self, at: Time, text: &str) {
        for word in words(text) {
            if self.0.len() == WORDS_MAX {
                self.0.pop_front();
            }
            self.0.push_back((at, word));
        }
    }

    /// Whether most words of `text`, in their order, are the cast's own, said shortly before.
    pub(super) fn holds(&self, began: Time, text: &str) -> bool {
        let line: Vec<String> = words(text).collect();
        let recent = self.0.iter().filter(|(at, _)| began.since(*at) <= REACH);
        let recent: Vec<&str> = recent.map(|(_, word)| word.as_str()).collect();
        let common = common(&line, &recent);
        line.len() >= WORDS_MIN && common as f32 >= SHARE_MIN * line.len() as f32
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '\'')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// The length of the longest sequence of words that both have, others between them or not.
fn common(line: &[String], said: &[&str]) -> usize {
    let mut best = vec![0; said.len() + 1];
    for word in line {
        let mut corner = 0;
        for (at, other) in said.iter().enumerate() {
            let above = best[at + 1];
            best[at + 1] = if word == other { corner + 1 } else { above.max(best[at]) };
            corner = above;
        }
    }
    best[said.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_casts_own_words_are_known_again() {
        let mut said = Said::default();
        let at = Time::from_ms(1_000);
        said.push(at, "First you fry the onions,");
        said.push(at, " slowly, until they are soft.");
        let soon = Time::from_ms(1_500);
        assert!(said.holds(soon, "you fry the onions slowly"));
        assert!(said.holds(soon, "You fried the onions slowly until they are soft."));
        assert!(!said.holds(soon, "The onions?"), "too short to tell");
        assert!(!said.holds(soon, "How long do you fry the onions for, Felix?"));
        assert!(!said.holds(Time::from_ms(20_000), "you fry the onions slowly"));
    }
}
