//! From a local track to RTP packets.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use str0m::media::Mid;

use super::{
    RTP_CLOCK_HZ, TICK_SAMPLES,
    opus::{Encoder, PACKET_MS, Settings},
    resample::Resampler,
    sink::Sink,
};
use crate::{
    audio_track::RtcAudioTrack,
    peer_connection::{media::AudioPacket, shared::Shared},
};

/// Rates that Opus takes as they are.
const OPUS_RATES_HZ: [u32; 5] = [8_000, 12_000, 16_000, 24_000, 48_000];

/// Ticks of silence that are still encoded when the source has gone silent: the encoder needs them
/// to let the sound fade and to begin with its own way of saying silence.
const SILENT_TICKS_ENCODED: u32 = 60;

/// Loss rises at once and falls by this share with each report, about one a second.
const LOSS_DECAY: f32 = 0.8;

/// The audio half of a sender.
pub(crate) struct AudioSend {
    peer: Weak<Shared>,
    state: Mutex<State>,
}

struct State {
    track: Option<RtcAudioTrack>,
    mid: Option<Mid>,
    settings: Settings,
    bitrate_max_bps: Option<u32>,
    loss: f32,
    active: bool,
    /// Media must not leave (see `native::frame_cryptor`).
    silenced: bool,
    line: Option<Line>,
    /// 48 kHz, of the first sample in the line. Moves on with every tick, sent or not.
    rtp_time: u32,
    silent_ticks: u32,
    /// The packet before said: silence from now on.
    in_dtx: bool,
    counts: Counts,
}

/// What was sent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) samples_captured: u64,
    /// Mean square of the last packet, 1.0 = full scale.
    pub(crate) level: f64,
    pub(crate) energy: f64,
    pub(crate) packets_encoded: u64,
    pub(crate) packets_sent: u64,
    pub(crate) bytes_sent: u64,
}

/// Conversion and encoding for one shape of input.
struct Line {
    sample_rate: u32,
    channels: u32,
    stereo: bool,
    resampler: Option<Resampler>,
    /// Rate of the encoder.
    rate_hz: u32,
    encoder: Encoder,
    configured: Option<(Settings, Option<u32>, i32)>,
    /// Interleaved samples that wait for a packet to be full.
    samples: Vec<i16>,
}

impl AudioSend {
    pub(crate) fn new(peer: Weak<Shared>) -> Arc<Self> {
        let seed = rand::random();
        Arc::new(Self {
            peer,
            state: Mutex::new(State {
                track: None,
                mid: None,
                settings: Settings::default(),
                bitrate_max_bps: None,
                loss: 0.0,
                active: true,
                silenced: false,
                line: None,
                rtp_time: seed,
                silent_ticks: 0,
                in_dtx: false,
                counts: Counts::default(),
            }),
        })
    }

    pub(crate) fn set_track(self: &Arc<Self>, track: Option<RtcAudioTrack>) {
        let sink: Arc<dyn Sink> = self.clone();
        let before = std::mem::replace(&mut self.state.lock().track, track.clone());
        if let Some(before) = before {
            before.remove_sink(&sink);
        }
        if let Some(track) = track {
            track.add_sink(&sink);
        }
    }

    /// Nothing is sent any more; the track stays named.
    pub(crate) fn stop(self: &Arc<Self>) {
        let sink: Arc<dyn Sink> = self.clone();
        let mut state = self.state.lock();
        state.line = None;
        if let Some(track) = &state.track {
            track.remove_sink(&sink);
        }
    }

    pub(crate) fn set_media_id(&self, mid: Mid) {
        self.state.lock().mid = Some(mid);
    }

    pub(crate) fn set_bitrate_max(&self, bps: Option<u64>) {
        self.state.lock().bitrate_max_bps = bps.map(|bps| u32::try_from(bps).unwrap_or(u32::MAX));
    }

    pub(crate) fn set_active(&self, active: bool) {
        self.state.lock().active = active;
    }

    pub(crate) fn set_silenced(&self, silenced: bool) {
        self.state.lock().silenced = silenced;
    }

    pub(crate) fn configure(&self, settings: Settings) {
        self.state.lock().settings = settings;
    }

    /// Share of packets that the other side reports as lost.
    pub(crate) fn set_loss(&self, loss: f32) {
        let mut state = self.state.lock();
        state.loss = loss.clamp(0.0, 1.0).max(state.loss * LOSS_DECAY);
    }

    pub(crate) fn was_never_sent(&self) -> bool {
        self.state.lock().counts.packets_encoded == 0
    }

    pub(crate) fn counts(&self) -> Counts {
        self.state.lock().counts
    }

    fn send(&self, packet: Option<(Mid, AudioPacket)>) {
        let (Some((mid, packet)), Some(peer)) = (packet, self.peer.upgrade()) else {
            return;
        };
        let len = packet.payload.len() as u64;
        if peer.send_audio(mid, packet) {
            let counts = &mut self.state.lock().counts;
            counts.packets_sent += 1;
            counts.bytes_sent += len;
        }
    }
}

impl Sink for AudioSend {
    fn on_audio(&self, samples: &[i16], sample_rate: u32, channels: u32) {
        let mut state = self.state.lock();
        state.silent_ticks = 0;
        let packet = state.take(samples, sample_rate, channels);
        drop(state);
        self.send(packet);
    }

    fn on_gap(&self, silent: bool) {
        let mut state = self.state.lock();
        let packet = state.gap(silent);
        drop(state);
        self.send(packet);
    }

    fn on_end(&self) {}
}

impl State {
    /// One tick of audio. Returns a packet when one is full and worth sending.
    fn take(
        &mut self,
        samples: &[i16],
        sample_rate: u32,
        channels: u32,
    ) -> Option<(Mid, AudioPacket)> {
        self.counts.samples_captured += samples.len() as u64 / u64::from(channels.max(1));
        let enabled = self.track.as_ref().is_some_and(RtcAudioTrack::enabled);
        if self.mid.is_none() || !self.active || self.silenced {
            self.skip_tick();
            return None;
        }
        let stereo = self.settings.stereo && channels >= 2;
        if !self.line.as_ref().is_some_and(|line| line.fits(sample_rate, channels, stereo)) {
            self.line = Line::new(sample_rate, channels, stereo)
                .inspect_err(|error| log::error!("audio cannot be encoded: {error}"))
                .ok();
        }
        let Some(line) = &mut self.line else {
            self.skip_tick();
            return None;
        };
        line.push(samples, enabled);
        self.encode()
    }

    fn gap(&mut self, silent: bool) -> Option<(Mid, AudioPacket)> {
        let Some(line) = &mut self.line else {
            self.skip_tick();
            return None;
        };
        if !silent {
            // What the source had before it ran dry must not wait for what comes after.
            if line.samples.is_empty() {
                self.skip_tick();
                return None;
            }
        } else {
            self.silent_ticks = self.silent_ticks.saturating_add(1);
            let resting = self.settings.dtx && self.silent_ticks > SILENT_TICKS_ENCODED;
            if resting && line.samples.is_empty() {
                self.skip_tick();
                return None;
            }
        }
        line.push_silence();
        self.encode()
    }

    fn skip_tick(&mut self) {
        if let Some(line) = &mut self.line {
            line.samples.clear();
        }
        self.rtp_time = self.rtp_time.wrapping_add(TICK_SAMPLES as u32);
    }

    /// Encodes a packet if there are samples for one.
    fn encode(&mut self) -> Option<(Mid, AudioPacket)> {
        let line = self.line.as_mut()?;
        let len = line.packet_len();
        if line.samples.len() < len {
            return None;
        }
        let rtp_time = self.rtp_time;
        self.rtp_time = rtp_time.wrapping_add(RTP_CLOCK_HZ / 1000 * PACKET_MS);
        let level = mean_square(&line.samples[..len]);
        self.counts.level = level;
        self.counts.energy += level * f64::from(PACKET_MS) / 1000.0;
        let encoded = line.encode(len, self.settings, self.bitrate_max_bps, self.loss);
        self.counts.packets_encoded += 1;
        let payload: Arc<[u8]> = match encoded {
            Ok(payload) if payload.len() > 2 || !self.in_dtx => payload.into(),
            Ok(_) => return None,
            Err(error) => {
                log::error!("audio was not encoded: {error}");
                return None;
            }
        };
        let marker = std::mem::replace(&mut self.in_dtx, payload.len() <= 2);
        let level_dbov = dbov(level);
        Some((self.mid?, AudioPacket { payload, rtp_time, marker, level_dbov }))
    }
}

impl Line {
    fn new(sample_rate: u32, channels: u32, stereo: bool) -> Result<Self, opus::Error> {
        let own_rate = OPUS_RATES_HZ.contains(&sample_rate);
        let rate_hz = if own_rate { sample_rate } else { RTP_CLOCK_HZ };
        let channels_coded = if stereo { 2 } else { 1 };
        let resampler = (rate_hz != sample_rate || channels_coded != channels)
            .then(|| Resampler::new(sample_rate, channels, rate_hz, channels_coded));
        Ok(Self {
            sample_rate,
            channels,
            stereo,
            resampler,
            rate_hz,
            encoder: Encoder::new(rate_hz, stereo)?,
            configured: None,
            samples: Vec::new(),
        })
    }

    fn fits(&self, sample_rate: u32, channels: u32, stereo: bool) -> bool {
        (self.sample_rate, self.channels, self.stereo) == (sample_rate, channels, stereo)
    }

    fn channels_coded(&self) -> usize {
        if self.stereo { 2 } else { 1 }
    }

    /// Interleaved samples of a packet.
    fn packet_len(&self) -> usize {
        (self.rate_hz / 1000 * PACKET_MS) as usize * self.channels_coded()
    }

    fn push(&mut self, samples: &[i16], enabled: bool) {
        let start = self.samples.len();
        match &mut self.resampler {
            Some(resampler) => resampler.process(samples, &mut self.samples),
            None => self.samples.extend_from_slice(samples),
        }
        if !enabled {
            self.samples[start..].fill(0);
        }
    }

    fn push_silence(&mut self) {
        let tick_len = (self.rate_hz / 100) as usize * self.channels_coded();
        self.samples.resize(self.samples.len() + tick_len, 0);
    }

    fn encode(
        &mut self,
        len: usize,
        settings: Settings,
        bitrate_max_bps: Option<u32>,
        loss: f32,
    ) -> Result<&[u8], opus::Error> {
        let wanted = (settings, bitrate_max_bps, (loss * 100.0).ceil() as i32);
        if self.configured != Some(wanted) {
            self.encoder.configure(settings, bitrate_max_bps, loss)?;
            self.configured = Some(wanted);
        }
        let encoded = self.encoder.encode(&self.samples[..len])?;
        self.samples.drain(..len);
        Ok(encoded)
    }
}

/// 1.0 = a square wave at full scale.
fn mean_square(samples: &[i16]) -> f64 {
    let sum: i64 = samples.iter().map(|sample| i64::from(*sample).pow(2)).sum();
    sum as f64 / samples.len().max(1) as f64 / 32_768.0f64.powi(2)
}

/// Loudness for the header extension of RFC 6464: 0 is full scale, -127 silence.
fn dbov(mean_square: f64) -> i8 {
    if mean_square <= 0.0 { -127 } else { (10.0 * mean_square.log10()).clamp(-127.0, 0.0) as i8 }
}
