//! Pictures in bad weather.

use std::time::Duration;

use libwebrtc::{
    peer_connection_factory::native::PeerConnectionFactoryExt, prelude::*,
    rtp_parameters::RtpEncodingParameters, stats::RtcStats, video_frame::I420Buffer,
    video_source::native::NativeVideoSource, video_stream::native::NativeVideoStream,
};

use crate::{
    pair::{Side, within},
    picture::{self, RED},
    relay::{Relay, Weather, exchange_through_a_relay},
};

struct Line {
    alice: Side,
    _bob: Side,
    stream: NativeVideoStream,
    relay: Relay,
}

/// Alice sends to Bob through a relay.
async fn line(source: NativeVideoSource, max_bitrate: u64) -> Line {
    let (mut alice, mut bob) = (Side::new(), Side::new());
    let track = PeerConnectionFactory::default().create_video_track("face", source);
    let init = RtpTransceiverInit {
        direction: RtpTransceiverDirection::SendOnly,
        stream_ids: vec!["stream".to_owned()],
        send_encodings: vec![RtpEncodingParameters {
            max_bitrate: Some(max_bitrate),
            ..Default::default()
        }],
    };
    alice.pc.add_transceiver(track.into(), init).unwrap();
    let relay = exchange_through_a_relay(&alice.pc, &bob.pc).await;
    alice.reach(PeerConnectionState::Connected).await;
    let event = within(bob.tracks.recv()).await.unwrap();
    let MediaStreamTrack::Video(track) = event.track else { panic!("expected video") };
    let mut stream = NativeVideoStream::new(track);
    // The first picture and the first estimates.
    picture::watch(&mut stream, RED, Duration::from_secs(2)).await;
    Line { alice, _bob: bob, stream, relay }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_seconds_of_loss_are_over_within_a_second() {
    let mut line = line(picture::play((320, 320), 15, RED).0, 300_000).await;
    line.relay.set(Weather { loss: 0.05, ..Weather::default() });
    let during = picture::watch(&mut line.stream, RED, Duration::from_secs(3)).await;
    line.relay.set(Weather::default());
    let after = picture::watch(&mut line.stream, RED, Duration::from_secs(3)).await;
    println!("during the loss {during:?}, after it {after:?}");
    assert!(during.gap_max < Duration::from_secs(1), "{during:?}");
    assert!(during.frames >= 30, "{during:?}");
    assert!(after.gap_max < Duration::from_secs(1), "{after:?}");
    assert!(after.frames >= 38, "{after:?}");
}

/// Bits per second of the thin line.
const LINE_BPS: f64 = 200_000.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thin_line_gets_fewer_bits_and_fewer_frames() {
    let (source, _) = picture::play_with((640, 480), 30, RED, noisy);
    let mut line = line(source, 1_500_000).await;
    let before = sent(&line.alice).await;
    let wide = picture::watch(&mut line.stream, RED, Duration::from_secs(3)).await;
    let wide_bps = (sent(&line.alice).await - before) * 8 / 3;

    line.relay.set(Weather { rate_bps: Some(LINE_BPS), ..Weather::default() });
    // The estimate needs several seconds to come down: while packets are lost, those that are sent
    // again and key frames take the line too.
    picture::watch(&mut line.stream, RED, Duration::from_secs(10)).await;
    let before = sent(&line.alice).await;
    let thin = picture::watch(&mut line.stream, RED, Duration::from_secs(4)).await;
    let thin_bps = (sent(&line.alice).await - before) * 8 / 4;

    println!("wide: {wide_bps} bit/s, {wide:?}; thin: {thin_bps} bit/s, {thin:?}");
    assert!((thin_bps as f64) < LINE_BPS && thin_bps * 2 < wide_bps, "{thin_bps} of {wide_bps}");
    assert!(thin.frames / 4 < wide.frames / 3, "{thin:?}, {wide:?}");
    assert!(thin.frames >= 4, "{thin:?}");
}

/// A picture with noise in its upper half, which takes any bitrate.
fn noisy(width: u32, height: u32, colour: picture::Colour, n: u32) -> I420Buffer {
    let mut buffer = picture::picture(width, height, colour, n);
    let mut state = n.wrapping_mul(0x9e37_79b9) | 1;
    let (y, _, _) = buffer.data_mut();
    let half = y.len() / 2;
    for sample in &mut y[..half] {
        // Xorshift (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        *sample = 100 + (state % 24) as u8;
    }
    buffer
}

/// Bytes that left the sender, without what was sent again.
async fn sent(side: &Side) -> u64 {
    let reports = side.pc.get_stats().await.unwrap();
    let sent = reports.iter().find_map(|report| match report {
        RtcStats::OutboundRtp(outbound) => Some(outbound.sent.bytes_sent),
        _ => None,
    });
    sent.expect("a report of what is sent")
}
