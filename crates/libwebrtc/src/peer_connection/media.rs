//! Packets of sound and pictures, in and out, and how much the network takes.

use std::{sync::Arc, time::Instant};

use str0m::{
    bwe::{Bitrate, BweKind},
    format::Codec,
    media::{KeyframeRequest, KeyframeRequestKind, Mid, Pt},
    rtp::{ExtensionValues, RtpPacket, RtpWrite, SeqNo, Ssrc, VideoOrientation},
    stats::{MediaEgressStats, MediaIngressStats, PeerStats},
};

use super::{BitrateSettings, PeerConnectionState, core::Core};
use crate::{
    MediaType, audio,
    rtp_transceiver::RtpTransceiver,
    video::{assemble, rate, send::VideoPackets},
    video_frame::VideoRotation,
};

/// What a connection is taken to carry before anything is known of it. A face takes a quarter;
/// whoever wants more is told after the first probes, within a second.
pub(super) const START_BITRATE: Bitrate = Bitrate::mbps(1);

/// Sound above this counts as a voice for those who show who speaks.
const VOICE_DBOV: i8 = -50;

/// An encoded piece of audio.
pub(crate) struct AudioPacket {
    pub(crate) payload: Arc<[u8]>,
    /// 48 kHz.
    pub(crate) rtp_time: u32,
    /// First packet after silence.
    pub(crate) marker: bool,
    /// Loudness, 0 (full scale) to -127 dBov.
    pub(crate) level_dbov: i8,
}

impl Core {
    pub(super) fn on_rtp(&mut self, packet: RtpPacket) {
        // Not `stream_rx_by_mid`: an SFU reuses m-lines with new SSRCs, and that may find the old.
        let ssrc = packet.header.ssrc;
        let mid = self.rtc.direct_api().stream_rx(&ssrc).map(|stream| stream.mid());
        let receiver = mid.and_then(|mid| self.transceiver_of(mid)).map(RtpTransceiver::receiver);
        let Some(receiver) = receiver else {
            self.reports.packets_unclaimed += 1;
            return;
        };
        if let Some(audio) = receiver.audio() {
            audio.push(audio::receive::Packet {
                ssrc: *ssrc,
                seq: *packet.seq_no,
                rtp_time: packet.header.timestamp,
                payload: packet.payload,
                arrival: packet.timestamp,
            });
        } else if let Some(video) = receiver.video() {
            let wants_key_frame = video.push(
                *ssrc,
                assemble::Packet {
                    seq: *packet.seq_no,
                    rtp_time: packet.header.timestamp,
                    marker: packet.header.marker,
                    payload: packet.payload,
                    arrival: packet.timestamp,
                    rotation: rotation(packet.header.ext_vals.video_orientation),
                },
            );
            if wants_key_frame {
                self.request_key_frame(ssrc);
            }
        } else {
            self.reports.packets_unclaimed += 1;
        }
    }

    /// Asks the other side for a key frame.
    pub(crate) fn request_key_frame(&mut self, ssrc: Ssrc) {
        if let Some(stream) = self.rtc.direct_api().stream_rx(&ssrc) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
    }

    pub(super) fn on_key_frame_request(&self, request: KeyframeRequest) {
        if let Some(transceiver) = self.transceiver_of(request.mid) {
            transceiver.sender().video().request_key_frame(request.rid);
        }
    }

    /// Comes about once a second for everything that is received.
    pub(super) fn on_ingress_stats(&mut self, stats: MediaIngressStats, now: Instant) {
        let receiver = self.transceiver_of(stats.mid).map(RtpTransceiver::receiver);
        if let Some(video) = receiver.and_then(|receiver| receiver.video())
            && video.remind(now)
        {
            self.request_key_frame(video.statistics().ssrc.into());
        }
        self.reports.on_ingress(stats);
    }

    pub(super) fn on_egress_stats(&mut self, stats: MediaEgressStats) {
        if let (Some(loss), Some(transceiver)) = (stats.loss, self.transceiver_of(stats.mid)) {
            transceiver.sender().audio().set_loss(loss);
        }
        self.reports.on_egress(stats);
    }

    // How much.

    pub(super) fn on_peer_stats(&mut self, stats: PeerStats) {
        let pictures = self.video_senders().iter().map(|video| video.counts().bytes_sent).sum();
        self.bandwidth.on_stats(&stats, pictures);
        self.share_bandwidth();
        self.reports.peer = Some(stats);
    }

    pub(super) fn on_bandwidth(&mut self, estimate: BweKind) {
        match estimate {
            BweKind::Twcc { estimate, can_probe } => {
                self.bandwidth.estimate_bps = can_probe.then_some(estimate.as_u64());
            }
            BweKind::Remb { estimate, .. } => {
                self.bandwidth.remote_limit_bps = Some(estimate.as_u64());
            }
            _ => return,
        }
        self.share_bandwidth();
    }

    pub(crate) fn set_bitrate(&mut self, settings: BitrateSettings) {
        self.bandwidth.limit_bps = settings.max_bitrate_bps;
        if let Some(start) = settings.start_bitrate_bps {
            self.rtc.bwe().reset(Bitrate::bps(start));
        }
        self.share_bandwidth();
    }

    /// Tells every video sender what is there for it, in proportion to what it wants.
    fn share_bandwidth(&mut self) {
        let reserve = self.audio_reserve_bps();
        let budget = self.bandwidth.budget_bps(reserve);
        let videos = self.video_senders();
        let wanted: Vec<u64> = videos.iter().map(|video| video.wanted_bps()).collect();
        let sum = wanted.iter().sum::<u64>().max(1);
        for (video, wanted) in videos.iter().zip(wanted) {
            let share = |bps: u64| (u128::from(bps) * u128::from(wanted) / u128::from(sum)) as u64;
            video.set_budget(budget.map(share));
        }
        if self.bandwidth.desired_bps != sum {
            self.bandwidth.desired_bps = sum;
            let desired = Bitrate::bps(sum + reserve);
            self.rtc.bwe().set_bitrate(Bitrate::ZERO, desired);
        }
    }

    fn audio_reserve_bps(&self) -> u64 {
        let sends_audio = |other: &&RtpTransceiver| {
            other.kind() == MediaType::Audio && other.sender().track().is_some()
        };
        self.transceivers.iter().filter(sends_audio).count() as u64 * rate::AUDIO_RESERVE_BPS
    }

    fn video_senders(&self) -> Vec<Arc<crate::video::send::VideoSend>> {
        let videos = self.transceivers.iter().filter(|other| other.kind() == MediaType::Video);
        videos.map(|transceiver| Arc::clone(transceiver.sender().video())).collect()
    }

    // Out.

    /// The payload type that the other side wants a codec in; `None` while nothing may be sent.
    fn payload_type(&self, mid: Mid, codec: Codec) -> Option<Pt> {
        let media = self.rtc.media(mid)?;
        if self.connection_state() != PeerConnectionState::Connected
            || !media.direction().is_sending()
        {
            return None;
        }
        let params = self.rtc.codec_config().params();
        media
            .remote_pts()
            .iter()
            .copied()
            .find(|pt| params.iter().any(|param| param.pt() == *pt && param.spec().codec == codec))
    }

    pub(crate) fn takes_video(&self, mid: Mid) -> bool {
        self.payload_type(mid, Codec::Vp8).is_some()
    }

    /// The next sequence number of a stream. SRTP needs the first one below 2^16; that leaves room
    /// for reordering at the start.
    fn next_seq(&mut self, ssrc: Ssrc) -> SeqNo {
        let seq =
            self.next_seq.entry(ssrc).or_insert_with(|| u64::from(rand::random::<u16>() >> 1));
        *seq += 1;
        SeqNo::from(*seq)
    }

    pub(crate) fn send_audio(&mut self, mid: Mid, packet: AudioPacket) -> bool {
        let Some(pt) = self.payload_type(mid, Codec::Opus) else { return false };
        let now = Instant::now();
        let Some(ssrc) = self.rtc.direct_api().stream_tx_by_mid(mid, None).map(|tx| tx.ssrc())
        else {
            return false;
        };
        let seq = self.next_seq(ssrc);
        let extensions = ExtensionValues {
            audio_level: Some(packet.level_dbov),
            voice_activity: Some(packet.level_dbov > VOICE_DBOV),
            ..Default::default()
        };
        let write = RtpWrite::new(pt, seq, packet.rtp_time, now, packet.payload)
            .marker(packet.marker)
            .ext_vals(extensions);
        if let Some(stream) = self.rtc.direct_api().stream_tx(&ssrc) {
            stream.write_rtp(write);
        }
        self.advance(now);
        true
    }

    pub(crate) fn send_video(&mut self, mid: Mid, video: VideoPackets) -> bool {
        let Some(pt) = self.payload_type(mid, Codec::Vp8) else { return false };
        let Some(ssrc) = self.rtc.direct_api().stream_tx_by_mid(mid, video.rid).map(|tx| tx.ssrc())
        else {
            return false;
        };
        let last = video.payloads.len().saturating_sub(1);
        for (index, payload) in video.payloads.into_iter().enumerate() {
            let seq = self.next_seq(ssrc);
            let extensions = ExtensionValues {
                video_orientation: orientation(video.rotation),
                ..Default::default()
            };
            let write = RtpWrite::new(pt, seq, video.rtp_time, video.at, payload)
                .marker(index == last)
                .nackable(true)
                .ext_vals(extensions);
            if let Some(stream) = self.rtc.direct_api().stream_tx(&ssrc) {
                stream.write_rtp(write);
            }
        }
        self.share_bandwidth();
        self.advance(Instant::now());
        true
    }
}

/// The header extension says how far a picture is turned, in quarters clockwise.
fn orientation(rotation: VideoRotation) -> Option<VideoOrientation> {
    match rotation {
        VideoRotation::VideoRotation0 => None,
        VideoRotation::VideoRotation90 => Some(VideoOrientation::from(1)),
        VideoRotation::VideoRotation180 => Some(VideoOrientation::from(2)),
        VideoRotation::VideoRotation270 => Some(VideoOrientation::from(3)),
    }
}

fn rotation(orientation: Option<VideoOrientation>) -> VideoRotation {
    match orientation.map_or(0, |orientation| orientation as u8) {
        1 => VideoRotation::VideoRotation90,
        2 => VideoRotation::VideoRotation180,
        3 => VideoRotation::VideoRotation270,
        _ => VideoRotation::VideoRotation0,
    }
}
