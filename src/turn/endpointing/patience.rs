//! How long to wait in a pause: by how complete the turn sounds, and by how its speaker pauses.

use std::collections::VecDeque;
use std::time::Duration;

/// The wait after what is surely complete: shorter is not felt, and the answer to the question
/// whether it is complete takes about as long.
const WAIT_MIN: Duration = Duration::from_millis(200);
/// The wait after what is more likely complete than not, at most.
const WAIT_COMPLETE_MAX: Duration = Duration::from_millis(350);
/// The wait after what is surely not complete: whoever searches for a word longer than this has
/// to begin again.
const WAIT_MAX: Duration = Duration::from_millis(2_500);
/// The same, for somebody who never pauses long.
const WAIT_INCOMPLETE_MIN: Duration = Duration::from_millis(1_000);
/// From this probability on a turn counts as complete: where the model was trained to split.
const COMPLETE: f32 = 0.5;
/// From this one it is sure.
const SURE: f32 = 0.9;

/// So many of the newest pauses are remembered: some minutes of talk.
const PAUSES_MAX: usize = 32;
/// Fewer than these say nothing about a speaker.
const PAUSES_LEAST: usize = 5;
/// The pause that this share of a speaker's pauses does not exceed is the speaker's long pause.
const LONG_SHARE: f32 = 0.8;
/// The long pause of somebody unknown.
const LONG_UNKNOWN: Duration = Duration::from_millis(600);
/// A turn is surely not over for so many long pauses.
const INCOMPLETE_LONG_PAUSES: u32 = 4;
/// A turn that sounds complete is over after this part of one.
const COMPLETE_LONG_PAUSES: f32 = 0.4;

/// One speaker's pauses, and the waits that follow from them.
#[derive(Clone, Debug, Default)]
pub struct Patience {
    /// The newest last.
    pauses: VecDeque<Duration>,
}

impl Patience {
    /// The speaker paused for so long and went on.
    pub fn learn(&mut self, pause: Duration) {
        if self.pauses.len() == PAUSES_MAX {
            self.pauses.pop_front();
        }
        self.pauses.push_back(pause);
    }

    /// The silence after which the turn is over, when it is `complete` with this probability:
    /// 0.2 to 0.35 s from one half on, growing to 1 to 2.5 s below.
    pub fn wait(&self, complete: f32) -> Duration {
        let long = self.long_pause();
        let sure = long.mul_f32(COMPLETE_LONG_PAUSES).clamp(WAIT_MIN, WAIT_COMPLETE_MAX);
        if complete >= COMPLETE {
            let doubt = ((SURE - complete) / (SURE - COMPLETE)).clamp(0.0, 1.0);
            return between(sure, WAIT_COMPLETE_MAX, doubt);
        }
        let unfinished = (long * INCOMPLETE_LONG_PAUSES).clamp(WAIT_INCOMPLETE_MIN, WAIT_MAX);
        // Squared: a doubtful turn is mostly over, and every wait for nothing is felt.
        let surely_not = (1.0 - complete.max(0.0) / COMPLETE).powi(2);
        between(WAIT_COMPLETE_MAX, unfinished, surely_not)
    }

    /// How long this speaker pauses and still goes on, seldom longer.
    fn long_pause(&self) -> Duration {
        if self.pauses.len() < PAUSES_LEAST {
            return LONG_UNKNOWN;
        }
        let mut pauses: Vec<Duration> = self.pauses.iter().copied().collect();
        pauses.sort_unstable();
        let index = (pauses.len() as f32 * LONG_SHARE) as usize;
        pauses[index.min(pauses.len() - 1)]
    }
}

/// The share of the way from one wait to another, in whole milliseconds.
fn between(from: Duration, to: Duration, share: f32) -> Duration {
    let [from_ms, to_ms] = [from, to].map(|wait| wait.as_millis() as f32);
    Duration::from_millis((from_ms + (to_ms - from_ms) * share).round() as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(pauses_ms: &[u64]) -> Patience {
        let mut patience = Patience::default();
        for &pause in pauses_ms {
            patience.learn(Duration::from_millis(pause));
        }
        patience
    }

    #[test]
    fn the_waits_of_a_stranger_a_fast_and_a_slow_speaker() {
        let fast = after(&[180, 200, 220, 190, 210, 200]);
        let slow = after(&[700, 900, 800, 1_200, 1_000, 900]);
        // Complete with this probability: the stranger's, the fast and the slow one's wait in ms.
        let cases = [
            (1.0, 240, 200, 350),
            (0.9, 240, 200, 350),
            (0.5, 350, 350, 350),
            (0.25, 863, 513, 888),
            (0.0, 2_400, 1_000, 2_500),
        ];
        for (complete, stranger, quick, patient) in cases {
            let waits = [&Patience::default(), &fast, &slow].map(|p| p.wait(complete).as_millis());
            assert_eq!(waits, [stranger, quick, patient], "{complete}");
        }
    }

    #[test]
    fn old_pauses_are_forgotten() {
        let mut patience = after(&[2_000; PAUSES_MAX]);
        for _ in 0..PAUSES_MAX {
            patience.learn(Duration::from_millis(200));
        }
        assert_eq!(patience.wait(0.0), WAIT_INCOMPLETE_MIN);
    }

    proptest! {
        #[test]
        fn a_wait_is_bounded_and_shrinks_as_the_turn_sounds_more_complete(
            pauses_ms in prop::collection::vec(0_u64..5_000, 0..50),
            one in 0.0_f32..=1.0,
            other in 0.0_f32..=1.0,
        ) {
            let patience = after(&pauses_ms);
            let (less, more) = (one.min(other), one.max(other));
            prop_assert!(patience.wait(more) <= patience.wait(less));
            for complete in [less, more] {
                let most = if complete >= COMPLETE { WAIT_COMPLETE_MAX } else { WAIT_MAX };
                prop_assert!((WAIT_MIN..=most).contains(&patience.wait(complete)));
            }
        }

        #[test]
        fn who_pauses_longer_is_waited_for_longer(
            pauses_ms in prop::collection::vec(160_u64..2_500, PAUSES_LEAST..PAUSES_MAX),
            longer_ms in 0_u64..1_000,
            complete in 0.0_f32..=1.0,
        ) {
            let slower: Vec<u64> = pauses_ms.iter().map(|pause| pause + longer_ms).collect();
            prop_assert!(after(&pauses_ms).wait(complete) <= after(&slower).wait(complete));
        }
    }
}
