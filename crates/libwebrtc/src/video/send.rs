//! From a local track to RTP packets.
//!
//! A source hands over a picture and goes on; one piece of work at a time, on a thread for such
//! work, encodes the newest picture for every layer that somebody wants. A picture that a newer one
//! overtakes is dropped and counted. The last picture is kept: a viewer who comes while the source
//! rests is shown that one.
//!
//! Locks: the peer connection's core calls in here with its lock held. So no lock of this module is
//! held while the core is called.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use str0m::media::{Mid, Rid};

use super::{
    RTP_CLOCK_HZ,
    layer::{Layer, Outcome, Target},
    rate,
    sink::{VideoSink, View},
};
use crate::{
    peer_connection::shared::Shared,
    rtp_parameters::RtpEncodingParameters,
    runtime,
    video_frame::{I420Buffer, VideoRotation},
    video_track::RtcVideoTrack,
};

/// An encoded frame for the network.
pub(crate) struct VideoPackets {
    pub(crate) rid: Option<Rid>,
    /// 90 kHz.
    pub(crate) rtp_time: u32,
    /// When the picture was taken.
    pub(crate) at: Instant,
    pub(crate) rotation: VideoRotation,
    /// The last one takes the marker.
    pub(crate) payloads: Vec<Arc<[u8]>>,
}

/// What was captured, encoded and sent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) frames_captured: u64,
    /// Overtaken by a newer one before they were encoded.
    pub(crate) frames_overtaken: u64,
    /// Left out: the bitrate, or the application's limit, allows fewer frames. By layer.
    pub(crate) frames_skipped: u64,
    /// Left out by the rate control, or not encoded because of an error. By layer.
    pub(crate) frames_dropped: u64,
    pub(crate) frames_encoded: u64,
    pub(crate) key_frames: u64,
    pub(crate) key_frames_asked: u64,
    pub(crate) frames_sent: u64,
    pub(crate) packets_sent: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) encode_time: Duration,
    pub(crate) size: (u32, u32),
    pub(crate) bitrate_bps: u64,
}

/// The video half of a sender.
pub(crate) struct VideoSend {
    me: Weak<Self>,
    peer: Weak<Shared>,
    state: Mutex<State>,
    /// Only the work in progress takes this lock.
    layers: Mutex<Vec<Layer>>,
}

struct State {
    track: Option<RtcVideoTrack>,
    mid: Option<Mid>,
    encodings: Vec<Encoding>,
    /// What the network has for this sender, if that is known.
    budget_bps: Option<u64>,
    /// Media must not leave (see `native::frame_cryptor`).
    silenced: bool,
    waiting: Option<Captured>,
    last: Option<Captured>,
    spare: Option<Captured>,
    working: bool,
    /// Where the RTP clock stood at an instant.
    clock: (Instant, u32),
    counts: Counts,
}

/// A layer as the application, the SFU and the viewers want it.
struct Encoding {
    rid: Option<Rid>,
    active: bool,
    bitrate_max_bps: Option<u64>,
    frame_rate_max: Option<f64>,
    scale_down: f64,
    key_wanted: bool,
}

struct Captured {
    buffer: I420Buffer,
    rotation: VideoRotation,
    at: Instant,
}

/// One picture to be encoded, and for whom.
struct Work {
    captured: Captured,
    mid: Mid,
    /// 90 kHz since the clock began.
    time: i64,
    rtp_time: u32,
    /// `None`: not wanted now.
    targets: Vec<(Option<Rid>, Option<Target>)>,
}

impl VideoSend {
    pub(crate) fn new(peer: Weak<Shared>, encodings: &[RtpEncodingParameters]) -> Arc<Self> {
        let encodings =
            if encodings.is_empty() { &[RtpEncodingParameters::default()] } else { encodings };
        // A single layer needs no name.
        let named = encodings.len() > 1;
        let encodings: Vec<_> =
            encodings.iter().map(|encoding| Encoding::new(encoding, named)).collect();
        let layers = encodings.iter().map(|_| Layer::new()).collect();
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            peer,
            state: Mutex::new(State {
                track: None,
                mid: None,
                encodings,
                budget_bps: None,
                silenced: false,
                waiting: None,
                last: None,
                spare: None,
                working: false,
                clock: (Instant::now(), rand::random()),
                counts: Counts::default(),
            }),
            layers: Mutex::new(layers),
        })
    }

    pub(crate) fn set_track(&self, track: Option<RtcVideoTrack>) {
        let Some(me) = self.me.upgrade() else { return };
        let sink: Arc<dyn VideoSink> = me;
        let mut state = self.state.lock();
        let before = std::mem::replace(&mut state.track, track.clone());
        state.forget();
        drop(state);
        if let Some(before) = before {
            before.remove_sink(&sink);
        }
        if let Some(track) = track {
            track.add_sink(&sink);
        }
    }

    /// Nothing is sent any more; the track stays named.
    pub(crate) fn stop(&self) {
        let Some(me) = self.me.upgrade() else { return };
        let sink: Arc<dyn VideoSink> = me;
        let mut state = self.state.lock();
        state.mid = None;
        state.forget();
        if let Some(track) = &state.track {
            track.remove_sink(&sink);
        }
    }

    pub(crate) fn set_media_id(&self, mid: Mid) {
        self.state.lock().mid = Some(mid);
    }

    pub(crate) fn set_silenced(&self, silenced: bool) {
        self.state.lock().silenced = silenced;
    }

    /// Takes over limits, and which layers are wanted. A layer that is wanted again begins with a
    /// key frame, at once.
    pub(crate) fn set_encodings(&self, encodings: &[RtpEncodingParameters]) {
        let mut state = self.state.lock();
        for (encoding, wanted) in state.encodings.iter_mut().zip(encodings) {
            encoding.key_wanted |= wanted.active && !encoding.active;
            encoding.update(wanted);
        }
        self.wake(&mut state);
    }

    /// What the network has for this sender; `None` when that is not known.
    pub(crate) fn set_budget(&self, bps: Option<u64>) {
        self.state.lock().budget_bps = bps;
    }

    /// What the layers that are wanted now would take.
    pub(crate) fn wanted_bps(&self) -> u64 {
        let state = self.state.lock();
        if state.is_wanted() { state.wanted().iter().sum() } else { 0 }
    }

    /// A viewer cannot go on without a key frame.
    pub(crate) fn request_key_frame(&self, rid: Option<Rid>) {
        let mut state = self.state.lock();
        state.counts.key_frames_asked += 1;
        for encoding in &mut state.encodings {
            encoding.key_wanted |= encoding.active && (rid.is_none() || encoding.rid == rid);
        }
        self.wake(&mut state);
    }

    pub(crate) fn was_never_sent(&self) -> bool {
        self.state.lock().counts.frames_encoded == 0
    }

    pub(crate) fn counts(&self) -> Counts {
        self.state.lock().counts
    }

    /// Begins to work if there is work and nobody is at it.
    fn wake(&self, state: &mut State) {
        state.recall();
        if state.working || state.waiting.is_none() {
            return;
        }
        let Some(me) = self.me.upgrade() else { return };
        state.working = true;
        runtime::compute(move || me.work());
    }

    fn work(&self) {
        loop {
            let mut state = self.state.lock();
            let Some(work) = state.next_work() else {
                state.working = false;
                return;
            };
            drop(state);
            let began = Instant::now();
            let done = self.encode(&work);
            let mut state = self.state.lock();
            state.counts.encode_time += began.elapsed();
            state.finish(work.captured, done);
        }
    }

    /// Encodes and sends one picture. Returns what to add to the counts.
    fn encode(&self, work: &Work) -> Counts {
        let mut done = Counts::default();
        let mut layers = self.layers.lock();
        let peer = self.peer.upgrade().filter(|peer| peer.takes_video(work.mid));
        let picture = work.captured.buffer.picture();
        for (layer, (rid, target)) in layers.iter_mut().zip(&work.targets) {
            let (Some(peer), Some(target)) = (&peer, target) else {
                layer.interrupt();
                continue;
            };
            match layer.encode(&picture, *target, work.captured.at, work.time) {
                Ok(Outcome::Skipped) => done.frames_skipped += 1,
                Ok(Outcome::Dropped) => done.frames_dropped += 1,
                Ok(Outcome::Encoded { payloads, key, size }) => {
                    done.frames_encoded += 1;
                    done.key_frames += u64::from(key);
                    done.size = size.max(done.size);
                    let packets = payloads.len() as u64;
                    let bytes = payloads.iter().map(|payload| payload.len() as u64).sum::<u64>();
                    let Captured { rotation, at, .. } = work.captured;
                    let rtp_time = work.rtp_time;
                    let video = VideoPackets { rid: *rid, rtp_time, at, rotation, payloads };
                    if peer.send_video(work.mid, video) {
                        done.frames_sent += 1;
                        done.packets_sent += packets;
                        done.bytes_sent += bytes;
                    } else {
                        layer.interrupt();
                    }
                }
                Err(error) => {
                    log::error!("a video frame was not encoded: {error}");
                    done.frames_dropped += 1;
                    layer.interrupt();
                }
            }
        }
        done
    }
}

impl VideoSink for VideoSend {
    fn on_frame(&self, frame: &View<'_>) -> bool {
        let mut state = self.state.lock();
        state.counts.frames_captured += 1;
        if !state.is_wanted() {
            return false;
        }
        let mut captured = state.take_buffer();
        frame.picture.copy_to(&mut captured.buffer);
        (captured.rotation, captured.at) = (frame.rotation, frame.at);
        state.waiting = Some(captured);
        self.wake(&mut state);
        true
    }

    fn on_end(&self) {}
}

impl Encoding {
    fn new(parameters: &RtpEncodingParameters, named: bool) -> Self {
        let rid = named.then(|| Rid::from(parameters.rid.as_str()));
        let mut encoding = Self {
            rid,
            active: true,
            bitrate_max_bps: None,
            frame_rate_max: None,
            scale_down: 1.0,
            key_wanted: true,
        };
        encoding.update(parameters);
        encoding
    }

    fn update(&mut self, parameters: &RtpEncodingParameters) {
        self.active = parameters.active;
        self.bitrate_max_bps = parameters.max_bitrate;
        self.frame_rate_max = parameters.max_framerate;
        self.scale_down = parameters.scale_resolution_down_by.unwrap_or(1.0).max(1.0);
    }
}

impl State {
    /// Whether a picture would be encoded for anybody.
    fn is_wanted(&self) -> bool {
        self.mid.is_some()
            && !self.silenced
            && self.track.as_ref().is_some_and(RtcVideoTrack::enabled)
            && self.encodings.iter().any(|encoding| encoding.active)
    }

    fn forget(&mut self) {
        self.waiting = None;
        self.last = None;
        self.spare = None;
        for encoding in &mut self.encodings {
            encoding.key_wanted = true;
        }
    }

    /// Memory for the next picture: that of one that nobody needs any more.
    fn take_buffer(&mut self) -> Captured {
        let overtaken = self.waiting.take();
        self.counts.frames_overtaken += u64::from(overtaken.is_some());
        overtaken.or_else(|| self.spare.take()).or_else(|| self.last.take()).unwrap_or_else(|| {
            Captured {
                buffer: I420Buffer::new(1, 1),
                rotation: VideoRotation::VideoRotation0,
                at: Instant::now(),
            }
        })
    }

    /// Makes the last picture the next one when a key frame is wanted and no other picture is
    /// there to become it.
    fn recall(&mut self) {
        let wanted = self.encodings.iter().any(|encoding| encoding.active && encoding.key_wanted);
        if wanted && self.waiting.is_none() && self.is_wanted() {
            let now = Instant::now();
            self.waiting = self.last.take().map(|last| Captured { at: now, ..last });
        }
    }

    /// Bits per second that each layer would take, 0 for those that nobody wants.
    fn wanted(&self) -> Vec<u64> {
        let size = self.counts.size;
        let (width, height) = match &self.track {
            _ if size != (0, 0) => size,
            Some(track) => track.resolution().unwrap_or(size),
            None => size,
        };
        let wanted = |encoding: &Encoding| match encoding.bitrate_max_bps {
            _ if !encoding.active => 0,
            Some(bps) => bps,
            None => {
                (rate::default_bitrate(width, height) as f64 / encoding.scale_down.powi(2)) as u64
            }
        };
        self.encodings.iter().map(wanted).collect()
    }

    /// Bits per second for each layer, 0 for none: the smaller pictures come first.
    fn shares(&self) -> Vec<u64> {
        let wanted = self.wanted();
        let mut order: Vec<usize> = (0..wanted.len()).filter(|at| wanted[*at] > 0).collect();
        order.sort_by(|a, b| {
            self.encodings[*b].scale_down.total_cmp(&self.encodings[*a].scale_down)
        });
        let in_order: Vec<u64> = order.iter().map(|at| wanted[*at]).collect();
        let mut shares = vec![0; wanted.len()];
        for (at, given) in
            order.iter().zip(rate::share(self.budget_bps.unwrap_or(u64::MAX), &in_order))
        {
            shares[*at] = given;
        }
        shares
    }

    fn next_work(&mut self) -> Option<Work> {
        self.recall();
        if !self.is_wanted() {
            self.waiting = None;
        }
        let captured = self.waiting.take()?;
        let mid = self.mid?;
        let shares = self.shares();
        self.counts.bitrate_bps = shares.iter().sum();
        let target = |(encoding, bitrate_bps): (&mut Encoding, u64)| {
            let target = (bitrate_bps > 0).then(|| Target {
                bitrate_bps,
                frame_rate_max: encoding.frame_rate_max,
                scale_down: encoding.scale_down,
                key: std::mem::take(&mut encoding.key_wanted),
            });
            (encoding.rid, target)
        };
        let targets = self.encodings.iter_mut().zip(shares).map(target).collect();
        let (origin, rtp_origin) = self.clock;
        let since = captured.at.saturating_duration_since(origin).as_micros();
        let time = (since * u128::from(RTP_CLOCK_HZ) / 1_000_000) as i64;
        let rtp_time = rtp_origin.wrapping_add(time as u32);
        Some(Work { captured, mid, time, rtp_time, targets })
    }

    fn finish(&mut self, captured: Captured, done: Counts) {
        let counts = &mut self.counts;
        counts.frames_skipped += done.frames_skipped;
        counts.frames_dropped += done.frames_dropped;
        counts.frames_encoded += done.frames_encoded;
        counts.key_frames += done.key_frames;
        counts.frames_sent += done.frames_sent;
        counts.packets_sent += done.packets_sent;
        counts.bytes_sent += done.bytes_sent;
        if done.size != (0, 0) {
            counts.size = done.size;
        }
        if self.waiting.is_none() {
            self.last = Some(captured);
        } else {
            self.spare = Some(captured);
        }
    }
}
