//! Statistics reports, named as in <https://www.w3.org/TR/webrtc-stats/>.
//!
//! Filled are: codec, inbound and outbound RTP, what the other side reports of both, the audio
//! source, data channels, the transport and the selected candidate pair. The rest exists so that
//! code written for the original compiles.

use std::collections::HashMap;

use crate::data_channel::DataChannelState;

macro_rules! names {
    ($($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident),+ })+) => {
        $(
            $(#[$meta])*
            #[derive(Debug, Copy, Clone, PartialEq, Eq)]
            pub enum $name { $($(#[$vmeta])* $variant),+ }
        )+
    };
}

names! {
    /// Why a video encoder sends less than it could.
    #[derive(Default)]
    QualityLimitationReason { #[default] None, Cpu, Bandwidth, Other }
    /// Which side decides on the candidate pair.
    #[derive(Default)]
    IceRole { #[default] Unknown, Controlling, Controlled }
    /// State of the DTLS transport.
    DtlsTransportState { New, Connecting, Connected, Closed, Failed }
    /// State of the ICE transport.
    IceTransportState { New, Checking, Connected, Completed, Disconnected, Failed, Closed }
    /// Which side began the DTLS handshake.
    #[derive(Default)]
    DtlsRole { Client, Server, #[default] Unknown }
    /// State of a candidate pair.
    IceCandidatePairState { Frozen, Waiting, InProgress, Failed, Succeeded }
    /// Where a candidate comes from.
    IceCandidateType { Host, Srflx, Prflx, Relay }
    /// Transport towards a relay.
    IceServerTransportProtocol { Udp, Tcp, Tls }
    /// Role of a TCP candidate.
    IceTcpCandidateType { Active, Passive, So }
}

/// One report.
#[derive(Debug, Clone)]
pub enum RtcStats {
    Codec(CodecStats),
    InboundRtp(InboundRtpStats),
    OutboundRtp(OutboundRtpStats),
    RemoteInboundRtp(RemoteInboundRtpStats),
    RemoteOutboundRtp(RemoteOutboundRtpStats),
    MediaSource(MediaSourceStats),
    MediaPlayout(MediaPlayoutStats),
    PeerConnection(PeerConnectionStats),
    DataChannel(DataChannelStats),
    Transport(TransportStats),
    CandidatePair(CandidatePairStats),
    LocalCandidate(LocalCandidateStats),
    RemoteCandidate(RemoteCandidateStats),
    Certificate(CertificateStats),
    Stream(StreamStats),
    Track,
}

macro_rules! reports {
    ($($name:ident { $($part:ident: $dictionary:ident),+ })+) => {
        $(
            /// A report: its identity and its dictionaries.
            #[derive(Debug, Default, Clone)]
            pub struct $name {
                pub rtc: dictionaries::RtcStats,
                $(pub $part: dictionaries::$dictionary,)+
            }
        )+
    };
}

reports! {
    CodecStats { codec: CodecStats }
    InboundRtpStats {
        stream: RtpStreamStats,
        received: ReceivedRtpStreamStats,
        inbound: InboundRtpStreamStats
    }
    OutboundRtpStats {
        stream: RtpStreamStats,
        sent: SentRtpStreamStats,
        outbound: OutboundRtpStreamStats
    }
    RemoteInboundRtpStats {
        stream: RtpStreamStats,
        received: ReceivedRtpStreamStats,
        remote_inbound: RemoteInboundRtpStreamStats
    }
    RemoteOutboundRtpStats {
        stream: RtpStreamStats,
        sent: SentRtpStreamStats,
        remote_outbound: RemoteOutboundRtpStreamStats
    }
    MediaSourceStats { source: MediaSourceStats, audio: AudioSourceStats, video: VideoSourceStats }
    MediaPlayoutStats { audio_playout: AudioPlayoutStats }
    PeerConnectionStats { pc: PeerConnectionStats }
    DataChannelStats { dc: DataChannelStats }
    TransportStats { transport: TransportStats }
    CandidatePairStats { candidate_pair: CandidatePairStats }
    LocalCandidateStats { local_candidate: IceCandidateStats }
    RemoteCandidateStats { remote_candidate: IceCandidateStats }
    CertificateStats { certificate: CertificateStats }
    StreamStats { stream: StreamStats }
}

/// A report without contents, kept by the original for old readers.
#[derive(Debug, Default, Clone)]
pub struct TrackStats {}

/// The groups of fields that reports are made of.
pub mod dictionaries {
    use super::*;

    macro_rules! dictionaries {
        ($($(#[$meta:meta])* $name:ident { $($ty:ty: $($field:ident),+;)+ })+) => {
            $(
                $(#[$meta])*
                #[derive(Debug, Default, Clone)]
                pub struct $name { $($(pub $field: $ty,)+)+ }
            )+
        };
    }

    dictionaries! {
        /// What every report has: `id` is unique in one answer, `timestamp` is µs since the Unix
        /// epoch.
        RtcStats {
            String: id;
            i64: timestamp;
        }
        /// A negotiated codec.
        CodecStats {
            u32: payload_type, clock_rate, channels;
            String: transport_id, mime_type, sdp_fmtp_line;
        }
        /// Identity of an RTP stream.
        RtpStreamStats {
            u32: ssrc;
            String: kind, transport_id, codec_id;
        }
        /// Counts of a received stream. `jitter` in seconds.
        ReceivedRtpStreamStats {
            u64: packets_received;
            i64: packets_lost;
            f64: jitter;
        }
        /// A received stream. Delays and durations in seconds, energies and levels linear (1.0 =
        /// full scale).
        InboundRtpStreamStats {
            String: track_identifier, mid, remote_id, decoder_implementation, playout_id;
            u32: frames_decoded, key_frames_decoded, frames_rendered, frames_dropped,
                frame_width, frame_height, pause_count, freeze_count, nack_count, fir_count,
                pli_count, rtx_ssrc, fec_ssrc;
            f64: frames_per_second, total_decode_time, total_inter_frame_delay,
                total_squared_inter_frame_delay, total_pause_duration, total_freeze_duration,
                last_packet_received_timestamp, total_processing_delay,
                estimated_playout_timestamp, jitter_buffer_delay, jitter_buffer_target_delay,
                jitter_buffer_minimum_delay, audio_level, total_audio_energy,
                total_samples_duration, total_assembly_time;
            u64: qp_sum, header_bytes_received, packets_discarded, fec_bytes_received,
                fec_packets_received, fec_packets_discarded, bytes_received,
                jitter_buffer_emitted_count, total_samples_received, concealed_samples,
                silent_concealed_samples, concealment_events, inserted_samples_for_deceleration,
                removed_samples_for_acceleration, frames_received,
                frames_assembled_from_multiple_packets, retransmitted_packets_received,
                retransmitted_bytes_received;
            bool: power_efficient_decoder;
        }
        /// Counts of a sent stream.
        SentRtpStreamStats {
            u64: packets_sent, bytes_sent;
        }
        /// A sent stream. Bitrates in bit/s, durations in seconds.
        OutboundRtpStreamStats {
            String: mid, media_source_id, remote_id, rid, encoder_implementation,
                scalibility_mode;
            u64: header_bytes_sent, retransmitted_packets_sent, retransmitted_bytes_sent,
                total_encoded_bytes_target, qp_sum;
            u32: rtx_ssrc, frame_width, frame_height, frames_sent, huge_frames_sent,
                frames_encoded, key_frames_encoded, quality_limitation_resolution_changes,
                nack_count, fir_count, pli_count;
            f64: target_bitrate, frames_per_second, total_encode_time, total_packet_send_delay;
            QualityLimitationReason: quality_limitation_reason;
            HashMap<String, f64>: quality_limitation_durations;
            bool: power_efficient_encoder, active;
        }
        /// What the other side reports of our stream. Times in seconds.
        RemoteInboundRtpStreamStats {
            String: local_id;
            f64: round_trip_time, total_round_trip_time, fraction_lost;
            u64: round_trip_time_measurements;
        }
        /// What the other side reports of its own stream. Times in seconds.
        RemoteOutboundRtpStreamStats {
            String: local_id;
            f64: remote_timestamp, round_trip_time, total_round_trip_time;
            u64: reports_sent, round_trip_time_measurements;
        }
        /// A local source.
        MediaSourceStats {
            String: track_identifier, kind;
        }
        /// A local audio source.
        AudioSourceStats {
            f64: audio_level, total_audio_energy, total_samples_duration, echo_return_loss,
                echo_return_loss_enhancement, dropped_samples_duration, total_capture_delay;
            u32: dropped_samples_events;
            u64: total_samples_captured;
        }
        /// A local video source.
        VideoSourceStats {
            u32: width, height, frames;
            f64: frames_per_second;
        }
        /// An audio output device.
        AudioPlayoutStats {
            String: kind;
            f64: synthesized_samples_duration, total_samples_duration, total_playout_delay;
            u32: synthesized_samples_events;
            u64: total_samples_count;
        }
        /// Data channel counts of a connection.
        PeerConnectionStats {
            u32: data_channels_opened, data_channels_closed;
        }
        /// A data channel.
        DataChannelStats {
            String: label, protocol;
            i32: data_channel_identifier;
            Option<DataChannelState>: state;
            u32: messages_sent, messages_received;
            u64: bytes_sent, bytes_received;
        }
        /// The ICE and DTLS transport.
        TransportStats {
            u64: packets_sent, packets_received, bytes_sent, bytes_received;
            IceRole: ice_role;
            String: ice_local_username_fragment, selected_candidate_pair_id,
                local_certificate_id, remote_certificate_id, tls_version, dtls_cipher,
                srtp_cipher;
            Option<DtlsTransportState>: dtls_state;
            Option<IceTransportState>: ice_state;
            DtlsRole: dtls_role;
            u32: selected_candidate_pair_changes;
        }
        /// A pair of ICE candidates. Times in seconds.
        CandidatePairStats {
            String: transport_id, local_candidate_id, remote_candidate_id;
            Option<IceCandidatePairState>: state;
            bool: nominated;
            u64: packets_sent, packets_received, bytes_sent, bytes_received, requests_received,
                requests_sent, responses_received, responses_sent, consent_requests_sent,
                bytes_discarded_on_send;
            f64: last_packet_sent_timestamp, last_packet_received_timestamp,
                total_round_trip_time, current_round_trip_time, available_outgoing_bitrate,
                available_incoming_bitrate;
            u32: packets_discarded_on_send;
        }
        /// An ICE candidate.
        IceCandidateStats {
            String: transport_id, address, protocol, url, foundation, related_address,
                username_fragment;
            i32: port, priority, related_port;
            Option<IceCandidateType>: candidate_type;
            Option<IceServerTransportProtocol>: relay_protocol;
            Option<IceTcpCandidateType>: tcp_type;
            Option<String>: network_type;
        }
        /// A DTLS certificate.
        CertificateStats {
            String: fingerprint, fingerprint_algorithm, base64_certificate,
                issuer_certificate_id;
        }
        /// A media stream.
        StreamStats {
            String: id, stream_identifier;
            i64: timestamp;
        }
    }
}
