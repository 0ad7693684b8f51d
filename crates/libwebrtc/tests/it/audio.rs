//! Sound from one side to the other.

use libwebrtc::{
    audio_stream::native::NativeAudioStream, audio_track::RtcAudioTrack,
    peer_connection_factory::native::PeerConnectionFactoryExt, prelude::*,
};

use crate::{
    pair::{connected, exchange, within},
    tone,
};

fn track(name: &str, source: libwebrtc::audio_source::native::NativeAudioSource) -> RtcAudioTrack {
    PeerConnectionFactory::default().create_audio_track(name, source)
}

fn audio(track: MediaStreamTrack) -> RtcAudioTrack {
    match track {
        MediaStreamTrack::Audio(audio) => audio,
        MediaStreamTrack::Video(_) => panic!("expected audio"),
    }
}

#[tokio::test]
async fn a_tone_arrives_with_its_frequency_and_level() {
    let (source, playing) = tone::play(440.0);
    let (_alice, mut bob) = connected(|alice, _| {
        alice.add_track(track("tone", source).into(), &["stream"]).unwrap();
    })
    .await;
    let event = within(bob.tracks.recv()).await.unwrap();
    assert_eq!(event.track.id(), "tone");
    assert_eq!(event.streams[0].id(), "stream");
    let mut stream = NativeAudioStream::new(audio(event.track), 48_000, 1);
    // The first piece has the onset in it, and the buffer's way to its delay.
    for _ in 0..3 {
        within(tone::listen(&mut stream, 440.0, 5.0)).await.expect("a tone");
    }
    let heard = within(tone::listen(&mut stream, 440.0, 5.0)).await.expect("a tone");
    assert!((heard.amplitude / tone::AMPLITUDE - 1.0).abs() < 0.1, "{heard:?}");
    assert!(heard.purity > 0.98, "{heard:?}");
    playing.abort();
}

#[tokio::test]
async fn a_track_added_later_is_heard_and_one_removed_comes_to_its_end() {
    let (alice, mut bob) = connected(|alice, _| {
        alice.create_data_channel("first", DataChannelInit::default()).unwrap();
    })
    .await;
    let (source, playing) = tone::play(700.0);
    let sender = alice.pc.add_track(track("late", source).into(), &["s"]).unwrap();
    exchange(&alice.pc, &bob.pc).await;
    let event = within(bob.tracks.recv()).await.unwrap();
    let mut stream = NativeAudioStream::new(audio(event.track.clone()), 48_000, 1);
    within(tone::listen(&mut stream, 700.0, 5.0)).await.expect("a tone");

    alice.pc.remove_track(sender).unwrap();
    exchange(&alice.pc, &bob.pc).await;
    // The stream ends, it does not merely fall silent.
    within(async { while tone::listen(&mut stream, 700.0, 1.0).await.is_some() {} }).await;
    use futures_util::StreamExt as _;
    assert!(within(stream.next()).await.is_none());
    assert_eq!(event.track.state(), RtcTrackState::Ended);
    playing.abort();
}
