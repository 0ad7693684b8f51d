//! A participant.

use std::time::Duration;

use libwebrtc::{audio_source::RtcAudioSource, audio_stream::native::NativeAudioStream};
use livekit::{options::TrackPublishOptions, prelude::*};
use tokio::{sync::mpsc::UnboundedReceiver, task::JoinHandle};

use crate::{host::Server, tone};

/// How many peer connections a participant uses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode {
    Single,
    Dual,
}

pub(crate) const MODES: [Mode; 2] = [Mode::Single, Mode::Dual];

pub(crate) struct Guest {
    pub(crate) room: Room,
    pub(crate) events: UnboundedReceiver<RoomEvent>,
}

impl Guest {
    pub(crate) async fn join(server: &Server, room: &str, identity: &str, mode: Mode) -> Self {
        let mut options = RoomOptions::default();
        options.single_peer_connection = matches!(mode, Mode::Single);
        Self::join_with(server, room, identity, options).await
    }

    pub(crate) async fn join_with(
        server: &Server,
        room: &str,
        identity: &str,
        options: RoomOptions,
    ) -> Self {
        let token = server.token(room, identity);
        let joined = within(Room::connect(&server.url(), &token, options)).await;
        let (room, events) = joined.expect("joins");
        Self { room, events }
    }

    /// Publishes a tone until the task is aborted.
    pub(crate) async fn publish(&self, hz: f64) -> (LocalTrackPublication, JoinHandle<()>) {
        let (source, playing) = tone::play(hz);
        let track = LocalAudioTrack::create_audio_track("tone", RtcAudioSource::Native(source));
        let options = TrackPublishOptions { source: TrackSource::Microphone, ..Default::default() };
        let participant = self.room.local_participant();
        let published = participant.publish_track(LocalTrack::Audio(track), options);
        (within(published).await.expect("publishes"), playing)
    }

    /// Waits for the event that `wanted` takes.
    pub(crate) async fn event<T>(&mut self, mut wanted: impl FnMut(RoomEvent) -> Option<T>) -> T {
        within(async {
            loop {
                let event = self.events.recv().await.expect("the room lives");
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
        })
        .await
    }

    /// Waits until the audio of `identity` comes in.
    pub(crate) async fn subscribed(&mut self, identity: &str) -> NativeAudioStream {
        let track = self
            .event(|event| match event {
                RoomEvent::TrackSubscribed {
                    track: RemoteTrack::Audio(track),
                    participant,
                    ..
                } if participant.identity().as_str() == identity => Some(track),
                _ => None,
            })
            .await;
        NativeAudioStream::new(track.rtc_track(), tone::RATE_HZ as i32, 1)
    }

    /// Waits until the tone of `identity` is heard.
    pub(crate) async fn hears(&mut self, identity: &str, hz: f64) -> NativeAudioStream {
        let mut stream = self.subscribed(identity).await;
        hears(&mut stream, hz).await;
        stream
    }
}

pub(crate) async fn hears(stream: &mut NativeAudioStream, hz: f64) {
    // The first piece has the onset in it.
    for _ in 0..2 {
        tone::listen(stream, hz, 10.0).await.expect("a tone");
    }
    let heard = tone::listen(stream, hz, 10.0).await.expect("a tone");
    assert!((heard.amplitude / tone::AMPLITUDE - 1.0).abs() < 0.15, "{heard:?}");
    assert!(heard.purity > 0.95, "{heard:?}");
}

/// Fails the test instead of waiting for ever.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(40), future).await.expect("took longer than 40 s")
}
