//! Choosing the next token from a model's scores, in plain Rust so that a seed means the same
//! everywhere.

use super::Sampling;

/// A token's number in the model's vocabulary.
pub type Token = i32;

/// How far back a repetition is punished, in tokens of the reply: a few sentences.
const REPEAT_WINDOW_TOKENS: usize = 64;
/// Only this many of the best tokens are weighed; beyond them is noise, and sorting costs.
const TOP_K: usize = 40;

/// Chooses the tokens of one reply.
#[derive(Clone, Debug)]
pub struct Sampler {
    sampling: Sampling,
    random: SplitMix,
    reply: Vec<Token>,
    best: Vec<(f32, Token)>,
}

impl Sampler {
    pub fn new(sampling: Sampling) -> Self {
        let random = SplitMix(u64::from(sampling.seed));
        Self { sampling, random, reply: Vec::new(), best: Vec::new() }
    }

    /// The next token for `scores` (one logit per token of the vocabulary). `None` when no score
    /// is a number, which only a broken model gives.
    pub fn choose(&mut self, scores: &[f32]) -> Option<Token> {
        self.rank(scores);
        let token =
            if self.sampling.temperature <= 0.0 { self.best.first()?.1 } else { self.draw()? };
        self.reply.push(token);
        Some(token)
    }

    /// The best tokens, best first, repetitions punished.
    fn rank(&mut self, scores: &[f32]) {
        let from = self.reply.len().saturating_sub(REPEAT_WINDOW_TOKENS);
        let recent = &self.reply[from..];
        // Punishing only lowers: whoever is among the best after it was among so many before it.
        let enough = TOP_K + recent.len();
        let descending =
            |a: &(f32, Token), b: &(f32, Token)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        self.best.clear();
        let mut least = f32::NEG_INFINITY;
        for (token, &score) in (0..).zip(scores) {
            if score <= least || !score.is_finite() {
                continue;
            }
            self.best.push((score, token));
            if self.best.len() == 2 * enough {
                self.best.select_nth_unstable_by(enough - 1, descending);
                self.best.truncate(enough);
                least = self.best[enough - 1].0;
            }
        }
        let penalty = self.sampling.repeat_penalty.max(1.0);
        for (score, token) in &mut self.best {
            if recent.contains(token) {
                *score = if *score > 0.0 { *score / penalty } else { *score * penalty };
            }
        }
        self.best.sort_unstable_by(descending);
        self.best.truncate(TOP_K);
    }

    /// Draws among the best whose probabilities together reach `top_p`.
    fn draw(&mut self) -> Option<Token> {
        let &(top, first) = self.best.first()?;
        let weight = |score: f32| ((score - top) / self.sampling.temperature).exp();
        let total: f32 = self.best.iter().map(|&(score, _)| weight(score)).sum();
        let mut reach = 0.0;
        let mut kept = 0;
        for &(score, _) in &self.best {
            reach += weight(score);
            kept += 1;
            if reach >= self.sampling.top_p * total {
                break;
            }
        }
        let mut left = self.random.unit() * reach;
        for &(score, token) in &self.best[..kept] {
            left -= weight(score);
            if left < 0.0 {
                return Some(token);
            }
        }
        Some(self.best.get(kept.saturating_sub(1)).map_or(first, |&(_, token)| token))
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, seedable, good enough to pick words.
#[derive(Clone, Debug)]
struct SplitMix(u64);

impl SplitMix {
    /// 0 ≤ x < 1.
    fn unit(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 40) as f32 / (1u64 << 24) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling(temperature: f32, top_p: f32, repeat_penalty: f32) -> Sampling {
        Sampling { temperature, top_p, repeat_penalty, seed: 7 }
    }

    #[test]
    fn greedy_takes_the_best_and_skips_what_is_no_number() {
        let mut sampler = Sampler::new(sampling(0.0, 1.0, 1.0));
        assert_eq!(sampler.choose(&[0.1, f32::NAN, 0.3, 0.2]), Some(2));
        assert_eq!(sampler.choose(&[f32::NAN, f32::NEG_INFINITY]), None);
        assert_eq!(sampler.choose(&[]), None);
    }

    #[test]
    fn a_repeated_token_loses_to_the_next_best() {
        let mut sampler = Sampler::new(sampling(0.0, 1.0, 2.0));
        assert_eq!(sampler.choose(&[1.0, 1.5]), Some(1));
        assert_eq!(sampler.choose(&[1.0, 1.5]), Some(0));
    }

    #[test]
    fn drawing_follows_the_probabilities() {
        let mut sampler = Sampler::new(sampling(1.0, 1.0, 1.0));
        let scores = [0.0, 3f32.ln()];
        let ones = (0..4_000).filter(|_| sampler.choose(&scores) == Some(1)).count();
        assert!((2_850..3_150).contains(&ones), "{ones} of 4000 for a probability of 0.75");
    }

    #[test]
    fn top_p_leaves_the_tail_out() {
        let mut sampler = Sampler::new(sampling(1.0, 0.7, 1.0));
        assert!((0..500).all(|_| sampler.choose(&[0.0, 3f32.ln()]) == Some(1)));
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let scores: Vec<f32> = (0..100).map(|i| (i as f32 * 0.37).sin()).collect();
        let draw = || {
            let mut sampler = Sampler::new(sampling(0.9, 0.95, 1.1));
            (0..50).map(|_| sampler.choose(&scores)).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
    }
}
