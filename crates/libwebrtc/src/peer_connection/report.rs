//! What is counted, and the statistics reports made of it.

use std::time::{SystemTime, UNIX_EPOCH};

use str0m::{
    net::Transmit,
    stats::{MediaEgressStats, MediaIngressStats, PeerStats},
};

use super::{core::Core, net::Sockets, report_video};
use crate::{
    MediaType,
    audio::{RTP_CLOCK_HZ, jitter::Statistics, send::Counts},
    data_channel::{DataChannel, DataChannelState},
    media_stream_track::MediaStreamTrack,
    rtp_transceiver::RtpTransceiver,
    stats::{
        DataChannelStats, InboundRtpStats, MediaSourceStats, OutboundRtpStats, PeerConnectionStats,
        RemoteInboundRtpStats, RtcStats, TransportStats, dictionaries,
    },
    video,
};

const TRANSPORT_ID: &str = "transport";

/// Counts of a connection.
#[derive(Default)]
pub(crate) struct Reports {
    pub(super) peer: Option<PeerStats>,
    pub(super) datagrams_invalid: u64,
    pub(super) packets_unclaimed: u64,
    pub(super) channels_opened: u32,
    pub(super) channels_closed: u32,
    datagrams_sent: u64,
    /// The kernel had no room, or the address could not be reached.
    datagrams_unsent: u64,
    ingress: Vec<MediaIngressStats>,
    egress: Vec<MediaEgressStats>,
}

impl Reports {
    pub(super) fn count_sent(&mut self, sockets: &Sockets, transmit: &Transmit) {
        if sockets.send(transmit) {
            self.datagrams_sent += 1;
        } else {
            self.datagrams_unsent += 1;
        }
    }

    pub(super) fn on_ingress(&mut self, stats: MediaIngressStats) {
        self.ingress.retain(|other| other.mid != stats.mid);
        self.ingress.push(stats);
    }

    pub(super) fn on_egress(&mut self, stats: MediaEgressStats) {
        self.egress.retain(|other| other.mid != stats.mid);
        self.egress.push(stats);
    }
}

impl Core {
    /// Reports about everything, or about the sender or receiver of one track.
    pub(crate) fn report(&self, track_id: Option<&str>) -> Vec<RtcStats> {
        let mut reports = Vec::new();
        for transceiver in &self.transceivers {
            if let Some(track) = named(transceiver.receiver().track(), track_id) {
                reports.extend(self.inbound(transceiver, &track));
            }
            if let Some(track) = named(transceiver.sender().track(), track_id) {
                self.outbound(transceiver, &track, &mut reports);
            }
        }
        if track_id.is_none() {
            reports.extend(self.channels.iter().map(data_channel));
            reports.push(self.transport());
            reports.push(RtcStats::PeerConnection(PeerConnectionStats {
                rtc: identity("peer-connection"),
                pc: dictionaries::PeerConnectionStats {
                    data_channels_opened: self.reports.channels_opened,
                    data_channels_closed: self.reports.channels_closed,
                },
            }));
        }
        reports
    }

    fn inbound(&self, transceiver: &RtpTransceiver, track: &MediaStreamTrack) -> Option<RtcStats> {
        let mid = transceiver.mid()?;
        let audio = match track {
            MediaStreamTrack::Audio(audio) => audio,
            MediaStreamTrack::Video(video) => {
                return report_video::inbound(video, mid);
            }
        };
        let statistics = audio.receive()?.statistics();
        Some(RtcStats::InboundRtp(InboundRtpStats {
            rtc: identity(&format!("inbound-{mid}")),
            stream: stream(statistics.ssrc, MediaType::Audio),
            received: dictionaries::ReceivedRtpStreamStats {
                packets_received: statistics.packets_received,
                packets_lost: statistics.packets_lost,
                jitter: statistics.jitter / f64::from(RTP_CLOCK_HZ),
            },
            inbound: inbound(&statistics, mid, track.id()),
        }))
    }

    fn outbound(
        &self,
        transceiver: &RtpTransceiver,
        track: &MediaStreamTrack,
        reports: &mut Vec<RtcStats>,
    ) {
        let Some(mid) = transceiver.mid() else { return };
        let source_id = format!("source-{mid}");
        let id = format!("outbound-{mid}");
        let egress = self.reports.egress.iter().find(|stats| *stats.mid == *mid);
        if transceiver.kind() == MediaType::Video {
            let counts = transceiver.sender().video().counts();
            reports.extend(report_video::outbound(&counts, track, mid, egress));
            reports.extend(egress.map(|stats| remote_inbound(stats, id, MediaType::Video)));
            return;
        }
        let counts = transceiver.sender().audio().counts();
        reports.push(source(&counts, track, &source_id));
        reports.push(RtcStats::OutboundRtp(OutboundRtpStats {
            rtc: identity(&id),
            stream: stream(0, transceiver.kind()),
            sent: dictionaries::SentRtpStreamStats {
                packets_sent: counts.packets_sent,
                bytes_sent: counts.bytes_sent,
            },
            outbound: dictionaries::OutboundRtpStreamStats {
                mid,
                media_source_id: source_id,
                nack_count: egress.map_or(0, |stats| stats.nacks as u32),
                active: true,
                encoder_implementation: "libopus".to_owned(),
                ..Default::default()
            },
        }));
        reports.extend(egress.map(|stats| remote_inbound(stats, id, MediaType::Audio)));
    }

    fn transport(&self) -> RtcStats {
        let (received, sent) = self
            .reports
            .peer
            .as_ref()
            .map_or((0, 0), |peer| (peer.peer_bytes_rx, peer.peer_bytes_tx));
        log::debug!(
            "datagrams: {} sent, {} not sent, {} not understood; {} packets for nobody; \
             {} streams in",
            self.reports.datagrams_sent,
            self.reports.datagrams_unsent,
            self.reports.datagrams_invalid,
            self.reports.packets_unclaimed,
            self.reports.ingress.len(),
        );
        RtcStats::Transport(TransportStats {
            rtc: identity(TRANSPORT_ID),
            transport: dictionaries::TransportStats {
                packets_sent: self.reports.datagrams_sent,
                bytes_received: received,
                bytes_sent: sent,
                ..Default::default()
            },
        })
    }
}

/// What the other side says of a stream of ours.
fn remote_inbound(stats: &MediaEgressStats, local_id: String, kind: MediaType) -> RtcStats {
    let clock_hz = if kind == MediaType::Video { video::RTP_CLOCK_HZ } else { RTP_CLOCK_HZ };
    let (lost, jitter) =
        stats.remote.as_ref().map_or((0, 0), |remote| (remote.packets_lost, remote.jitter));
    RtcStats::RemoteInboundRtp(RemoteInboundRtpStats {
        rtc: identity(&format!("remote-{local_id}")),
        stream: stream(0, kind),
        received: dictionaries::ReceivedRtpStreamStats {
            packets_lost: lost as i64,
            jitter: f64::from(jitter) / f64::from(clock_hz),
            ..Default::default()
        },
        remote_inbound: dictionaries::RemoteInboundRtpStreamStats {
            local_id,
            round_trip_time: stats.rtt.map_or(0.0, |rtt| rtt.as_secs_f64()),
            fraction_lost: f64::from(stats.loss.unwrap_or(0.0)),
            ..Default::default()
        },
    })
}

fn named(track: Option<MediaStreamTrack>, wanted: Option<&str>) -> Option<MediaStreamTrack> {
    track.filter(|track| wanted.is_none_or(|id| track.id() == id))
}

pub(super) fn identity(id: &str) -> dictionaries::RtcStats {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    dictionaries::RtcStats { id: id.to_owned(), timestamp: now.as_micros() as i64 }
}

pub(super) fn stream(ssrc: u32, kind: MediaType) -> dictionaries::RtpStreamStats {
    let kind = if kind == MediaType::Video { "video" } else { "audio" };
    dictionaries::RtpStreamStats {
        ssrc,
        kind: kind.to_owned(),
        transport_id: TRANSPORT_ID.to_owned(),
        ..Default::default()
    }
}

fn inbound(
    statistics: &Statistics,
    mid: String,
    track_identifier: String,
) -> dictionaries::InboundRtpStreamStats {
    dictionaries::InboundRtpStreamStats {
        track_identifier,
        mid,
        decoder_implementation: "libopus".to_owned(),
        packets_discarded: statistics.packets_discarded,
        fec_packets_received: statistics.packets_repaired,
        bytes_received: statistics.bytes_received,
        jitter_buffer_delay: statistics.delay_sum,
        jitter_buffer_target_delay: statistics.target_sum,
        jitter_buffer_emitted_count: statistics.emitted,
        total_samples_received: statistics.samples_out,
        concealed_samples: statistics.samples_concealed,
        silent_concealed_samples: statistics.samples_silent,
        concealment_events: statistics.concealment_events,
        inserted_samples_for_deceleration: statistics.samples_inserted,
        removed_samples_for_acceleration: statistics.samples_removed,
        audio_level: statistics.level.sqrt(),
        total_audio_energy: statistics.energy,
        total_samples_duration: statistics.samples_out as f64 / f64::from(RTP_CLOCK_HZ),
        ..Default::default()
    }
}

fn source(counts: &Counts, track: &MediaStreamTrack, id: &str) -> RtcStats {
    RtcStats::MediaSource(MediaSourceStats {
        rtc: identity(id),
        source: dictionaries::MediaSourceStats {
            track_identifier: track.id(),
            kind: "audio".to_owned(),
        },
        audio: dictionaries::AudioSourceStats {
            audio_level: counts.level.sqrt(),
            total_audio_energy: counts.energy,
            total_samples_captured: counts.samples_captured,
            ..Default::default()
        },
        video: dictionaries::VideoSourceStats::default(),
    })
}

fn data_channel(channel: &DataChannel) -> RtcStats {
    let progress = channel.progress();
    RtcStats::DataChannel(DataChannelStats {
        rtc: identity(&format!("data-{}", channel.label())),
        dc: dictionaries::DataChannelStats {
            label: channel.label(),
            data_channel_identifier: channel.negotiated_id().map_or(-1, i32::from),
            state: Some(progress.state),
            messages_sent: progress.messages_sent,
            bytes_sent: progress.bytes_sent,
            messages_received: progress.messages_received,
            bytes_received: progress.bytes_received,
            ..Default::default()
        },
    })
}

impl Reports {
    /// A channel changed its state.
    pub(super) fn on_channel(&mut self, state: DataChannelState) {
        match state {
            DataChannelState::Open => self.channels_opened += 1,
            DataChannelState::Closed => self.channels_closed += 1,
            DataChannelState::Connecting | DataChannelState::Closing => {}
        }
    }
}
