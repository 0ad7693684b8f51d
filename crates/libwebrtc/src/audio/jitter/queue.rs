//! Packets in order, and the place up to which they were played.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use super::{Packet, RTP_CLOCK_HZ};
use crate::audio::opus;

/// 4 s of speech in packets of 20 ms: beyond any target, and a bound for memory.
const PACKETS_MAX: usize = 200;

/// A packet further ahead than this is no packet of this stream.
const SEQ_LEAP_MAX: u64 = 3000;

/// A packet that waits to be played.
pub(super) struct Queued {
    /// Samples of 48 kHz, without roll-over.
    pub(super) time: i64,
    samples: i64,
    pub(super) payload: Arc<[u8]>,
    pub(super) arrival: Instant,
    pub(super) late_ms: f32,
}

/// What became of a packet that was handed in.
pub(super) enum Verdict {
    Queued {
        time: i64,
    },
    TooLate {
        time: i64,
    },
    /// Twice, or not Opus.
    Useless,
}

/// Packets by sequence number.
pub(super) struct Queue {
    packets: BTreeMap<u64, Queued>,
    next: Option<Next>,
    /// Time of a packet, for the ones after it.
    reference: Option<(u32, i64)>,
    /// Where counting began, the highest number since, and how many came.
    range: Option<(u64, u64, u64)>,
    /// Transit time of the last packet, and the jitter of RFC 3550.
    transit: Option<f64>,
    jitter: f64,
    origin: Option<Instant>,
}

/// The packet to be played next.
#[derive(Clone, Copy)]
struct Next {
    seq: u64,
    time: i64,
    /// The one before said: silence.
    after_silence: bool,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            packets: BTreeMap::new(),
            next: None,
            reference: None,
            range: None,
            transit: None,
            jitter: 0.0,
            origin: None,
        }
    }

    /// Counts a packet.
    pub(super) fn observe(&mut self, packet: &Packet) -> i64 {
        let time = self.unwrap(packet.rtp_time);
        let (_, highest, received) = self.range.get_or_insert((packet.seq, packet.seq, 0));
        *highest = packet.seq.max(*highest);
        *received += 1;
        let origin = *self.origin.get_or_insert(packet.arrival);
        let arrival = packet.arrival.saturating_duration_since(origin).as_secs_f64();
        let transit = arrival * f64::from(RTP_CLOCK_HZ) - time as f64;
        if let Some(before) = self.transit.replace(transit) {
            self.jitter += ((transit - before).abs() - self.jitter) / 16.0;
        }
        time
    }

    fn unwrap(&mut self, rtp_time: u32) -> i64 {
        let (reference, time) = *self.reference.get_or_insert((rtp_time, i64::from(rtp_time)));
        let time = time + i64::from(rtp_time.wrapping_sub(reference) as i32);
        self.reference = Some((rtp_time, time));
        time
    }

    pub(super) fn insert(&mut self, packet: Packet) -> Verdict {
        if self.range.is_some_and(|(_, highest, _)| packet.seq > highest + SEQ_LEAP_MAX) {
            // The sender began anew without saying so.
            *self = Self::new();
        }
        let time = self.observe(&packet);
        let Some(samples) = opus::packet_samples(&packet.payload) else {
            return Verdict::Useless;
        };
        if self.next.is_some_and(|next| packet.seq < next.seq) {
            return Verdict::TooLate { time };
        }
        if self.packets.contains_key(&packet.seq) {
            return Verdict::Useless;
        }
        let queued = Queued {
            time,
            samples: samples as i64,
            payload: packet.payload,
            arrival: packet.arrival,
            late_ms: 0.0,
        };
        self.packets.insert(packet.seq, queued);
        Verdict::Queued { time }
    }

    pub(super) fn set_late(&mut self, seq: u64, late_ms: f32) {
        if let Some(packet) = self.packets.get_mut(&seq) {
            packet.late_ms = late_ms;
        }
    }

    /// Throws away the oldest packets beyond the bound. Returns how many.
    pub(super) fn enforce_bound(&mut self) -> u64 {
        let mut dropped = 0;
        while self.packets.len() > PACKETS_MAX {
            self.pop();
            dropped += 1;
        }
        dropped
    }

    /// From the first waiting packet to the end of the last, in samples.
    pub(super) fn span(&self) -> i64 {
        match (self.packets.first_key_value(), self.packets.last_key_value()) {
            (Some((_, first)), Some((_, last))) => last.time + last.samples - first.time,
            _ => 0,
        }
    }

    pub(super) fn peek(&self) -> Option<&Queued> {
        self.packets.first_key_value().map(|(_, packet)| packet)
    }

    /// Takes the first packet; the one after it is next.
    pub(super) fn pop(&mut self) -> Option<Queued> {
        let (seq, packet) = self.packets.pop_first()?;
        self.next = Some(Next {
            seq: seq + 1,
            time: packet.time + packet.samples,
            after_silence: packet.is_silence(),
        });
        Some(packet)
    }

    /// How many packets are missing before the first waiting one, and how much time.
    pub(super) fn first_ahead(&self) -> Option<(u64, i64)> {
        let next = self.next?;
        let (seq, packet) = self.packets.first_key_value()?;
        Some((seq.saturating_sub(next.seq), packet.time - next.time))
    }

    pub(super) fn next_time(&self) -> Option<i64> {
        self.next.map(|next| next.time)
    }

    pub(super) fn ended_silent(&self) -> bool {
        self.next.is_some_and(|next| next.after_silence)
    }

    /// The first waiting packet is next, whatever was missing before it.
    pub(super) fn begin_at_first(&mut self) {
        if let Some((seq, packet)) = self.packets.first_key_value() {
            self.next = Some(Next { seq: *seq, time: packet.time, after_silence: false });
        }
    }

    pub(super) fn skip_to_first(&mut self) {
        self.begin_at_first();
    }

    /// Gives up the next packet, which stood for so many samples.
    pub(super) fn skip_one(&mut self, samples: i64) {
        if let Some(next) = &mut self.next {
            next.seq += 1;
            next.time += samples;
        }
    }

    /// By sequence numbers, as in a receiver report.
    pub(super) fn lost(&self) -> i64 {
        self.range
            .map_or(0, |(first, highest, received)| (highest - first + 1) as i64 - received as i64)
    }

    pub(super) fn jitter(&self) -> f64 {
        self.jitter
    }
}
