//! Who may send how much, and how many frames that is worth.

use std::time::{Duration, Instant};

/// What a voice needs beside the video of its connection, with its headers.
pub(crate) const AUDIO_RESERVE_BPS: u64 = 50_000;

/// Below this a stream of pictures is of no use to anybody.
const BITRATE_MIN_BPS: u64 = 30_000;

/// Without a limit by the application: this much for each pixel, which makes 230 kbit/s of
/// 320 x 320 and 2.1 Mbit/s of 1280 x 720.
const BITRATE_PER_PIXEL_BPS: f64 = 2.3;

/// Bits that a pixel of a frame needs at least, or the picture falls to pieces. A rate that cannot
/// give it to every frame gets fewer frames.
const BITS_PER_PIXEL_MIN: f64 = 0.02;

/// However low the rate: a picture that moves once a second is still seen to be alive.
const FRAME_RATE_MIN: f64 = 1.0;

/// What a stream of this size is worth when the application does not say.
pub(crate) fn default_bitrate(width: u32, height: u32) -> u64 {
    (f64::from(width) * f64::from(height) * BITRATE_PER_PIXEL_BPS) as u64
}

/// Shares a budget among streams that want so much, the first ones first. The first always gets
/// something; of the others, those for which too little is left get nothing.
pub(crate) fn share(budget_bps: u64, wanted_bps: &[u64]) -> Vec<u64> {
    let mut left = budget_bps;
    let mut shares = Vec::with_capacity(wanted_bps.len());
    for (index, wanted) in wanted_bps.iter().enumerate() {
        let mut given = (*wanted).min(left);
        if given < BITRATE_MIN_BPS.min(*wanted) {
            given = if index == 0 { BITRATE_MIN_BPS } else { 0 };
        }
        left = left.saturating_sub(given);
        shares.push(given);
    }
    shares
}

/// Frames per second that a bitrate is worth.
pub(crate) fn frame_rate(bitrate_bps: u64, pixels: u32) -> f64 {
    (bitrate_bps as f64 / (f64::from(pixels) * BITS_PER_PIXEL_MIN)).max(FRAME_RATE_MIN)
}

/// Lets through so many frames a second.
#[derive(Default)]
pub(crate) struct Gate {
    due: Option<Instant>,
}

/// Frames come with the jitter of the thread that makes them.
const JITTER: Duration = Duration::from_millis(8);

impl Gate {
    /// Whether a frame taken at `at` may pass.
    pub(crate) fn pass(&mut self, at: Instant, frame_rate: f64) -> bool {
        let interval = Duration::from_secs_f64(1.0 / frame_rate.max(FRAME_RATE_MIN));
        let due = self.due.unwrap_or(at);
        if at + JITTER < due {
            return false;
        }
        // From when it was due, so that 30 frames a second become 20 and not 15; but a rest is no
        // credit.
        let from = due.max(at.checked_sub(interval).unwrap_or(at));
        self.due = Some(from + interval);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_stream_is_served_first_and_never_starves() {
        assert_eq!(share(1_000_000, &[150_000, 500_000]), [150_000, 500_000]);
        assert_eq!(share(400_000, &[150_000, 500_000]), [150_000, 250_000]);
        assert_eq!(share(160_000, &[150_000, 500_000]), [150_000, 0]);
        assert_eq!(share(0, &[150_000, 500_000]), [30_000, 0]);
        assert_eq!(share(0, &[]), [0; 0]);
    }

    #[test]
    fn a_low_bitrate_is_worth_fewer_frames() {
        let pixels = 320 * 320;
        assert!(frame_rate(125_000, pixels) > 30.0);
        assert!((14.0..16.0).contains(&frame_rate(30_000, pixels)));
        assert!((f64::EPSILON..=1.0).contains(&frame_rate(0, pixels)));
    }

    #[test]
    fn the_gate_lets_through_the_rate_it_is_told() {
        for (from, to) in [(30, 20.0), (30, 15.0), (15, 15.0), (15, 5.0), (2, 15.0)] {
            let (start, mut gate) = (Instant::now(), Gate::default());
            let frames = (0..from * 10).map(|n| start + Duration::from_secs(1) * n / from);
            let passed = frames.filter(|at| gate.pass(*at, to)).count() as f64 / 10.0;
            let expected = to.min(f64::from(from));
            assert!((passed - expected).abs() < 0.6, "{from} to {to}: {passed}");
        }
    }
}
