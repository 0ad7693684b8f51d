//! How many tokens a step may have, so that it takes no longer than it should.

use std::time::Duration;

/// Of the newest step in the average: a machine that becomes busy is noticed in a few steps.
const NEWEST: f64 = 0.25;
/// Smaller steps take the time to read the weights, whatever they compute, and tell nothing.
const TOKENS_MIN: usize = 16;

/// Learns from every step what a token costs.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    step: Duration,
    /// Seconds; none before the first step.
    per_token_s: Option<f64>,
}

impl Pace {
    /// Steps are to take `step` at most.
    pub fn new(step: Duration) -> Self {
        Self { step, per_token_s: None }
    }

    /// A step of so many tokens took so long.
    pub fn learn(&mut self, tokens: usize, took: Duration) {
        if tokens < TOKENS_MIN {
            return;
        }
        let newest = took.as_secs_f64() / tokens as f64;
        let known = self.per_token_s.unwrap_or(newest);
        self.per_token_s = Some(known + NEWEST * (newest - known));
    }

    /// Tokens that fit into a step; none while nothing is known.
    pub fn step_tokens(&self) -> Option<usize> {
        let per_token_s = self.per_token_s?;
        Some((self.step.as_secs_f64() / per_token_s.max(f64::MIN_POSITIVE)) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_become_as_long_as_they_may_be() {
        let mut pace = Pace::new(Duration::from_millis(100));
        assert_eq!(pace.step_tokens(), None);
        pace.learn(20, Duration::from_millis(40));
        assert_eq!(pace.step_tokens(), Some(50));
        pace.learn(1, Duration::from_secs(9));
        assert_eq!(pace.step_tokens(), Some(50));
        for _ in 0..40 {
            pace.learn(16, Duration::from_millis(160));
        }
        assert_eq!(pace.step_tokens(), Some(10));
    }

    #[test]
    fn a_step_that_took_no_time_bounds_nothing() {
        let mut pace = Pace::new(Duration::from_millis(100));
        pace.learn(50, Duration::ZERO);
        assert_eq!(pace.step_tokens(), Some(usize::MAX));
    }
}
