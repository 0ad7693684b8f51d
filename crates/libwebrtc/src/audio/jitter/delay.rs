//! How late packets are, and how long to hold them so that hardly any comes too late.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The fastest packet of this long is what others are late against. Longer than most bursts, short
/// enough to follow a new route and a clock that drifts.
const WINDOW: Duration = Duration::from_secs(5);
/// Packets in [`WINDOW`] at the most that can be the fastest.
const WINDOW_LEN_MAX: usize = 512;

const BUCKET_MS: f32 = 5.0;
/// Later than 500 ms is as good as lost.
const BUCKETS: usize = 100;

/// Old packets count less: half as much after 230 packets, which is 4.6 s of speech.
const FORGET: f32 = 0.997;

/// What is assumed at the start counts as much as so many packets. It is a guess: half a second of
/// speech, which is 25 packets, tells more.
const START_PACKETS: f32 = 1.0;

/// So much of all packets shall come in time; the rest is concealed.
const IN_TIME: f32 = 0.96;

/// What is held beyond that: the clock ticks every 10 ms only.
const MARGIN_MS: f32 = 10.0;

/// The first bucket, and the margin: nothing is gained by holding punctual packets for longer.
pub(super) const TARGET_MIN_MS: f32 = BUCKET_MS + MARGIN_MS;
pub(super) const TARGET_MAX_MS: f32 = 400.0;

/// What is assumed before anything is known.
const START_MS: f32 = 20.0;

/// Measures lateness and derives the target delay.
pub(super) struct DelayEstimator {
    /// Candidates for the fastest packet: arrival, and arrival less media time in ms. Both rise.
    fastest: VecDeque<(Instant, f64)>,
    origin: Option<Instant>,
    /// Share of packets by lateness; sums to 1.
    histogram: [f32; BUCKETS],
    /// Packets in it, with those that the start counts as; no more matter than it remembers.
    packets: f32,
}

impl DelayEstimator {
    pub(super) fn new() -> Self {
        let mut histogram = [0.0; BUCKETS];
        histogram[(START_MS / BUCKET_MS) as usize] = 1.0;
        Self { fastest: VecDeque::new(), origin: None, histogram, packets: START_PACKETS }
    }

    /// The next packets have another origin of media time; the network is the same.
    pub(super) fn restart(&mut self) {
        self.fastest.clear();
    }

    /// Takes in a packet. Returns how late it is against the fastest one, in ms.
    pub(super) fn on_packet(&mut self, arrival: Instant, media_ms: f64) -> f32 {
        let origin = *self.origin.get_or_insert(arrival);
        let relative = arrival.saturating_duration_since(origin).as_secs_f64() * 1000.0 - media_ms;
        while self.fastest.back().is_some_and(|(_, other)| *other >= relative) {
            self.fastest.pop_back();
        }
        self.fastest.push_back((arrival, relative));
        let is_old = |(at, _): &(Instant, f64)| arrival.saturating_duration_since(*at) > WINDOW;
        while self.fastest.len() > WINDOW_LEN_MAX || self.fastest.front().is_some_and(is_old) {
            self.fastest.pop_front();
        }
        let late = self.fastest.front().map_or(0.0, |(_, fastest)| (relative - fastest) as f32);
        self.count(late);
        late
    }

    fn count(&mut self, late_ms: f32) {
        let bucket = ((late_ms / BUCKET_MS) as usize).min(BUCKETS - 1);
        // The mean of all packets, until there are so many that old ones are forgotten.
        self.packets = (self.packets + 1.0).min(1.0 / (1.0 - FORGET));
        let weight = 1.0 / self.packets;
        for share in &mut self.histogram {
            *share *= 1.0 - weight;
        }
        self.histogram[bucket] += weight;
    }

    /// How long after the fastest packet's arrival a packet shall be played, in ms.
    pub(super) fn target_ms(&self) -> f32 {
        let total: f32 = self.histogram.iter().sum();
        let mut sum = 0.0;
        let bucket = self.histogram.iter().position(|share| {
            sum += share;
            sum >= IN_TIME * total
        });
        let late_ms = (bucket.unwrap_or(BUCKETS - 1) + 1) as f32 * BUCKET_MS;
        (late_ms + MARGIN_MS).clamp(TARGET_MIN_MS, TARGET_MAX_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `count` packets of 20 ms, the n-th of them late by `late_ms(n)`.
    fn feed(estimator: &mut DelayEstimator, count: u32, late_ms: impl Fn(u32) -> f64) {
        let start = Instant::now();
        for n in 0..count {
            let media_ms = f64::from(n) * 20.0;
            let arrival = start + Duration::from_secs_f64((media_ms + late_ms(n)) / 1000.0);
            estimator.on_packet(arrival, media_ms);
        }
    }

    #[test]
    fn a_regular_network_needs_the_minimum() {
        let mut estimator = DelayEstimator::new();
        feed(&mut estimator, 1500, |_| 0.0);
        assert_eq!(estimator.target_ms(), TARGET_MIN_MS);
    }

    #[test]
    fn the_start_is_forgotten_within_half_a_second_of_speech() {
        let mut estimator = DelayEstimator::new();
        let start_ms = estimator.target_ms();
        feed(&mut estimator, 25, |_| 0.0);
        assert_eq!(estimator.target_ms(), TARGET_MIN_MS);
        assert!(start_ms >= TARGET_MIN_MS + 20.0, "{start_ms}");
        // As soon it is known that a network needs more.
        let mut estimator = DelayEstimator::new();
        feed(&mut estimator, 50, |n| f64::from(n % 5) * 15.0);
        assert!(estimator.target_ms() >= 65.0, "{}", estimator.target_ms());
    }

    #[test]
    fn the_target_covers_the_jitter_and_comes_back_afterwards() {
        let mut estimator = DelayEstimator::new();
        feed(&mut estimator, 1000, |n| f64::from(n % 5) * 15.0);
        let target = estimator.target_ms();
        assert!((65.0..=85.0).contains(&target), "{target}");
        feed(&mut estimator, 2000, |_| 0.0);
        assert_eq!(estimator.target_ms(), TARGET_MIN_MS);
    }

    #[test]
    fn a_rare_straggler_is_not_waited_for() {
        let mut estimator = DelayEstimator::new();
        feed(&mut estimator, 2000, |n| if n % 100 == 99 { 300.0 } else { 0.0 });
        assert!(estimator.target_ms() <= 30.0, "{}", estimator.target_ms());
    }

    #[test]
    fn a_clock_that_drifts_is_not_jitter() {
        for drift in [-200e-6, 200e-6] {
            let mut estimator = DelayEstimator::new();
            feed(&mut estimator, 15_000, |n| f64::from(n) * 20.0 * drift + 100.0);
            assert!(estimator.target_ms() <= 25.0, "{drift}: {}", estimator.target_ms());
        }
    }
}
