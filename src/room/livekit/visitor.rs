//! A recorded human: joins like anybody from outside, speaks, sees who is speaking, and notes when
//! it hears whom.

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use futures_util::StreamExt as _;
use livekit::ParticipantKind;
use livekit::options::TrackPublishOptions;
use livekit::prelude::{
    LocalAudioTrack, LocalTrack, Participant, RemoteParticipant, RemoteTrack, Room, RoomEvent,
    RoomOptions, TrackSource,
};
use livekit::webrtc::audio_frame::AudioFrame;
use livekit::webrtc::audio_source::native::NativeAudioSource;
use livekit::webrtc::audio_source::{AudioSourceOptions, RtcAudioSource};
use livekit::webrtc::audio_stream::native::NativeAudioStream;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::outbox::TRANSCRIPTION_TOPIC;
use crate::audio::{EARS_RATE_HZ, FRAME_MS, FRAME_SAMPLES, Pcm, ROOM_RATE_HZ};

/// `lk.agent.state` by identity, as far as it is known.
pub type States = HashMap<String, String>;

/// What was heard of each persona, by identity.
pub type Heard = HashMap<String, Voice>;

/// Above the noise of a codec, below the quietest speech of the voices: -45 dBFS.
const VOICED_LEVEL: f64 = 184.0;
/// Shorter pauses belong to the speech around them.
const PAUSE: Duration = Duration::from_millis(300);

/// The newest voiced stretch of a persona.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voice {
    /// When its first voiced frame came out of the jitter buffer.
    pub began: Instant,
    /// And the last one so far.
    pub last: Instant,
}

/// A line that was spoken.
#[derive(Clone, Copy, Debug)]
pub struct Spoken {
    /// When its first voiced frame was handed to the microphone.
    pub voiced_start: Instant,
    /// And when its last one was through.
    pub voiced_end: Instant,
}

/// A participant that is not ours in any way but that we made it.
pub struct Visitor {
    room: Room,
    source: NativeAudioSource,
    /// When the microphone takes its next frame.
    pace: Mutex<Interval>,
    states: watch::Receiver<States>,
    heard: watch::Receiver<Heard>,
    /// When the newest caption of what we said began to come.
    captioned: watch::Receiver<Option<Instant>>,
    tasks: JoinSet<()>,
}

impl Visitor {
    /// Joins with a visitor's token and opens a microphone.
    pub async fn join(url: &str, token: &str) -> Result<Self, String> {
        let mut options = RoomOptions::default();
        options.auto_subscribe = true;
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
        let (heard_in, heard) = watch::channel(Heard::new());
        let (captioned_in, captioned) = watch::channel(None);
        let me = room.local_participant().identity().to_string();
        let attention =
            Attention { me, states: states_in, heard: heard_in, captioned: captioned_in };
        let mut tasks = JoinSet::new();
        tasks.spawn(attention.pay(events));
        let mut pace = interval(FRAME);
        // Frames that are late must not come in a heap: what waits in the microphone is heard late.
        pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let pace = Mutex::new(pace);
        Ok(Self { room, source, pace, states, heard, captioned, tasks })
    }

    /// The personas' states as this visitor sees them.
    pub fn states(&self) -> watch::Receiver<States> {
        self.states.clone()
    }

    /// What this visitor hears of the personas.
    pub fn heard(&self) -> watch::Receiver<Heard> {
        self.heard.clone()
    }

    /// When the newest caption of its own words began to come.
    pub fn captioned(&self) -> watch::Receiver<Option<Instant>> {
        self.captioned.clone()
    }

    /// Speaks at the pace of speech.
    pub async fn say(&self, pcm: &Pcm) -> Spoken {
        let mut pace = self.pace.lock().await;
        let mut voiced: Option<Spoken> = None;
        for frame in pcm.samples.chunks(FRAME_SAMPLES) {
            pace.tick().await;
            let mut whole = frame.to_vec();
            whole.resize(FRAME_SAMPLES, 0);
            let now = Instant::now();
            self.capture(&whole).await;
            if is_voiced(&whole) {
                let voiced_start = voiced.map_or(now, |voiced| voiced.voiced_start);
                voiced = Some(Spoken { voiced_start, voiced_end: now + FRAME });
            }
        }
        let now = Instant::now();
        voiced.unwrap_or(Spoken { voiced_start: now, voiced_end: now })
    }

    /// Leaves the microphone open and silent, as a listener's is, until `done` is.
    pub async fn listen<T>(&self, done: impl Future<Output = T>) -> T {
        tokio::select! {
            done = done => done,
            never = self.be_silent() => match never {},
        }
    }

    async fn be_silent(&self) -> Infallible {
        let mut pace = self.pace.lock().await;
        loop {
            pace.tick().await;
            self.capture(&[0; FRAME_SAMPLES]).await;
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

    pub async fn leave(mut self) {
        self.tasks.abort_all();
        if let Err(error) = self.room.close().await {
            tracing::debug!(%error, "the visitor's room was closed before");
        }
    }
}

/// One playout frame.
const FRAME: Duration = Duration::from_millis(FRAME_MS as u64);

/// What a visitor notes of the room's events.
struct Attention {
    me: String,
    states: watch::Sender<States>,
    heard: watch::Sender<Heard>,
    captioned: watch::Sender<Option<Instant>>,
}

impl Attention {
    async fn pay(self, mut events: mpsc::UnboundedReceiver<RoomEvent>) {
        let mut ears = JoinSet::new();
        while let Some(event) = events.recv().await {
            match event {
                RoomEvent::ParticipantAttributesChanged {
                    participant: Participant::Remote(participant),
                    changed_attributes,
                } => note_state(&self.states, &participant, &changed_attributes),
                RoomEvent::TrackSubscribed {
                    track: RemoteTrack::Audio(track),
                    participant,
                    ..
                } if participant.kind() == ParticipantKind::Agent => {
                    let stream = NativeAudioStream::new(track.rtc_track(), EARS_RATE_HZ as i32, 1);
                    let who = participant.identity().to_string();
                    ears.spawn(hear(stream, who, self.heard.clone()));
                }
                RoomEvent::TextStreamOpened { topic, participant_identity, .. }
                    if topic == TRANSCRIPTION_TOPIC && participant_identity.as_str() == self.me =>
                {
                    self.captioned.send_replace(Some(Instant::now()));
                }
                _ => {}
            }
        }
    }
}

/// Notes when a track is voiced, until it ends.
async fn hear(mut stream: NativeAudioStream, who: String, heard: watch::Sender<Heard>) {
    while let Some(frame) = stream.next().await {
        if !is_voiced(&frame.data) {
            continue;
        }
        let now = Instant::now();
        heard.send_modify(|heard| {
            let voice = heard.entry(who.clone()).or_insert(Voice { began: now, last: now });
            if now.duration_since(voice.last) > PAUSE {
                voice.began = now;
            }
            voice.last = now;
        });
    }
}

/// By the root mean square of a frame.
fn is_voiced(samples: &[i16]) -> bool {
    let power: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    (power / samples.len().max(1) as f64).sqrt() > VOICED_LEVEL
}

/// Takes over a state, if it is among what has changed.
pub(super) fn note_state(
    states: &watch::Sender<States>,
    participant: &RemoteParticipant,
    changed: &HashMap<String, String>,
) {
    if let Some(state) = state_in(changed) {
        states.send_modify(|states| {
            states.insert(participant.identity().to_string(), state);
        });
    }
}

fn state_in(attributes: &HashMap<String, String>) -> Option<String> {
    attributes.get("lk.agent.state").cloned()
}
