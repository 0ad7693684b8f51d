//! The jitter buffer: packets in as the network brings them, 10 ms of sound out with every tick.
//!
//! Every packet shall be played `target` after the moment at which the fastest packets of its age
//! arrive ([`delay`]). How far the buffer is from that (`offset`) is seen with every arrival; it is
//! corrected at the beginning of a talk spurt, and in between by taking out or putting in single
//! periods of sound ([`stretch`]). What is missing when it is needed is repaired from the packet
//! behind it (in-band FEC), else concealed by Opus; after a while it is silence.

mod delay;
mod queue;
mod stretch;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use self::{
    delay::DelayEstimator,
    queue::{Queue, Queued, Verdict},
};
use super::{RTP_CLOCK_HZ, TICK_SAMPLES, opus::Decoder};

const SAMPLES_PER_MS: f32 = RTP_CLOCK_HZ as f32 / 1000.0;

/// Concealment that goes on longer than this is silence instead: Opus has nothing to say by then.
const CONCEAL_SAMPLES_MAX: usize = TICK_SAMPLES * 6;

/// A hole longer than this is not concealed: what follows starts anew.
const HOLE_SAMPLES_MAX: i64 = RTP_CLOCK_HZ as i64 / 5;

/// More than this in the buffer beyond the target is thrown away instead of played faster.
const EXCESS_SAMPLES_MAX: f32 = SAMPLES_PER_MS * 600.0;

/// When corrections begin and end, as distance of the offset from the target. A correction moves
/// it by up to 10 ms.
const LONG_BEGIN: f32 = SAMPLES_PER_MS * 20.0;
const LONG_END: f32 = SAMPLES_PER_MS * 6.0;
const SHORT_BEGIN: f32 = SAMPLES_PER_MS * -10.0;
const SHORT_END: f32 = SAMPLES_PER_MS * -2.0;
/// Far too long: cut also where it may be heard.
const VERY_LONG: f32 = SAMPLES_PER_MS * 100.0;

const SIMILARITY_MIN: f32 = 0.6;
const SIMILARITY_MIN_HURRY: f32 = 0.2;

/// Weight of a new observation of the offset: the tick makes each one uncertain by 10 ms.
const OFFSET_WEIGHT: f32 = 1.0 / 16.0;

/// A received RTP packet.
pub(crate) struct Packet {
    pub(crate) ssrc: u32,
    /// Extended, without roll-over.
    pub(crate) seq: u64,
    /// 48 kHz.
    pub(crate) rtp_time: u32,
    pub(crate) payload: Arc<[u8]>,
    pub(crate) arrival: Instant,
}

/// What was received and what became of it. Samples are per channel at 48 kHz.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Statistics {
    pub(crate) ssrc: u32,
    pub(crate) packets_received: u64,
    pub(crate) bytes_received: u64,
    /// By sequence numbers; falls again when a packet was only late.
    pub(crate) packets_lost: i64,
    /// Too late, twice, or not Opus.
    pub(crate) packets_discarded: u64,
    /// Repaired from the packet behind.
    pub(crate) packets_repaired: u64,
    /// RFC 3550, in samples.
    pub(crate) jitter: f64,
    pub(crate) samples_out: u64,
    pub(crate) samples_concealed: u64,
    pub(crate) samples_silent: u64,
    pub(crate) concealment_events: u64,
    pub(crate) samples_inserted: u64,
    pub(crate) samples_removed: u64,
    /// Sums over emitted samples, in seconds: how long they waited, and how long they should.
    pub(crate) delay_sum: f64,
    pub(crate) target_sum: f64,
    pub(crate) emitted: u64,
    /// Mean square of the last tick, 1.0 = full scale.
    pub(crate) level: f64,
    pub(crate) energy: f64,
}

/// Buffers, orders and decodes one track.
pub(crate) struct JitterBuffer {
    queue: Queue,
    delay: DelayEstimator,
    decoder: Option<Decoder>,
    stereo: bool,
    state: State,
    /// Decoded and not played, interleaved.
    pcm: Vec<i16>,
    out: Vec<i16>,
    /// Concealed since the last packet, per channel.
    concealed: usize,
    /// How long after the fastest packet's arrival packets are played, per channel.
    offset: f32,
    correcting: Correcting,
    statistics: Statistics,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Silence until a packet's time has come.
    Waiting,
    Playing,
}

#[derive(Clone, Copy, PartialEq)]
enum Correcting {
    No,
    Shorter,
    Longer,
}

impl JitterBuffer {
    pub(crate) fn new() -> Self {
        Self {
            queue: Queue::new(),
            delay: DelayEstimator::new(),
            decoder: None,
            stereo: false,
            state: State::Waiting,
            pcm: Vec::new(),
            out: Vec::new(),
            concealed: 0,
            offset: 0.0,
            correcting: Correcting::No,
            statistics: Statistics::default(),
        }
    }

    /// Somebody wants two channels: decode both from now on.
    pub(crate) fn set_stereo(&mut self) {
        if !self.stereo {
            self.stereo = true;
            self.decoder = None;
            self.pcm.clear();
        }
    }

    fn channels(&self) -> usize {
        if self.stereo { 2 } else { 1 }
    }

    /// Decoded and not played, per channel.
    fn decoded(&self) -> usize {
        self.pcm.len() / self.channels()
    }

    pub(crate) fn statistics(&self) -> Statistics {
        Statistics {
            packets_lost: self.queue.lost(),
            jitter: self.queue.jitter(),
            ..self.statistics
        }
    }

    // Packets in.

    /// Counts a packet that nobody will listen to.
    pub(crate) fn skip(&mut self, packet: &Packet) {
        self.begin_ssrc(packet.ssrc);
        self.statistics.packets_received += 1;
        self.statistics.bytes_received += packet.payload.len() as u64;
        self.queue.observe(packet);
        self.fall_silent();
    }

    pub(crate) fn push(&mut self, packet: Packet) {
        self.begin_ssrc(packet.ssrc);
        self.statistics.packets_received += 1;
        self.statistics.bytes_received += packet.payload.len() as u64;
        let (seq, arrival) = (packet.seq, packet.arrival);
        match self.queue.insert(packet) {
            Verdict::Queued { time } => {
                let media_ms = time as f64 / f64::from(SAMPLES_PER_MS);
                let late_ms = self.delay.on_packet(arrival, media_ms);
                self.queue.set_late(seq, late_ms);
                self.observe_offset(time, late_ms);
            }
            Verdict::TooLate { time } => {
                // Still tells how long to wait for its like.
                let media_ms = time as f64 / f64::from(SAMPLES_PER_MS);
                self.delay.on_packet(arrival, media_ms);
                self.statistics.packets_discarded += 1;
            }
            Verdict::Useless => self.statistics.packets_discarded += 1,
        }
        self.shed();
    }

    /// Another SSRC is another sender: nothing of before belongs to it.
    fn begin_ssrc(&mut self, ssrc: u32) {
        if self.statistics.ssrc == ssrc {
            return;
        }
        self.statistics.ssrc = ssrc;
        self.queue = Queue::new();
        self.delay.restart();
        self.decoder = None;
        self.pcm.clear();
        self.fall_silent();
    }

    fn observe_offset(&mut self, time: i64, late_ms: f32) {
        let (State::Playing, Some(next)) = (self.state, self.queue.next_time()) else {
            return;
        };
        let reserve = (time - next) as f32 + self.decoded() as f32;
        let observed = reserve + late_ms * SAMPLES_PER_MS;
        self.offset += (observed - self.offset) * OFFSET_WEIGHT;
    }

    /// Throws away what would only add delay: after a pause of this machine, or of a burst of old
    /// packets.
    fn shed(&mut self) {
        let target = self.delay.target_ms() * SAMPLES_PER_MS;
        let mut shed = self.queue.enforce_bound();
        while self.queue.span() as f32 > target + EXCESS_SAMPLES_MAX && self.queue.pop().is_some() {
            shed += 1;
        }
        if shed > 0 {
            self.statistics.packets_discarded += shed;
            self.offset = target;
        }
    }

    // Sound out.

    /// The next 10 ms, interleaved, and how many channels.
    pub(crate) fn pull(&mut self, now: Instant) -> (&mut [i16], u32) {
        let channels = self.channels();
        while self.decoded() < TICK_SAMPLES {
            let needed = TICK_SAMPLES - self.decoded();
            self.produce(now, needed);
        }
        self.out.clear();
        self.out.extend(self.pcm.drain(..TICK_SAMPLES * channels));
        self.count_out();
        (&mut self.out, channels as u32)
    }

    fn count_out(&mut self) {
        let sum: i64 = self.out.iter().map(|sample| i64::from(*sample).pow(2)).sum();
        let level = sum as f64 / self.out.len() as f64 / 32_768.0f64.powi(2);
        let statistics = &mut self.statistics;
        statistics.level = level;
        statistics.energy += level * 0.01;
        statistics.samples_out += TICK_SAMPLES as u64;
        if self.state == State::Playing {
            let seconds = f64::from(self.offset.max(0.0)) / f64::from(RTP_CLOCK_HZ);
            let ticks = TICK_SAMPLES as f64;
            statistics.delay_sum += seconds * ticks;
            statistics.target_sum += f64::from(self.delay.target_ms()) / 1000.0 * ticks;
            statistics.emitted += TICK_SAMPLES as u64;
        }
    }

    /// Appends at least one sample: sound if there is some, else what stands for it.
    fn produce(&mut self, now: Instant, needed: usize) {
        match self.state {
            State::Waiting => self.wait(now, needed),
            State::Playing => self.play(needed),
        }
    }

    fn wait(&mut self, now: Instant, needed: usize) {
        let target_ms = self.delay.target_ms();
        if let Some(first) = self.queue.peek() {
            let hold_ms = (target_ms - first.late_ms).max(0.0);
            if now >= first.arrival + Duration::from_secs_f32(hold_ms / 1000.0) {
                self.queue.begin_at_first();
                self.state = State::Playing;
                self.offset = target_ms * SAMPLES_PER_MS;
                self.correcting = Correcting::No;
                self.concealed = 0;
                return;
            }
        }
        self.push_silence(needed);
    }

    fn push_silence(&mut self, samples: usize) {
        self.pcm.resize(self.pcm.len() + samples * self.channels(), 0);
        self.statistics.samples_silent += samples as u64;
    }

    fn fall_silent(&mut self) {
        self.state = State::Waiting;
        self.correcting = Correcting::No;
    }

    fn play(&mut self, needed: usize) {
        let Some((ahead, hole)) = self.queue.first_ahead() else {
            return self.starve(needed);
        };
        let hole = hole - self.concealed as i64;
        if ahead == 0 {
            // The next packet in order. A hole in time before it is a pause of the sender, unless
            // it is one that concealment has filled already.
            if hole > TICK_SAMPLES as i64 {
                return self.fall_silent();
            }
            return self.decode_next();
        }
        if hole > HOLE_SAMPLES_MAX || (self.queue.ended_silent() && hole > TICK_SAMPLES as i64) {
            return self.fall_silent();
        }
        if hole <= 0 {
            // Concealment has covered what is missing.
            return self.queue.skip_to_first();
        }
        self.fill(ahead, hole as usize);
    }

    fn decode_next(&mut self) {
        let Some(packet) = self.queue.pop() else {
            return;
        };
        self.concealed = 0;
        let Some(decoded) = self.decode(|decoder, pcm| decoder.decode(&packet.payload, pcm)) else {
            return;
        };
        if decoded > 0 {
            self.correct();
        }
    }

    /// Fills in for packets that are missing before one that is there.
    fn fill(&mut self, missing: u64, hole: usize) {
        let samples = hole.min(super::opus::PACKET_SAMPLES_MAX);
        if missing == 1
            && let Some(next) = self.queue.peek().map(|packet| Arc::clone(&packet.payload))
        {
            self.statistics.packets_repaired += 1;
            self.decode(|decoder, pcm| decoder.repair(&next, samples, pcm));
            return self.queue.skip_to_first();
        }
        // One packet's worth, so that the last one missing can be repaired.
        let samples = (hole / missing as usize).clamp(TICK_SAMPLES, samples.max(TICK_SAMPLES));
        self.conceal(samples);
        self.queue.skip_one(samples as i64);
        self.concealed = self.concealed.saturating_sub(samples);
    }

    /// Nothing is there to be played.
    fn starve(&mut self, needed: usize) {
        if self.queue.ended_silent() || self.concealed >= CONCEAL_SAMPLES_MAX {
            return self.fall_silent();
        }
        if self.concealed == 0 {
            self.statistics.concealment_events += 1;
        }
        // Opus conceals in steps of 2.5 ms.
        let step = RTP_CLOCK_HZ as usize / 400;
        self.conceal(needed.div_ceil(step) * step);
        if self.concealed >= CONCEAL_SAMPLES_MAX {
            let channels = self.channels();
            let from = self.pcm.len().saturating_sub(needed * channels);
            fade_out(&mut self.pcm[from..], channels);
        }
    }

    fn conceal(&mut self, samples: usize) {
        self.statistics.samples_concealed += samples as u64;
        self.concealed += samples;
        self.decode(|decoder, pcm| decoder.conceal(samples, pcm));
    }

    /// Runs the decoder; its failure is silence of the length of a tick.
    fn decode(
        &mut self,
        run: impl FnOnce(&mut Decoder, &mut Vec<i16>) -> Result<usize, opus::Error>,
    ) -> Option<usize> {
        if self.decoder.is_none() {
            self.decoder = Decoder::new(self.stereo)
                .inspect_err(|error| log::error!("no Opus decoder: {error}"))
                .ok();
        }
        let decoder = self.decoder.as_mut();
        let decoded = decoder.and_then(|decoder| run(decoder, &mut self.pcm).ok());
        if decoded.is_none_or(|samples| samples == 0) {
            self.statistics.packets_discarded += 1;
            self.push_silence(TICK_SAMPLES);
        }
        decoded
    }

    /// Brings the offset nearer to the target.
    fn correct(&mut self) {
        let excess = self.offset - self.delay.target_ms() * SAMPLES_PER_MS;
        self.correcting = match self.correcting {
            Correcting::Shorter if excess > LONG_END => Correcting::Shorter,
            Correcting::Longer if excess < SHORT_END => Correcting::Longer,
            _ if excess > LONG_BEGIN => Correcting::Shorter,
            _ if excess < SHORT_BEGIN => Correcting::Longer,
            _ => Correcting::No,
        };
        let channels = self.channels();
        match self.correcting {
            Correcting::No => {}
            Correcting::Shorter => {
                let hurry = excess > VERY_LONG;
                let similarity = if hurry { SIMILARITY_MIN_HURRY } else { SIMILARITY_MIN };
                let removed = stretch::shorten(&mut self.pcm, channels, similarity);
                self.statistics.samples_removed += removed as u64;
                self.offset -= removed as f32;
            }
            Correcting::Longer => {
                let added = stretch::lengthen(&mut self.pcm, channels, SIMILARITY_MIN);
                self.statistics.samples_inserted += added as u64;
                self.offset += added as f32;
            }
        }
    }
}

fn fade_out(pcm: &mut [i16], channels: usize) {
    let frames = (pcm.len() / channels).max(1);
    for (n, sample) in pcm.iter_mut().enumerate() {
        let gain = 1.0 - (n / channels) as f32 / frames as f32;
        *sample = (f32::from(*sample) * gain) as i16;
    }
}

impl Queued {
    /// A packet of up to 2 bytes says: silence from now on.
    fn is_silence(&self) -> bool {
        self.payload.len() <= 2
    }
}
