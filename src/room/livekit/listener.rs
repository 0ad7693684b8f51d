//! The hidden listener: hears every human once for the whole cast, reads the chat, and writes what
//! the humans said under their own names.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use livekit::prelude::{
    Participant, ParticipantIdentity, RemoteParticipant, RemoteTrack, RemoteTrackPublication, Room,
    RoomEvent, TrackKind, TrackSid, TrackSource,
};
use livekit::webrtc::audio_stream::native::NativeAudioStream;
use livekit::{ParticipantKind, SendTextOptions, TextStreamReader};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::link::{self, End, JoinError, Link};
use super::outbox::{CHAT_TOPIC, Outbox, TRANSCRIPTION_TOPIC, Text, caption_attributes};
use crate::audio::EARS_RATE_HZ;
use crate::id::{HumanId, Speaker};
use crate::room::{Caption, Event, LinkState};
use crate::time::Clock;

/// A chat message beyond this is cut: nobody types so much, and a stream can be endless.
const CHAT_BYTES_MAX: usize = 8 * 1_024;
/// A chat stream that stays open longer is taken as it is.
const CHAT_OPEN_MAX: Duration = Duration::from_secs(10);
/// Streams and captions under way at the same time; more chat is refused and logged.
const TASKS_MAX: usize = 256;

/// Keeps the listener in the room until cancelled. `first` is told how the first join went; after
/// a failed first join it gives up, since nobody would hear anything.
pub(super) async fn run(
    link: Link,
    mut outbox: Outbox,
    clock: Clock,
    first: oneshot::Sender<Result<(), JoinError>>,
) {
    let mut first = Some(first);
    let mut attempt = 0;
    let mut humans = HashSet::new();
    loop {
        let cause = match link.connect().await {
            Ok((room, events)) => {
                attempt = 0;
                link.tell(LinkState::Up).await;
                if let Some(first) = first.take() {
                    let _ = first.send(Ok(()));
                }
                let mut visit = Visit::new(&link, &room, &mut humans, clock);
                let end = visit.serve(events, &mut outbox).await;
                visit.end().await;
                if let Err(error) = room.close().await {
                    tracing::debug!(%error, "the room was closed before");
                }
                match end {
                    End::Left => return,
                    End::Lost(cause) => cause,
                }
            }
            Err(error) => {
                let cause = error.to_string();
                if let Some(first) = first.take() {
                    let _ = first.send(Err(error));
                    return;
                }
                cause
            }
        };
        link.tell(LinkState::Down { cause }).await;
        if !link.back_off(attempt).await {
            return;
        }
        attempt += 1;
    }
}

/// One connection of the listener.
struct Visit<'a> {
    link: &'a Link,
    room: &'a Room,
    /// The humans that the host knows of, kept over a lost connection.
    humans: &'a mut HashSet<HumanId>,
    clock: Clock,
    /// Ends every task of this connection.
    cancel: CancellationToken,
    streams: HashMap<TrackSid, CancellationToken>,
    tasks: TaskTracker,
}

impl<'a> Visit<'a> {
    fn new(link: &'a Link, room: &'a Room, humans: &'a mut HashSet<HumanId>, clock: Clock) -> Self {
        let cancel = link.cancel.child_token();
        let (streams, tasks) = (HashMap::new(), TaskTracker::new());
        Self { link, room, humans, clock, cancel, streams, tasks }
    }

    async fn serve(
        &mut self,
        mut events: mpsc::UnboundedReceiver<RoomEvent>,
        outbox: &mut Outbox,
    ) -> End {
        self.greet().await;
        loop {
            tokio::select! {
                () = self.link.cancel.cancelled() => return End::Left,
                event = events.recv() => match event {
                    Some(RoomEvent::Disconnected { reason }) => {
                        return End::Lost(link::reason(reason));
                    }
                    Some(event) => self.on(event).await,
                    None => return End::Lost("the connection ended".to_owned()),
                },
                text = outbox.texts.recv() => match text {
                    Some(Text::Caption(caption)) => self.write(caption),
                    Some(Text::Chat(_)) => {}
                    None => return End::Left,
                },
            }
        }
    }

    /// Waits until every task of this connection has ended.
    async fn end(self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Tells who is here and who left while we were away, and subscribes to those who speak.
    async fn greet(&mut self) {
        let here = self.room.remote_participants();
        let is_here = |human: &HumanId| here.contains_key(&ParticipantIdentity(human.to_string()));
        let gone: Vec<_> = self.humans.iter().filter(|human| !is_here(human)).cloned().collect();
        for human in gone {
            self.left(&human).await;
        }
        for participant in here.into_values() {
            self.joined(&participant).await;
            for publication in participant.track_publications().into_values() {
                subscribe(&participant, &publication);
            }
        }
    }

    async fn on(&mut self, event: RoomEvent) {
        match event {
            RoomEvent::ParticipantConnected(participant) => self.joined(&participant).await,
            RoomEvent::ParticipantDisconnected(participant) => {
                self.left(&human_id(&participant)).await;
            }
            RoomEvent::TrackPublished { publication, participant } => {
                subscribe(&participant, &publication);
            }
            RoomEvent::TrackSubscribed { track, publication, participant } => {
                self.hear(track, &publication, &participant);
            }
            RoomEvent::TrackUnsubscribed { publication, .. }
            | RoomEvent::TrackUnpublished { publication, .. } => self.deafen(&publication.sid()),
            RoomEvent::TrackMuted { participant: Participant::Remote(participant), .. }
                if is_human(&participant) =>
            {
                self.tell(Event::AudioEnded { human: human_id(&participant) }).await;
            }
            RoomEvent::TextStreamOpened { reader, topic, participant_identity }
                if topic == CHAT_TOPIC =>
            {
                if let Some(reader) = reader.take() {
                    self.read(reader, &participant_identity);
                }
            }
            RoomEvent::Reconnecting => {
                let cause = "the connection to the server was lost".to_owned();
                self.link.tell(LinkState::Down { cause }).await;
            }
            RoomEvent::Reconnected => {
                self.link.tell(LinkState::Up).await;
                self.greet().await;
            }
            _ => {}
        }
    }

    async fn tell(&self, event: Event) {
        // Nobody receives only when the host is gone; then the cancel is on its way.
        let _ = self.link.events.send(event).await;
    }

    async fn joined(&mut self, participant: &RemoteParticipant) {
        let human = human_id(participant);
        if !is_human(participant) || !self.humans.insert(human.clone()) {
            return;
        }
        let name = participant.name();
        let name = if name.trim().is_empty() { human.to_string() } else { name };
        self.tell(Event::HumanJoined { human, name }).await;
    }

    async fn left(&mut self, human: &HumanId) {
        if self.humans.remove(human) {
            self.tell(Event::HumanLeft { human: human.clone() }).await;
        }
    }

    fn hear(
        &mut self,
        track: RemoteTrack,
        publication: &RemoteTrackPublication,
        participant: &RemoteParticipant,
    ) {
        let RemoteTrack::Audio(track) = track else { return };
        if !is_human(participant) {
            return;
        }
        let cancel = self.cancel.child_token();
        if let Some(old) = self.streams.insert(publication.sid(), cancel.clone()) {
            old.cancel();
        }
        let stream = NativeAudioStream::new(track.rtc_track(), EARS_RATE_HZ as i32, 1);
        let (human, events) = (human_id(participant), self.link.events.clone());
        self.tasks.spawn(forward(stream, human, events, self.clock, cancel));
    }

    fn deafen(&mut self, sid: &TrackSid) {
        if let Some(cancel) = self.streams.remove(sid) {
            cancel.cancel();
        }
    }

    fn read(&self, reader: TextStreamReader, from: &ParticipantIdentity) {
        let sender = self.room.remote_participants().remove(from);
        if sender.as_ref().is_some_and(|sender| !is_human(sender)) {
            return;
        }
        if self.tasks.len() >= TASKS_MAX {
            tracing::warn!(from = from.as_str(), "too many open text streams; one was refused");
            return;
        }
        let (human, events) = (HumanId::new(from.as_str()), self.link.events.clone());
        let cancel = self.cancel.clone();
        self.tasks.spawn(async move {
            if let Some(Some(text)) = cancel.run_until_cancelled(read_chat(reader)).await {
                let _ = events.send(Event::Chat { human, text }).await;
            }
        });
    }

    /// A human's caption is a new stream with the whole text each time, sent under its name.
    fn write(&self, caption: Caption) {
        let Speaker::Human(human) = &caption.speaker else { return };
        let identity = ParticipantIdentity(human.to_string());
        let here = self.room.remote_participants();
        let track = here.get(&identity).and_then(microphone).map(|track| track.sid().to_string());
        let attributes = caption_attributes(&caption.segment, track, caption.last);
        let options = SendTextOptions::new_with_topic(TRANSCRIPTION_TOPIC)
            .with_attributes(attributes)
            .with_sender_identity(identity);
        let (me, cancel) = (self.room.local_participant(), self.cancel.clone());
        self.tasks.spawn(async move {
            let sent = cancel.run_until_cancelled(me.send_text(&caption.text, options)).await;
            if let Some(Err(error)) = sent {
                tracing::warn!(%error, "a human's caption could not be sent");
            }
        });
    }
}

fn is_human(participant: &RemoteParticipant) -> bool {
    !matches!(participant.kind(), ParticipantKind::Agent | ParticipantKind::Egress)
}

fn human_id(participant: &RemoteParticipant) -> HumanId {
    HumanId::new(participant.identity().as_str())
}

fn microphone(participant: &RemoteParticipant) -> Option<RemoteTrackPublication> {
    participant.track_publications().into_values().find(is_voice)
}

/// Sound that a person makes, not what its screen plays.
fn is_voice(publication: &RemoteTrackPublication) -> bool {
    publication.kind() == TrackKind::Audio && publication.source() != TrackSource::ScreenshareAudio
}

fn subscribe(participant: &RemoteParticipant, publication: &RemoteTrackPublication) {
    if is_human(participant) && is_voice(publication) {
        publication.set_subscribed(true);
    }
}

/// Hands a track's sound to the host until it ends.
async fn forward(
    mut stream: NativeAudioStream,
    human: HumanId,
    events: mpsc::Sender<Event>,
    clock: Clock,
    cancel: CancellationToken,
) {
    while let Some(Some(frame)) = cancel.run_until_cancelled(stream.next()).await {
        let samples = frame.data.into_owned();
        let event = Event::Audio { human: human.clone(), at: clock.now(), samples };
        if events.send(event).await.is_err() {
            break;
        }
    }
    stream.close();
    let _ = events.send(Event::AudioEnded { human }).await;
}

/// The text of a chat message, cut at [`CHAT_BYTES_MAX`]; `None` when there is none.
async fn read_chat(mut reader: TextStreamReader) -> Option<String> {
    let mut text = String::new();
    let whole = async {
        while let Some(piece) = reader.next().await {
            match piece {
                Ok(piece) => text.push_str(&piece),
                Err(error) => {
                    tracing::debug!(%error, "a chat message broke off");
                    break;
                }
            }
            if text.len() > CHAT_BYTES_MAX {
                text.truncate(text.floor_char_boundary(CHAT_BYTES_MAX));
                break;
            }
        }
    };
    let _ = tokio::time::timeout(CHAT_OPEN_MAX, whole).await;
    (!text.trim().is_empty()).then_some(text)
}
