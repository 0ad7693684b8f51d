//! A human who looks on and types: subscribes to the personas' faces when told to, and counts what
//! comes of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt as _;
use livekit::prelude::{
    Participant, RemoteTrack, RemoteTrackPublication, RemoteVideoTrack, Room, RoomEvent,
    RoomOptions, TrackKind,
};
use livekit::webrtc::stats::RtcStats;
use livekit::webrtc::video_stream::native::NativeVideoStream;
use livekit::{ParticipantKind, SendTextOptions};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::outbox::CHAT_TOPIC;
use super::visitor::{States, note_state};

/// Faces that come, by identity.
#[derive(Clone, Default)]
struct Faces(Arc<Mutex<HashMap<String, Face>>>);

struct Face {
    track: RemoteVideoTrack,
    pictures: Arc<AtomicU64>,
}

impl Faces {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Face>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A participant with eyes only.
pub struct Viewer {
    room: Room,
    faces: Faces,
    states: watch::Receiver<States>,
    /// Changes whenever somebody shows something new.
    shown: watch::Receiver<()>,
    tasks: JoinSet<()>,
}

impl Viewer {
    /// Joins with a visitor's token. Nothing is subscribed to.
    ///
    /// # Errors
    /// When the room cannot be joined, with the client's reason.
    pub async fn join(url: &str, token: &str) -> Result<Self, String> {
        let mut options = RoomOptions::default();
        options.auto_subscribe = false;
        let (room, events) =
            Room::connect(url, token, options).await.map_err(|error| error.to_string())?;
        let (faces, (states_in, states)) = (Faces::default(), watch::channel(States::new()));
        let (shown_in, shown) = watch::channel(());
        let mut tasks = JoinSet::new();
        tasks.spawn(attend(events, faces.clone(), states_in, shown_in));
        Ok(Self { room, faces, states, shown, tasks })
    }

    /// Waits until so many personas show a face.
    pub async fn await_faces(&self, many: usize) {
        let mut shown = self.shown.clone();
        while self.published().count() < many && shown.changed().await.is_ok() {}
    }

    /// Looks at every face that is published, or at none.
    pub fn look(&self, on: bool) {
        self.published().for_each(|video| video.set_subscribed(on));
    }

    fn published(&self) -> impl Iterator<Item = RemoteTrackPublication> {
        let people = self.room.remote_participants().into_values();
        let personas = people.filter(|person| person.kind() == ParticipantKind::Agent);
        let tracks = personas.flat_map(|persona| persona.track_publications().into_values());
        tracks.filter(|track| track.kind() == TrackKind::Video)
    }

    /// Pictures of each persona that were decoded so far.
    pub fn pictures(&self) -> HashMap<String, u64> {
        let count = |face: &Face| face.pictures.load(Ordering::Relaxed);
        self.faces.lock().iter().map(|(who, face)| (who.clone(), count(face))).collect()
    }

    /// Bytes of all faces that came so far, with their headers.
    pub async fn bytes(&self) -> u64 {
        let tracks: Vec<_> = self.faces.lock().values().map(|face| face.track.clone()).collect();
        let mut bytes = 0;
        for track in tracks {
            let reports = track.get_stats().await.unwrap_or_default();
            bytes += reports.iter().map(received).sum::<u64>();
        }
        bytes
    }

    /// The personas' states as this viewer sees them.
    pub fn states(&self) -> watch::Receiver<States> {
        self.states.clone()
    }

    /// Types a line.
    ///
    /// # Errors
    /// When it did not go out, with the client's reason.
    pub async fn say(&self, text: &str) -> Result<(), String> {
        let options = SendTextOptions::new_with_topic(CHAT_TOPIC);
        let sent = self.room.local_participant().send_text(text, options).await;
        sent.map(drop).map_err(|error| error.to_string())
    }

    /// Leaves the room.
    pub async fn leave(mut self) {
        self.tasks.abort_all();
        if let Err(error) = self.room.close().await {
            tracing::debug!(%error, "the viewer's room was closed before");
        }
    }
}

fn received(report: &RtcStats) -> u64 {
    let RtcStats::InboundRtp(inbound) = report else { return 0 };
    inbound.inbound.bytes_received + inbound.inbound.header_bytes_received
}

async fn attend(
    mut events: mpsc::UnboundedReceiver<RoomEvent>,
    faces: Faces,
    states: watch::Sender<States>,
    shown: watch::Sender<()>,
) {
    let mut eyes = JoinSet::new();
    while let Some(event) = events.recv().await {
        match event {
            RoomEvent::TrackSubscribed {
                track: RemoteTrack::Video(track), participant, ..
            } => {
                let stream = NativeVideoStream::new(track.rtc_track());
                let who = participant.identity().to_string();
                let pictures = {
                    let mut faces = faces.lock();
                    let known = faces.remove(&who).map(|face| face.pictures).unwrap_or_default();
                    faces.insert(who, Face { track, pictures: Arc::clone(&known) });
                    known
                };
                eyes.spawn(count(stream, pictures));
            }
            RoomEvent::TrackPublished { .. } => {
                shown.send_replace(());
            }
            RoomEvent::ParticipantAttributesChanged {
                participant: Participant::Remote(participant),
                changed_attributes,
            } => note_state(&states, &participant, &changed_attributes),
            _ => {}
        }
    }
}

async fn count(mut stream: NativeVideoStream, pictures: Arc<AtomicU64>) {
    while stream.next().await.is_some() {
        pictures.fetch_add(1, Ordering::Relaxed);
    }
}
