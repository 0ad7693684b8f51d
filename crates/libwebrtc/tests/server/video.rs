//! Pictures through a room.

use std::time::Duration;

use futures_util::StreamExt as _;
use libwebrtc::{video_source::RtcVideoSource, video_stream::native::NativeVideoStream};
use livekit::{options::TrackPublishOptions, prelude::*};
use tokio::task::JoinHandle;

use crate::{
    guest::{Guest, MODES, Mode, within},
    host::Server,
    picture::{self, BLUE, Colour, RED},
};

async fn publish(
    guest: &Guest,
    size: (u32, u32),
    colour: Colour,
) -> (LocalVideoTrack, JoinHandle<()>) {
    let (source, playing) = picture::play(size, 15, colour);
    let track = LocalVideoTrack::create_video_track("face", RtcVideoSource::Native(source));
    let options = TrackPublishOptions { source: TrackSource::Camera, ..Default::default() };
    let participant = guest.room.local_participant();
    let published = participant.publish_track(LocalTrack::Video(track.clone()), options);
    within(published).await.expect("publishes");
    (track, playing)
}

async fn subscribed(guest: &mut Guest, identity: &str) -> NativeVideoStream {
    let track = guest
        .event(|event| match event {
            RoomEvent::TrackSubscribed {
                track: RemoteTrack::Video(track), participant, ..
            } if participant.identity().as_str() == identity => Some(track),
            _ => None,
        })
        .await;
    NativeVideoStream::new(track.rtc_track())
}

async fn sees(stream: &mut NativeVideoStream, colour: Colour, fps_min: u32) -> (u32, u32) {
    let frame = within(stream.next()).await.expect("the track lives");
    assert!(picture::shows(&frame, colour));
    // The first second has the subscription's key frames in it.
    picture::watch(stream, colour, Duration::from_secs(1)).await;
    let seen = picture::watch(stream, colour, Duration::from_secs(3)).await;
    println!("{seen:?}");
    assert!(seen.frames >= 3 * fps_min, "{seen:?}");
    seen.size
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_participants_see_each_other_in_either_mode() {
    let server = Server::start();
    for mode in MODES {
        let room = format!("see-{mode:?}");
        let mut alice = Guest::join(&server, &room, "alice", mode).await;
        let mut bob = Guest::join(&server, &room, "bob", mode).await;
        let (_, alice_plays) = publish(&alice, (320, 320), RED).await;
        let (_, bob_plays) = publish(&bob, (320, 240), BLUE).await;
        let mut of_alice = subscribed(&mut bob, "alice").await;
        let mut of_bob = subscribed(&mut alice, "bob").await;
        assert_eq!(sees(&mut of_alice, RED, 12).await, (320, 320));
        assert_eq!(sees(&mut of_bob, BLUE, 12).await, (320, 240));
        alice_plays.abort();
        bob_plays.abort();
        within(alice.room.close()).await.unwrap();
        within(bob.room.close()).await.unwrap();
    }
}

/// LiveKit's default for larger pictures is several layers of one m-line.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn layers_of_one_picture_reach_the_viewer() {
    let server = Server::start();
    let alice = Guest::join(&server, "layers", "alice", Mode::Dual).await;
    let mut bob = Guest::join(&server, "layers", "bob", Mode::Dual).await;
    let (track, playing) = publish(&alice, (640, 480), RED).await;
    assert_eq!(track.publishing_layers().len(), 2);
    let mut stream = subscribed(&mut bob, "alice").await;
    let frame = within(stream.next()).await.expect("the track lives");
    assert!(picture::shows(&frame, RED));
    // The server begins with the layer that comes first.
    within(async { while stream.next().await.expect("the track lives").buffer.width() != 640 {} })
        .await;
    playing.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn layers_that_nobody_sees_are_paused() {
    let server = Server::start();
    let mut options = RoomOptions::default();
    options.dynacast = true;
    let alice = Guest::join_with(&server, "pause", "alice", options).await;
    let (track, playing) = publish(&alice, (320, 320), RED).await;
    let is_active = || track.publishing_layers().iter().any(|layer| layer.active);
    let mut bob = Guest::join(&server, "pause", "bob", Mode::Dual).await;
    let mut stream = subscribed(&mut bob, "alice").await;
    within(stream.next()).await.expect("the track lives");
    assert!(is_active());
    within(bob.room.close()).await.unwrap();
    let polled = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        while is_active() {
            ticks.tick().await;
        }
    };
    within(polled).await;
    let mut carol = Guest::join(&server, "pause", "carol", Mode::Dual).await;
    let mut stream = subscribed(&mut carol, "alice").await;
    let frame = within(stream.next()).await.expect("the track lives");
    assert!(picture::shows(&frame, RED) && is_active());
    playing.abort();
}
