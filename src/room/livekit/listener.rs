//! The hidden listener: hears every human once for the whole cast, looks at them when told to,
//! reads the chat, and writes what the humans said under their own names.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt as _;
use livekit::prelude::{
    Participant, ParticipantIdentity, RemoteAudioTrack, RemoteParticipant, RemoteTrack,
    RemoteTrackPublication, Room, RoomEvent, TrackKind, TrackPublication, TrackSid, TrackSource,
};
use livekit::webrtc::audio_stream::native::NativeAudioStream;
use livekit::{ParticipantKind, SendTextOptions};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::eyes::{Eyes, View};
use super::link::{self, End, JoinError, Link};
use super::mail::Mail;
use super::outbox::{CHAT_TOPIC, Outbox, TRANSCRIPTION_TOPIC, Text, caption_attributes};
use crate::audio::EARS_RATE_HZ;
use crate::id::{HumanId, Speaker};
use crate::room::{Caption, Event, LinkState};
use crate::time::Clock;

/// Keeps the listener in the room until cancelled. `first` is told how the first join went; after
/// a failed first join it gives up, since nobody would hear anything.
pub(super) async fn run(
    link: Link,
    mut outbox: Outbox,
    mut wishes: mpsc::Receiver<View>,
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
                // Wishes of a time when nothing could be seen.
                while wishes.try_recv().is_ok() {}
                let end = visit.serve(events, &mut outbox, &mut wishes).await;
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
    eyes: Eyes,
    mail: Mail,
}

impl<'a> Visit<'a> {
    fn new(link: &'a Link, room: &'a Room, humans: &'a mut HashSet<HumanId>, clock: Clock) -> Self {
        let cancel = link.cancel.child_token();
        let (streams, tasks) = (HashMap::new(), TaskTracker::new());
        let eyes = Eyes::new(link.events.clone(), clock, cancel.clone());
        let mail = Mail::new(clock, cancel.clone());
        Self { link, room, humans, clock, cancel, streams, tasks, eyes, mail }
    }

    async fn serve(
        &mut self,
        mut events: mpsc::UnboundedReceiver<RoomEvent>,
        outbox: &mut Outbox,
        wishes: &mut mpsc::Receiver<View>,
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
                Some((human, source)) = wishes.recv() => {
                    if let Some(person) = self.human(&human) {
                        self.eyes.look(human, source, &person);
                    }
                }
                events = self.mail.next() => self.tell_all(events).await,
            }
        }
    }

    /// Waits until every task of this connection has ended.
    async fn end(self) {
        self.cancel.cancel();
        self.eyes.end().await;
        self.mail.end().await;
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
            self.follow(&participant).await;
            for publication in participant.track_publications().into_values() {
                subscribe(&participant, &publication);
            }
        }
    }

    async fn on(&mut self, event: RoomEvent) {
        match event {
            RoomEvent::ParticipantConnected(participant) => {
                self.joined(&participant).await;
                self.follow(&participant).await;
            }
            RoomEvent::ParticipantDisconnected(participant) => {
                self.left(&human_id(&participant)).await;
            }
            RoomEvent::TrackPublished { publication, participant } => {
                subscribe(&participant, &publication);
                self.follow(&participant).await;
            }
            RoomEvent::TrackSubscribed { track, publication, participant } => {
                self.attend(track, &publication, &participant);
            }
            RoomEvent::TrackUnsubscribed { publication, participant, .. }
            | RoomEvent::TrackUnpublished { publication, participant } => {
                self.deafen(&publication.sid());
                self.eyes.gone(&publication.sid());
                self.follow(&participant).await;
            }
            RoomEvent::TrackMuted {
                participant: Participant::Remote(participant),
                publication: TrackPublication::Remote(publication),
            } if is_human(&participant) => {
                if is_voice(&publication) {
                    self.tell(Event::AudioEnded { human: human_id(&participant) }).await;
                }
                self.follow(&participant).await;
            }
            RoomEvent::TrackUnmuted { participant: Participant::Remote(participant), .. } => {
                self.follow(&participant).await;
            }
            RoomEvent::TextStreamOpened { reader, topic, participant_identity }
                if topic == CHAT_TOPIC =>
            {
                // A sender that we do not know yet is a human who has just come.
                let sender = self.room.remote_participants().remove(&participant_identity);
                if sender.is_none_or(|sender| is_human(&sender))
                    && let Some(reader) = reader.take()
                {
                    self.mail.line(HumanId::new(participant_identity.as_str()), reader);
                }
            }
            RoomEvent::ByteStreamOpened { reader, topic, participant_identity } => {
                let human = HumanId::new(participant_identity.as_str());
                match reader.take() {
                    Some(reader) if topic == CHAT_TOPIC && self.human(&human).is_some() => {
                        self.mail.file(human, reader);
                    }
                    // Or the server's word would keep it open.
                    Some(reader) => reader.closer().close(),
                    None => {}
                }
            }
            RoomEvent::Reconnecting => {
                let cause = "the connection to the server was lost".to_owned();
                self.link.tell(LinkState::Down { cause }).await;
                self.eyes.shut().await;
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

    async fn tell_all(&self, events: Vec<Event>) {
        for event in events {
            self.tell(event).await;
        }
    }

    /// The participant that a human is.
    fn human(&self, human: &HumanId) -> Option<RemoteParticipant> {
        let identity = ParticipantIdentity(human.to_string());
        self.room.remote_participants().remove(&identity).filter(is_human)
    }

    /// Tells what a human shows.
    async fn follow(&mut self, participant: &RemoteParticipant) {
        let human = human_id(participant);
        if self.humans.contains(&human) {
            self.eyes.follow(&human, participant).await;
        }
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
        let last = self.mail.left(human);
        if self.humans.remove(human) {
            self.tell_all(last).await;
            self.eyes.left(human).await;
            self.tell(Event::HumanLeft { human: human.clone() }).await;
        }
    }

    fn attend(
        &mut self,
        track: RemoteTrack,
        publication: &RemoteTrackPublication,
        participant: &RemoteParticipant,
    ) {
        match track {
            RemoteTrack::Audio(track) if is_human(participant) => {
                self.hear(&track, publication, participant);
            }
            RemoteTrack::Audio(_) => {}
            RemoteTrack::Video(track) => self.eyes.subscribed(&publication.sid(), &track),
        }
    }

    fn hear(
        &mut self,
        track: &RemoteAudioTrack,
        publication: &RemoteTrackPublication,
        participant: &RemoteParticipant,
    ) {
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
