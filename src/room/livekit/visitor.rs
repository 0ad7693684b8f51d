//! A recorded human: joins like anybody from outside, speaks, and sees who is speaking.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use livekit::options::TrackPublishOptions;
use livekit::prelude::{
    LocalAudioTrack, LocalTrack, Participant, Room, RoomEvent, RoomOptions, TrackSource,
};
use livekit::webrtc::audio_frame::AudioFrame;
use livekit::webrtc::audio_source::native::NativeAudioSource;
use livekit::webrtc::audio_source::{AudioSourceOptions, RtcAudioSource};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::audio::{FRAME_MS, FRAME_SAMPLES, Pcm, ROOM_RATE_HZ};

/// `lk.agent.state` by identity, as far as it is known.
pub type States = HashMap<String, String>;

/// A participant that is not ours in any way but that we made it.
pub struct Visitor {
    room: Room,
    source: NativeAudioSource,
    states: watch::Receiver<States>,
    watcher: JoinHandle<()>,
}

impl Visitor {
    /// Joins with a visitor's token and opens a microphone.
    pub async fn join(url: &str, token: &str) -> Result<Self, String> {
        let mut options = RoomOptions::default();
        options.auto_subscribe = false;
        let (room, events) =
            Room::connect(url, token, options).await.map_err(|error| error.to_string())?;
        const QUEUE_MS: u32 = 2 * FRAME_MS;
        let source =
            NativeAudioSource::new(AudioSourceOptions::default(), ROOM_RATE_HZ, 1, QUEUE_MS);
        let microphone =
            LocalAudioTrack::create_audio_track("mic", RtcAudioSource::Native(source.clone()));
        let publish = TrackPublishOptions { source: TrackSource::Microphone, ..Default::default() };
        room.local_participant()
            .publish_track(LocalTrack::Audio(microphone), publish)
            .await
            .map_err(|error| error.to_string())?;
        let known = room
            .remote_participants()
            .into_iter()
            .map(|(identity, participant)| (identity.to_string(), participant.attributes()))
            .filter_map(|(identity, attributes)| Some((identity, state_in(&attributes)?)))
            .collect();
        let (states_in, states) = watch::channel(known);
        let watcher = tokio::spawn(watch_states(events, states_in));
        Ok(Self { room, source, states, watcher })
    }

    /// The personas' states as this visitor sees them.
    pub fn states(&self) -> watch::Receiver<States> {
        self.states.clone()
    }

    /// Speaks at the pace of speech, then leaves the microphone open and silent for `after`, as a
    /// person's is.
    pub async fn speak(&self, pcm: &Pcm, after: Duration) {
        let silence = vec![0; FRAME_SAMPLES];
        let frames_after = after.as_millis() as u32 / FRAME_MS;
        let mut tick = tokio::time::interval(Duration::from_millis(u64::from(FRAME_MS)));
        for frame in pcm.samples.chunks(FRAME_SAMPLES) {
            tick.tick().await;
            let mut whole = frame.to_vec();
            whole.resize(FRAME_SAMPLES, 0);
            self.capture(&whole).await;
        }
        for _ in 0..frames_after {
            tick.tick().await;
            self.capture(&silence).await;
        }
    }

    async fn capture(&self, frame: &[i16]) {
        let frame = AudioFrame {
            data: Cow::Borrowed(frame),
            sample_rate: ROOM_RATE_HZ,
            num_channels: 1,
            samples_per_channel: frame.len() as u32,
        };
        if let Err(error) = self.source.capture_frame(&frame).await {
            tracing::debug!(%error, "the visitor's microphone did not take a frame");
        }
    }

    pub async fn leave(self) {
        self.watcher.abort();
        if let Err(error) = self.room.close().await {
            tracing::debug!(%error, "the visitor's room was closed before");
        }
    }
}

async fn watch_states(
    mut events: mpsc::UnboundedReceiver<RoomEvent>,
    states: watch::Sender<States>,
) {
    while let Some(event) = events.recv().await {
        if let RoomEvent::ParticipantAttributesChanged {
            participant: Participant::Remote(participant),
            changed_attributes,
        } = event
            && let Some(state) = state_in(&changed_attributes)
        {
            states.send_modify(|states| {
                states.insert(participant.identity().to_string(), state);
            });
        }
    }
}

fn state_in(attributes: &HashMap<String, String>) -> Option<String> {
    attributes.get("lk.agent.state").cloned()
}
