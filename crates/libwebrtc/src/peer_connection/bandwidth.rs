//! How much the network takes: the least of what is known of it.

use std::time::Instant;

use str0m::stats::PeerStats;

/// Loss above which the line is taken to be full, and below which it is taken to have room, as
/// shares of all packets: those of draft-ietf-rmcat-gcc-02, section 6.
const LOSS_FULL: f64 = 0.10;
const LOSS_ROOM: f64 = 0.02;

/// What a line with room is given more, each second; the draft's.
const GROWTH: f64 = 1.08;

/// No loss takes more than this, in bits per second: a voice and a picture that is still alive.
const LOSS_LIMIT_MIN: f64 = 80_000.0;

/// What the network takes, and what is to be sent.
#[derive(Default)]
pub(super) struct Bandwidth {
    /// The estimate of all that can be sent, while there is one.
    pub(super) estimate_bps: Option<u64>,
    /// What the other side says that it can receive.
    pub(super) remote_limit_bps: Option<u64>,
    /// The application's.
    pub(super) limit_bps: Option<u64>,
    /// What str0m was last told to look for.
    pub(super) desired_bps: u64,
    /// By the loss of packets, while there is any.
    loss_limit_bps: Option<f64>,
    /// What left beside the pictures: headers, what was sent again, sound.
    beside_bps: f64,
    before: Option<Sent>,
}

/// What has left, at a time.
#[derive(Debug, Clone, Copy)]
struct Sent {
    at: Instant,
    bytes: u64,
    /// Of them, the pictures.
    picture_bytes: u64,
}

impl Bandwidth {
    /// What there is for pictures, beside a reserve for sound; `None`: no limit is known.
    pub(super) fn budget_bps(&self, reserve_bps: u64) -> Option<u64> {
        let loss_limit = self.loss_limit_bps.map(|bps| bps as u64);
        let limits = [self.estimate_bps, self.remote_limit_bps, self.limit_bps, loss_limit];
        let limit = limits.into_iter().flatten().min()?;
        let beside = (self.beside_bps as u64).min(limit / 2).max(reserve_bps);
        Some(limit.saturating_sub(beside))
    }

    /// Comes about once a second, with the bytes of pictures that have left so far.
    pub(super) fn on_stats(&mut self, stats: &PeerStats, picture_bytes: u64) {
        let now = Sent { at: stats.timestamp, bytes: stats.peer_bytes_tx, picture_bytes };
        let Some(before) = self.before.replace(now) else { return };
        let seconds = now.at.saturating_duration_since(before.at).as_secs_f64();
        if seconds == 0.0 {
            return;
        }
        let bps = |now: u64, before: u64| now.saturating_sub(before) as f64 * 8.0 / seconds;
        let sent_bps = bps(now.bytes, before.bytes);
        let beside_bps = sent_bps - bps(now.picture_bytes, before.picture_bytes);
        self.beside_bps = f64::midpoint(self.beside_bps, beside_bps.max(0.0));
        if let Some(loss) = stats.egress_loss_fraction {
            self.follow_loss(f64::from(loss), sent_bps);
        }
    }

    /// str0m's estimate follows the delay, and takes loss into account only so far that a line with
    /// a short queue may lose three packets of ten for ever: its queue is always full, so the delay
    /// does not rise any more, and no picture arrives whole.
    fn follow_loss(&mut self, loss: f64, sent_bps: f64) {
        if loss > LOSS_FULL {
            // From what was sent, which can be less than what was allowed.
            let from = self.loss_limit_bps.map_or(sent_bps, |limit| limit.min(sent_bps));
            self.loss_limit_bps = Some((from * (1.0 - loss / 2.0)).max(LOSS_LIMIT_MIN));
        } else if loss < LOSS_ROOM {
            let grown = self.loss_limit_bps.map(|limit| limit * GROWTH);
            let estimate = self.estimate_bps;
            let limits = |limit: &f64| estimate.is_none_or(|bps| *limit < bps as f64);
            self.loss_limit_bps = grown.filter(limits);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A connection that sends all the pictures it may, up to a megabit per second.
    struct Sender {
        bandwidth: Bandwidth,
        at: Instant,
        bytes: u64,
        picture_bytes: u64,
        /// What leaves beside each picture's byte.
        overhead: f64,
    }

    impl Sender {
        fn new(estimate_bps: u64, overhead: f64) -> Self {
            let estimate_bps = Some(estimate_bps);
            let bandwidth = Bandwidth { estimate_bps, ..Bandwidth::default() };
            let at = Instant::now();
            let mut sender = Self { bandwidth, at, bytes: 0, picture_bytes: 0, overhead };
            sender.report(None);
            sender
        }

        fn pictures_bps(&self) -> f64 {
            self.bandwidth.budget_bps(0).map_or(1e6, |bps| bps as f64).min(1e6)
        }

        fn sent_bps(&self) -> f64 {
            self.pictures_bps() * (1.0 + self.overhead)
        }

        fn report(&mut self, loss: Option<f64>) {
            let stats = PeerStats {
                peer_bytes_rx: 0,
                peer_bytes_tx: self.bytes,
                bytes_rx: 0,
                bytes_tx: 0,
                timestamp: self.at,
                bwe_tx: None,
                egress_loss_fraction: loss.map(|loss| loss as f32),
                ingress_loss_fraction: None,
                rtt: None,
                selected_candidate_pair: None,
            };
            self.bandwidth.on_stats(&stats, self.picture_bytes);
        }

        /// So many seconds on a line that loses what it does not carry, and never less than `loss`.
        fn send(&mut self, seconds: u32, line_bps: f64, loss: f64) {
            for _ in 0..seconds {
                let sent = self.sent_bps();
                self.at += Duration::from_secs(1);
                self.bytes += (sent / 8.0) as u64;
                self.picture_bytes += (self.pictures_bps() / 8.0) as u64;
                self.report(Some(loss.max(1.0 - line_bps / sent)));
            }
        }
    }

    #[test]
    fn a_full_line_is_sent_what_it_carries_whatever_the_estimate_says() {
        let mut sender = Sender::new(290_000, 0.0);
        sender.send(4, 200_000.0, 0.0);
        let sent = sender.sent_bps();
        assert!((190_000.0..223_000.0).contains(&sent), "{sent}");
    }

    #[test]
    fn a_line_that_widens_is_used_again() {
        let mut sender = Sender::new(900_000, 0.0);
        sender.send(8, 200_000.0, 0.0);
        assert!(sender.sent_bps() < 230_000.0);
        sender.send(20, 2e6, 0.0);
        assert_eq!(sender.bandwidth.budget_bps(0), Some(900_000));
    }

    #[test]
    fn a_little_loss_of_another_cause_takes_nothing() {
        let mut sender = Sender::new(500_000, 0.0);
        sender.send(30, 2e6, 0.08);
        assert_eq!(sender.bandwidth.budget_bps(0), Some(500_000));
    }

    #[test]
    fn whatever_is_lost_something_is_sent() {
        let mut sender = Sender::new(500_000, 0.0);
        sender.send(60, 2e6, 0.9);
        assert_eq!(sender.bandwidth.budget_bps(0), Some(LOSS_LIMIT_MIN as u64));
    }

    #[test]
    fn headers_and_what_is_sent_again_are_part_of_the_budget() {
        let mut sender = Sender::new(200_000, 0.25);
        sender.send(10, 2e6, 0.0);
        let sent = sender.sent_bps();
        assert!((195_000.0..205_000.0).contains(&sent), "{sent}");
    }

    #[test]
    fn pictures_get_half_whatever_leaves_beside_them() {
        let mut sender = Sender::new(200_000, 9.0);
        sender.send(10, 2e6, 0.0);
        assert_eq!(sender.bandwidth.budget_bps(50_000), Some(100_000));
    }

    #[test]
    fn the_least_of_what_is_known_counts_without_the_reserve() {
        let mut bandwidth = Bandwidth::default();
        assert_eq!(bandwidth.budget_bps(50_000), None);
        bandwidth.estimate_bps = Some(300_000);
        bandwidth.remote_limit_bps = Some(200_000);
        bandwidth.limit_bps = Some(400_000);
        assert_eq!(bandwidth.budget_bps(50_000), Some(150_000));
        bandwidth.limit_bps = Some(40_000);
        assert_eq!(bandwidth.budget_bps(50_000), Some(0));
    }
}
