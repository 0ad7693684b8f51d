//! The statistics reports of video.

use str0m::stats::MediaEgressStats;

use super::report::{identity, stream};
use crate::{
    MediaType,
    media_stream_track::MediaStreamTrack,
    stats::{InboundRtpStats, MediaSourceStats, OutboundRtpStats, RtcStats, dictionaries},
    video::send::Counts,
    video_track::RtcVideoTrack,
};

const IMPLEMENTATION: &str = "libvpx";

/// What is received of a remote track.
pub(super) fn inbound(track: &RtcVideoTrack, mid: String) -> Option<RtcStats> {
    let statistics = track.receive()?.statistics();
    let assembled = statistics.assembled;
    Some(RtcStats::InboundRtp(InboundRtpStats {
        rtc: identity(&format!("inbound-{mid}")),
        stream: stream(statistics.ssrc, MediaType::Video),
        received: dictionaries::ReceivedRtpStreamStats {
            packets_received: assembled.packets_received,
            packets_lost: statistics.packets_lost,
            ..Default::default()
        },
        inbound: dictionaries::InboundRtpStreamStats {
            track_identifier: track.id(),
            mid,
            decoder_implementation: IMPLEMENTATION.to_owned(),
            packets_discarded: assembled.packets_discarded,
            bytes_received: assembled.bytes_received,
            frames_received: assembled.frames_assembled,
            frames_decoded: statistics.frames_decoded as u32,
            key_frames_decoded: statistics.key_frames_decoded as u32,
            frames_dropped: (statistics.frames_dropped + assembled.gaps_given_up) as u32,
            frame_width: statistics.size.0,
            frame_height: statistics.size.1,
            pli_count: assembled.key_frames_asked as u32,
            total_decode_time: statistics.decode_time.as_secs_f64(),
            ..Default::default()
        },
    }))
}

/// What is captured and sent of a local track.
pub(super) fn outbound(
    counts: &Counts,
    track: &MediaStreamTrack,
    mid: String,
    egress: Option<&MediaEgressStats>,
) -> [RtcStats; 2] {
    log::debug!(
        "frames of {mid}: {} captured, {} overtaken, {} skipped for the rate, {} dropped by the \
         encoder, {} encoded",
        counts.frames_captured,
        counts.frames_overtaken,
        counts.frames_skipped,
        counts.frames_dropped,
        counts.frames_encoded,
    );
    let source_id = format!("source-{mid}");
    let (width, height) = counts.size;
    let source = MediaSourceStats {
        rtc: identity(&source_id),
        source: dictionaries::MediaSourceStats {
            track_identifier: track.id(),
            kind: "video".to_owned(),
        },
        audio: dictionaries::AudioSourceStats::default(),
        video: dictionaries::VideoSourceStats {
            width,
            height,
            frames: counts.frames_captured as u32,
            ..Default::default()
        },
    };
    let outbound = OutboundRtpStats {
        rtc: identity(&format!("outbound-{mid}")),
        stream: stream(0, MediaType::Video),
        sent: dictionaries::SentRtpStreamStats {
            packets_sent: counts.packets_sent,
            bytes_sent: counts.bytes_sent,
        },
        outbound: dictionaries::OutboundRtpStreamStats {
            mid,
            media_source_id: source_id,
            encoder_implementation: IMPLEMENTATION.to_owned(),
            frame_width: width,
            frame_height: height,
            frames_sent: counts.frames_sent as u32,
            frames_encoded: counts.frames_encoded as u32,
            key_frames_encoded: counts.key_frames as u32,
            nack_count: egress.map_or(0, |stats| stats.nacks as u32),
            fir_count: egress.map_or(0, |stats| stats.firs as u32),
            pli_count: counts.key_frames_asked as u32,
            target_bitrate: counts.bitrate_bps as f64,
            total_encode_time: counts.encode_time.as_secs_f64(),
            active: true,
            ..Default::default()
        },
    };
    [RtcStats::MediaSource(source), RtcStats::OutboundRtp(outbound)]
}
