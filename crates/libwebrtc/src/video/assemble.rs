//! From RTP packets in any order to frames in theirs.
//!
//! str0m asks for missing packets; here they are waited for, up to a point. A frame comes out once
//! it is complete and follows the one before without a gap, or is a key frame. After a gap that
//! does not close a key frame is asked for.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{packet, vpx::is_key_frame};
use crate::video_frame::VideoRotation;

/// Packets that wait: a key frame of 2 MB, and a bound for memory.
const PACKETS_MAX: usize = 2_048;

/// A packet further ahead or behind than this is no packet of this stream.
const SEQ_LEAP_MAX: u64 = 3_000;

/// How long a gap may stay before a key frame is asked for: a request and its answer take a round
/// trip, and a second attempt another.
const GAP_WAIT: Duration = Duration::from_millis(200);

/// How long a gap may stay before what waits behind it is given up.
const GAP_GIVE_UP: Duration = Duration::from_secs(1);

/// The time between two requests for a key frame: it takes a round trip and an encoder's turn.
const ASK_INTERVAL: Duration = Duration::from_millis(300);

/// A packet of the stream.
pub(crate) struct Packet {
    /// Extended, without roll-over.
    pub(crate) seq: u64,
    /// 90 kHz.
    pub(crate) rtp_time: u32,
    /// The last packet of a frame.
    pub(crate) marker: bool,
    pub(crate) payload: Arc<[u8]>,
    pub(crate) arrival: Instant,
    pub(crate) rotation: VideoRotation,
}

/// An encoded frame.
pub(crate) struct Frame {
    /// 90 kHz.
    pub(crate) rtp_time: u32,
    pub(crate) data: Vec<u8>,
    pub(crate) key: bool,
    pub(crate) rotation: VideoRotation,
}

/// What came, and what became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) packets_received: u64,
    pub(crate) bytes_received: u64,
    /// Late, twice, or not VP8.
    pub(crate) packets_discarded: u64,
    pub(crate) frames_assembled: u64,
    /// Given up, with a packet missing or their beginning.
    pub(crate) gaps_given_up: u64,
    pub(crate) key_frames_asked: u64,
}

/// Frames of one stream.
#[derive(Default)]
pub(crate) struct Assembler {
    packets: BTreeMap<u64, Packet>,
    /// What follows the last frame; `None` before the first key frame, and after a gap.
    next: Option<u64>,
    highest: Option<u64>,
    /// Since when something waits behind a gap.
    gap_since: Option<Instant>,
    asked_at: Option<Instant>,
    counts: Counts,
}

impl Assembler {
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Nobody wants frames now: counts the packet, and keeps nothing.
    pub(crate) fn skip(&mut self, packet: &Packet) {
        self.count(packet);
        self.give_up();
        self.highest = None;
        self.asked_at = None;
    }

    /// Somebody begins to look: a key frame is asked for whatever was before.
    pub(crate) fn begin(&mut self, now: Instant) -> bool {
        self.asked_at = None;
        self.start_over(now)
    }

    /// A request and its answer may both be lost, and a sender that rests gives no other occasion
    /// to ask again. Returns whether to do so.
    pub(crate) fn remind(&mut self, now: Instant) -> bool {
        self.next.is_none() && self.ask(now)
    }

    /// A frame could not be decoded: nothing but a key frame helps. Returns whether to ask for it.
    pub(crate) fn start_over(&mut self, now: Instant) -> bool {
        self.give_up();
        self.ask(now)
    }

    fn count(&mut self, packet: &Packet) {
        self.counts.packets_received += 1;
        self.counts.bytes_received += packet.payload.len() as u64;
    }

    fn give_up(&mut self) {
        self.packets.clear();
        self.next = None;
        self.gap_since = None;
    }

    fn ask(&mut self, now: Instant) -> bool {
        let asked_just_now =
            self.asked_at.is_some_and(|at| now.saturating_duration_since(at) < ASK_INTERVAL);
        if asked_just_now {
            return false;
        }
        self.asked_at = Some(now);
        self.counts.key_frames_asked += 1;
        true
    }

    /// Takes a packet; frames that it completes are appended to `frames`. Returns whether a key
    /// frame is to be asked for.
    pub(crate) fn push(&mut self, packet: Packet, frames: &mut Vec<Frame>) -> bool {
        let now = packet.arrival;
        self.count(&packet);
        if self.highest.is_some_and(|highest| packet.seq.abs_diff(highest) > SEQ_LEAP_MAX) {
            // The sender began anew without saying so.
            self.give_up();
            self.highest = None;
        }
        self.highest = Some(self.highest.map_or(packet.seq, |highest| highest.max(packet.seq)));
        let late = self.next.is_some_and(|next| packet.seq < next);
        // An empty one is padding: it fills its place in the order.
        let foreign = !packet.payload.is_empty() && packet::parse(&packet.payload).is_none();
        if late || foreign || self.packets.contains_key(&packet.seq) {
            self.counts.packets_discarded += 1;
            return false;
        }
        self.packets.insert(packet.seq, packet);
        while self.advance(frames) {}
        self.watch(now)
    }

    /// Takes out one frame, or what is no frame. Returns whether there may be more.
    fn advance(&mut self, frames: &mut Vec<Frame>) -> bool {
        if let Some(next) = self.next {
            match self.packets.get(&next) {
                Some(packet) if packet.payload.is_empty() => {
                    self.packets.remove(&next);
                    self.next = Some(next + 1);
                    return true;
                }
                Some(packet) if begins(packet) => {
                    if let Some(end) = self.end_of_frame(next) {
                        frames.extend(self.take(next, end));
                        return true;
                    }
                }
                Some(_) => {
                    // The middle of a frame where one must begin: the sender left a part out.
                    self.next = None;
                    self.counts.gaps_given_up += 1;
                    return true;
                }
                None => {}
            }
        }
        // The newest complete key frame makes everything before it unnecessary.
        let key_frames = self.packets.iter().rev().filter(|(_, packet)| begins_key(packet));
        let found = key_frames
            .filter(|(seq, _)| self.next != Some(**seq))
            .find_map(|(seq, _)| Some((*seq, self.end_of_frame(*seq)?)));
        let Some((start, end)) = found else { return false };
        if self.next.is_some() {
            self.counts.gaps_given_up += 1;
        }
        self.packets = self.packets.split_off(&start);
        frames.extend(self.take(start, end));
        true
    }

    /// The last packet of the frame that begins at `start`, if all of them are here.
    fn end_of_frame(&self, start: u64) -> Option<u64> {
        let rtp_time = self.packets.get(&start)?.rtp_time;
        for (expected, (seq, packet)) in (start..).zip(self.packets.range(start..)) {
            if *seq != expected {
                return None;
            }
            if packet.rtp_time != rtp_time || (*seq > start && begins(packet)) {
                // A sender that sets no markers.
                return Some(expected - 1);
            }
            if packet.marker {
                return Some(expected);
            }
        }
        None
    }

    fn take(&mut self, start: u64, end: u64) -> Option<Frame> {
        let rest = self.packets.split_off(&(end + 1));
        let packets = std::mem::replace(&mut self.packets, rest);
        self.next = Some(end + 1);
        self.gap_since = None;
        let first = packets.get(&start)?;
        let (rtp_time, rotation) = (first.rtp_time, first.rotation);
        let mut data =
            Vec::with_capacity(packets.values().map(|packet| packet.payload.len()).sum());
        for packet in packets.values() {
            if let Some((at, _)) = packet::parse(&packet.payload) {
                data.extend_from_slice(&packet.payload[at..]);
            }
        }
        self.counts.frames_assembled += 1;
        let key = is_key_frame(&data);
        Some(Frame { rtp_time, data, key, rotation })
    }

    /// Looks how long something has been missing.
    fn watch(&mut self, now: Instant) -> bool {
        let Some(next) = self.next else {
            if self.packets.len() > PACKETS_MAX {
                self.packets.clear();
                self.counts.gaps_given_up += 1;
            }
            // A key frame may be on its way already, in part.
            let coming = self.packets.values().any(begins_key);
            let since = *self.gap_since.get_or_insert(now);
            let waited = now.saturating_duration_since(since) >= GAP_WAIT;
            return (!coming || waited) && self.ask(now);
        };
        // What is here in one piece from `next` on only waits for its end.
        let in_one_piece =
            (next..).zip(self.packets.keys()).all(|(expected, seq)| expected == *seq);
        if self.packets.is_empty() || in_one_piece {
            self.gap_since = None;
            return false;
        }
        let since = *self.gap_since.get_or_insert(now);
        let waited = now.saturating_duration_since(since);
        if waited >= GAP_GIVE_UP || self.packets.len() > PACKETS_MAX {
            self.give_up();
            self.counts.gaps_given_up += 1;
        }
        waited >= GAP_WAIT && self.ask(now)
    }
}

fn begins(packet: &Packet) -> bool {
    packet::parse(&packet.payload).is_some_and(|(_, start)| start)
}

fn begins_key(packet: &Packet) -> bool {
    packet::parse(&packet.payload)
        .is_some_and(|(at, start)| start && is_key_frame(&packet.payload[at..]))
}

#[cfg(test)]
#[path = "assemble/tests.rs"]
mod tests;
