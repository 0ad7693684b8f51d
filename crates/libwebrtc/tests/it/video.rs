//! Pictures from one side to the other.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use libwebrtc::{
    peer_connection_factory::native::PeerConnectionFactoryExt, prelude::*,
    rtp_parameters::RtpEncodingParameters, stats::RtcStats, video_frame::VideoRotation,
    video_stream::native::NativeVideoStream, video_track::RtcVideoTrack,
};

use crate::{
    pair::{Side, connected, exchange, within},
    picture::{self, BLUE, RED},
};

fn track(
    name: &str,
    source: libwebrtc::video_source::native::NativeVideoSource,
) -> MediaStreamTrack {
    PeerConnectionFactory::default().create_video_track(name, source).into()
}

fn video(track: MediaStreamTrack) -> RtcVideoTrack {
    match track {
        MediaStreamTrack::Video(video) => video,
        MediaStreamTrack::Audio(_) => panic!("expected video"),
    }
}

async fn stream(side: &mut Side) -> NativeVideoStream {
    let event = within(side.tracks.recv()).await.unwrap();
    NativeVideoStream::new(video(event.track))
}

async fn first_frame(stream: &mut NativeVideoStream, colour: picture::Colour) {
    let frame = within(stream.next()).await.expect("the track lives");
    assert!(picture::shows(&frame, colour));
}

#[tokio::test]
async fn pictures_arrive_with_their_colours_at_their_rate() {
    let (source, playing) = picture::play((320, 240), 15, RED);
    let (_alice, mut bob) = connected(|alice, _| {
        alice.add_track(track("face", source), &["stream"]).unwrap();
    })
    .await;
    let mut stream = stream(&mut bob).await;
    first_frame(&mut stream, RED).await;
    let seen = picture::watch(&mut stream, RED, Duration::from_secs(3)).await;
    assert_eq!(seen.size, (320, 240));
    assert!((40..=48).contains(&seen.frames), "{seen:?}");
    assert!(seen.gap_max < Duration::from_millis(500), "{seen:?}");
    playing.abort();
}

#[tokio::test]
async fn who_looks_later_is_shown_the_picture_of_a_source_that_rests() {
    let (source, playing) = picture::play((160, 160), 15, RED);
    let (_alice, mut bob) = connected(|alice, _| {
        alice.add_track(track("face", source.clone()), &["stream"]).unwrap();
    })
    .await;
    let event = within(bob.tracks.recv()).await.unwrap();
    // One look, so that pictures are known to come over.
    let mut stream = NativeVideoStream::new(video(event.track.clone()));
    first_frame(&mut stream, RED).await;
    playing.abort();
    drop(stream);
    let mut stream = NativeVideoStream::new(video(event.track));
    first_frame(&mut stream, RED).await;
}

#[tokio::test]
async fn whoever_looks_again_and_again_sees_a_picture_within_a_second() {
    let (source, playing) = picture::play((320, 240), 15, RED);
    let (_alice, mut bob) = connected(|alice, _| {
        alice.add_track(track("camera", source), &["stream"]).unwrap();
    })
    .await;
    let event = within(bob.tracks.recv()).await.unwrap();
    first_frame(&mut NativeVideoStream::new(video(event.track.clone())), RED).await;
    for look in 0..5 {
        let began = Instant::now();
        let mut stream = NativeVideoStream::new(video(event.track.clone()));
        first_frame(&mut stream, RED).await;
        let waited = began.elapsed();
        assert!(waited < Duration::from_secs(1), "look {look} took {waited:?}");
        drop(stream);
        // Some pictures go by unseen, so that only a key frame can be shown next.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    playing.abort();
}

#[tokio::test]
async fn nothing_is_encoded_that_nobody_wants() {
    let (source, playing) = picture::play((160, 160), 30, RED);
    let mut sender = None;
    let (_alice, mut bob) = connected(|alice, _| {
        let init = RtpTransceiverInit {
            direction: RtpTransceiverDirection::SendOnly,
            stream_ids: vec!["stream".to_owned()],
            send_encodings: vec![RtpEncodingParameters::default()],
        };
        sender = Some(alice.add_transceiver(track("face", source), init).unwrap().sender());
    })
    .await;
    let sender = sender.unwrap();
    let mut stream = stream(&mut bob).await;
    first_frame(&mut stream, RED).await;

    let mut parameters = sender.parameters();
    parameters.encodings[0].active = false;
    sender.set_parameters(parameters.clone()).unwrap();
    // What is on its way still comes.
    while tokio::time::timeout(Duration::from_millis(300), stream.next()).await.is_ok() {}
    let encoded = frames_encoded(&sender).await;
    assert!(tokio::time::timeout(Duration::from_secs(1), stream.next()).await.is_err());
    assert_eq!(frames_encoded(&sender).await, encoded);

    parameters.encodings[0].active = true;
    sender.set_parameters(parameters).unwrap();
    first_frame(&mut stream, RED).await;
    playing.abort();
}

async fn frames_encoded(sender: &RtpSender) -> u32 {
    let reports = sender.get_stats().await.unwrap();
    let encoded = reports.iter().find_map(|report| match report {
        RtcStats::OutboundRtp(outbound) => Some(outbound.outbound.frames_encoded),
        _ => None,
    });
    encoded.expect("a report of what is sent")
}

#[tokio::test]
async fn another_size_and_a_rotation_come_over_in_the_middle_of_a_stream() {
    let (source, playing) = picture::play((320, 240), 15, RED);
    let (_alice, mut bob) = connected(|alice, _| {
        alice.add_track(track("face", source.clone()), &["stream"]).unwrap();
    })
    .await;
    let mut stream = stream(&mut bob).await;
    first_frame(&mut stream, RED).await;
    playing.abort();
    let buffer = picture::picture(176, 144, BLUE, 0);
    let frame = VideoFrame::new(VideoRotation::VideoRotation90, buffer);
    assert!(source.capture_frame(&frame));
    let frame = within(async {
        loop {
            let frame = stream.next().await.expect("the track lives");
            if frame.buffer.width() == 176 {
                return frame;
            }
        }
    })
    .await;
    assert!(picture::shows(&frame, BLUE));
    assert_eq!(frame.rotation, VideoRotation::VideoRotation90);
}

#[tokio::test]
async fn a_track_removed_comes_to_its_end() {
    let (source, playing) = picture::play((160, 160), 15, RED);
    let mut sender = None;
    let (alice, mut bob) = connected(|alice, _| {
        sender = Some(alice.add_track(track("face", source), &["stream"]).unwrap());
    })
    .await;
    let mut stream = stream(&mut bob).await;
    first_frame(&mut stream, RED).await;
    alice.pc.remove_track(sender.unwrap()).unwrap();
    exchange(&alice.pc, &bob.pc).await;
    within(async { while stream.next().await.is_some() {} }).await;
    playing.abort();
}
