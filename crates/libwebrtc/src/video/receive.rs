//! From RTP packets to the streams of a remote track.
//!
//! Packets come in under the lock of the peer connection's core and are put together at once;
//! frames are decoded on a thread for such work, one after the other. Nothing is put together or
//! decoded while nobody looks.
//!
//! Locks: as in [`super::send`], no lock of this module is held while the core is called.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;

pub(crate) use super::assemble::Packet;
use super::{
    RTP_CLOCK_HZ,
    assemble::{self, Assembler, Frame},
    sink::{VideoSink, View},
    vpx::{Decoder, Error},
};
use crate::{peer_connection::shared::Shared, runtime, sinks::Sinks};

/// Encoded frames that wait for the decoder: 2 s at 15 frames a second. A decoder that is further
/// behind will not catch up; what waits is dropped up to the next key frame.
const FRAMES_WAITING_MAX: usize = 30;

/// What came in and was decoded.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Statistics {
    pub(crate) ssrc: u32,
    pub(crate) assembled: assemble::Counts,
    pub(crate) packets_lost: i64,
    pub(crate) frames_decoded: u64,
    pub(crate) key_frames_decoded: u64,
    /// Not decoded: damaged, or the decoder was too slow.
    pub(crate) frames_dropped: u64,
    pub(crate) decode_time: Duration,
    pub(crate) size: (u32, u32),
}

/// The video of one remote track.
pub(crate) struct VideoReceive {
    me: Weak<Self>,
    peer: Weak<Shared>,
    state: Mutex<State>,
    /// Only the work in progress takes this lock.
    decoder: Mutex<Option<Decoder>>,
    sinks: Sinks<dyn VideoSink>,
    enabled: AtomicBool,
    ended: AtomicBool,
}

#[derive(Default)]
struct State {
    assembler: Assembler,
    /// First and highest sequence number.
    range: Option<(u64, u64)>,
    waiting: VecDeque<Frame>,
    working: bool,
    /// The stream changed, or a frame was lost: only a key frame can be decoded.
    needs_key: bool,
    /// The last RTP time, and the same without roll-over.
    clock: Option<(u32, i64)>,
    statistics: Statistics,
}

impl VideoReceive {
    pub(crate) fn new(peer: Weak<Shared>) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            peer,
            state: Mutex::default(),
            decoder: Mutex::new(None),
            sinks: Sinks::default(),
            enabled: AtomicBool::new(true),
            ended: AtomicBool::new(false),
        })
    }

    /// Takes a packet. Returns whether a key frame is to be asked for.
    pub(crate) fn push(&self, ssrc: u32, packet: Packet) -> bool {
        let nobody_looks = self.sinks.is_empty();
        let mut state = self.state.lock();
        if state.statistics.ssrc != ssrc {
            state.begin(ssrc);
        }
        let (_, highest) = state.range.get_or_insert((packet.seq, packet.seq));
        *highest = packet.seq.max(*highest);
        if nobody_looks {
            state.assembler.skip(&packet);
            return false;
        }
        let now = packet.arrival;
        let mut frames = Vec::new();
        let mut ask = state.assembler.push(packet, &mut frames);
        for frame in frames {
            ask |= state.enqueue(frame, now);
        }
        if !state.working
            && !state.waiting.is_empty()
            && let Some(me) = self.me.upgrade()
        {
            state.working = true;
            runtime::compute(move || me.work());
        }
        ask
    }

    /// Comes by about once a second. Returns whether a key frame is to be asked for.
    pub(crate) fn remind(&self, now: Instant) -> bool {
        let somebody_looks = !self.sinks.is_empty() && !self.ended.load(Ordering::Acquire);
        somebody_looks && self.state.lock().assembler.remind(now)
    }

    pub(crate) fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Relaxed);
    }

    /// Somebody looks from now on, which begins with a key frame.
    pub(crate) fn add_sink(&self, sink: &Arc<dyn VideoSink>) {
        if self.ended.load(Ordering::Acquire) {
            return sink.on_end();
        }
        let first = self.sinks.is_empty();
        self.sinks.add(Arc::downgrade(sink));
        let ask = first && self.state.lock().begin_to_look(Instant::now());
        self.ask_if(ask);
    }

    pub(crate) fn remove_sink(&self, sink: &Arc<dyn VideoSink>) {
        self.sinks.remove(&Arc::downgrade(sink));
    }

    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.sinks.for_each(VideoSink::on_end);
    }

    pub(crate) fn statistics(&self) -> Statistics {
        let state = self.state.lock();
        let assembled = state.assembler.counts();
        let expected = state.range.map_or(0, |(first, highest)| highest - first + 1);
        Statistics {
            assembled,
            packets_lost: expected as i64 - assembled.packets_received as i64,
            ..state.statistics
        }
    }

    fn ask_if(&self, ask: bool) {
        let ssrc = self.state.lock().statistics.ssrc;
        if ask
            && ssrc != 0
            && let Some(peer) = self.peer.upgrade()
        {
            peer.request_key_frame(ssrc);
        }
    }

    fn work(&self) {
        loop {
            let mut state = self.state.lock();
            let Some(frame) = state.waiting.pop_front() else {
                state.working = false;
                return;
            };
            let timestamp_us = state.unwrap(frame.rtp_time) * 1_000_000 / i64::from(RTP_CLOCK_HZ);
            drop(state);
            let began = Instant::now();
            let decoded = self.decode(&frame, timestamp_us, began);
            let mut state = self.state.lock();
            state.statistics.decode_time += began.elapsed();
            let ask = match decoded {
                Ok(size) => {
                    state.statistics.frames_decoded += 1;
                    state.statistics.key_frames_decoded += u64::from(frame.key);
                    state.statistics.size = size.unwrap_or(state.statistics.size);
                    false
                }
                Err(error) => {
                    log::debug!("a video frame was not decoded: {error}");
                    state.statistics.frames_dropped += 1 + state.waiting.len() as u64;
                    state.start_over(began)
                }
            };
            drop(state);
            self.ask_if(ask);
        }
    }

    /// Decodes a frame and hands the picture on. Returns its size.
    fn decode(
        &self,
        frame: &Frame,
        timestamp_us: i64,
        now: Instant,
    ) -> Result<Option<(u32, u32)>, Error> {
        let mut decoder = self.decoder.lock();
        let codec = match decoder.take() {
            Some(codec) => codec,
            None => Decoder::new()?,
        };
        let codec = decoder.insert(codec);
        let result = match codec.decode(&frame.data) {
            Ok(Some(picture)) => {
                if self.enabled.load(Ordering::Relaxed) {
                    let rotation = frame.rotation;
                    let view = View { picture, rotation, timestamp_us, at: now };
                    self.sinks.for_each(|sink| {
                        sink.on_frame(&view);
                    });
                }
                return Ok(Some((picture.width, picture.height)));
            }
            Ok(None) => return Ok(None),
            Err(error) => Err(error),
        };
        // What is left of a decoder after an error is anybody's guess.
        *decoder = None;
        result
    }
}

impl State {
    /// Another stream, as when an SFU gives the m-line to somebody else.
    fn begin(&mut self, ssrc: u32) {
        *self = Self { working: self.working, needs_key: true, ..Self::default() };
        self.statistics.ssrc = ssrc;
    }

    fn begin_to_look(&mut self, now: Instant) -> bool {
        self.waiting.clear();
        self.needs_key = true;
        self.assembler.begin(now)
    }

    fn start_over(&mut self, now: Instant) -> bool {
        self.waiting.clear();
        self.needs_key = true;
        self.assembler.start_over(now)
    }

    /// Takes a frame for the decoder. Returns whether a key frame is to be asked for.
    fn enqueue(&mut self, frame: Frame, now: Instant) -> bool {
        if self.needs_key && !frame.key {
            self.statistics.frames_dropped += 1;
            return false;
        }
        if self.waiting.len() >= FRAMES_WAITING_MAX {
            self.statistics.frames_dropped += 1 + self.waiting.len() as u64;
            return self.start_over(now);
        }
        if frame.key {
            // Whatever waits before a key frame would only be late.
            self.statistics.frames_dropped += self.waiting.len() as u64;
            self.waiting.clear();
        }
        self.needs_key = false;
        self.waiting.push_back(frame);
        false
    }

    fn unwrap(&mut self, rtp_time: u32) -> i64 {
        let (last, time) = self.clock.unwrap_or((rtp_time, 0));
        let time = time + i64::from(rtp_time.wrapping_sub(last) as i32);
        self.clock = Some((rtp_time, time));
        time
    }
}

#[cfg(test)]
#[path = "receive/tests.rs"]
mod tests;
