//! A persona's participant: publishes its voice and its face, shows its state, writes captions and
//! chat.

use std::collections::HashMap;
use std::sync::Arc;

use livekit::options::TrackPublishOptions;
use livekit::prelude::{
    LocalAudioTrack, LocalParticipant, LocalTrack, Room, RoomEvent, TrackSource,
};
use livekit::webrtc::audio_source::RtcAudioSource;
use livekit::webrtc::audio_source::native::NativeAudioSource;
use livekit::{SendTextOptions, StreamTextOptions, StreamWriter as _, TextStreamWriter};
use tokio::sync::{mpsc, oneshot, watch};

use super::face::Face;
use super::link::{self, End, JoinError, Link};
use super::outbox::{
    CHAT_TOPIC, FINAL_ATTRIBUTE, Outbox, Shown, TRANSCRIPTION_TOPIC, Text, caption_attributes,
};
use crate::room::{Caption, LinkState};

const STATE_ATTRIBUTE: &str = "lk.agent.state";
/// `true` while the room is recorded.
const RECORDING_ATTRIBUTE: &str = "troupe.recording";

/// Keeps the persona in the room until cancelled. `first` is told how the first join went.
pub(super) async fn run(
    link: Link,
    mut outbox: Outbox,
    voice: NativeAudioSource,
    face: Arc<Face>,
    first: oneshot::Sender<Result<(), JoinError>>,
) {
    let mut first = Some(first);
    let mut attempt = 0;
    loop {
        let cause = match join(&link, &voice).await {
            Ok((room, events)) => {
                attempt = 0;
                link.tell(LinkState::Up).await;
                if let Some(first) = first.take() {
                    let _ = first.send(Ok(()));
                }
                let end = serve(&link, &room, events, &mut outbox, &face).await;
                face.withdraw();
                if let Err(error) = room.close().await {
                    tracing::debug!(member = ?link.member, %error, "the room was closed before");
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

async fn join(
    link: &Link,
    voice: &NativeAudioSource,
) -> Result<(Room, mpsc::UnboundedReceiver<RoomEvent>), JoinError> {
    let (room, events) = link.connect().await?;
    let track = LocalAudioTrack::create_audio_track("voice", RtcAudioSource::Native(voice.clone()));
    let options =
        TrackPublishOptions { source: TrackSource::Microphone, ..TrackPublishOptions::default() };
    match room.local_participant().publish_track(LocalTrack::Audio(track), options).await {
        Ok(_) => Ok((room, events)),
        Err(error) => {
            let _ = room.close().await;
            Err(JoinError::Failed(format!("the voice track could not be published: {error}")))
        }
    }
}

async fn serve(
    link: &Link,
    room: &Room,
    mut events: mpsc::UnboundedReceiver<RoomEvent>,
    outbox: &mut Outbox,
    face: &Face,
) -> End {
    let me = room.local_participant();
    let Outbox { shown, texts } = outbox;
    tokio::select! {
        () = link.cancel.cancelled() => End::Left,
        cause = watch_link(link, &mut events) => End::Lost(cause),
        () = show_attributes(&me, shown) => End::Left,
        () = write_texts(&me, texts) => End::Left,
        () = face.serve(&me) => End::Left,
    }
}

/// Follows the connection; returns the cause when the SDK has given it up.
async fn watch_link(link: &Link, events: &mut mpsc::UnboundedReceiver<RoomEvent>) -> String {
    while let Some(event) = events.recv().await {
        match event {
            RoomEvent::Reconnecting => {
                let cause = "the connection to the server was lost".to_owned();
                link.tell(LinkState::Down { cause }).await;
            }
            RoomEvent::Reconnected => link.tell(LinkState::Up).await,
            RoomEvent::Disconnected { reason } => return link::reason(reason),
            _ => {}
        }
    }
    "the connection ended".to_owned()
}

async fn show_attributes(me: &LocalParticipant, shown: &mut watch::Receiver<Shown>) {
    loop {
        let Shown { state, recording } = *shown.borrow_and_update();
        let attributes = HashMap::from([
            (STATE_ATTRIBUTE.to_owned(), state.as_str().to_owned()),
            (RECORDING_ATTRIBUTE.to_owned(), recording.to_string()),
        ]);
        if let Err(error) = me.set_attributes(attributes).await {
            tracing::warn!(persona = %me.identity(), %error, "the state could not be shown");
        }
        if shown.changed().await.is_err() {
            return;
        }
    }
}

async fn write_texts(me: &LocalParticipant, texts: &mut mpsc::Receiver<Text>) {
    let mut open = None;
    while let Some(text) = texts.recv().await {
        let sent = match text {
            Text::Caption(caption) => write_caption(me, &mut open, caption).await,
            Text::Chat(text) => write_chat(me, &text).await,
        };
        if let Err(error) = sent {
            tracing::warn!(persona = %me.identity(), error, "a text could not be sent");
        }
    }
}

async fn write_chat(me: &LocalParticipant, text: &str) -> Result<(), String> {
    let options = SendTextOptions::new_with_topic(CHAT_TOPIC);
    me.send_text(text, options).await.map(|_| ()).map_err(|error| error.to_string())
}

struct OpenCaption {
    segment: String,
    writer: TextStreamWriter,
}

/// A persona's segment is one stream: its pieces are appended, the final flag is in the trailer.
async fn write_caption(
    me: &LocalParticipant,
    open: &mut Option<OpenCaption>,
    caption: Caption,
) -> Result<(), String> {
    if open.as_ref().is_some_and(|open| open.segment != caption.segment) {
        close_caption(open.take()).await?;
    }
    let caption_stream = match open.take() {
        Some(stream) => stream,
        None => {
            let attributes = caption_attributes(&caption.segment, voice_sid(me), false);
            let options =
                StreamTextOptions::new_with_topic(TRANSCRIPTION_TOPIC).with_attributes(attributes);
            let writer = me.stream_text(options).await.map_err(|error| error.to_string())?;
            OpenCaption { segment: caption.segment, writer }
        }
    };
    if !caption.text.is_empty() {
        caption_stream.writer.write(&caption.text).await.map_err(|error| error.to_string())?;
    }
    if caption.last {
        return close_caption(Some(caption_stream)).await;
    }
    *open = Some(caption_stream);
    Ok(())
}

async fn close_caption(open: Option<OpenCaption>) -> Result<(), String> {
    let Some(open) = open else { return Ok(()) };
    let last = HashMap::from([(FINAL_ATTRIBUTE.to_owned(), "true".to_owned())]);
    open.writer.close_with_options(None, Some(last)).await.map_err(|error| error.to_string())
}

fn voice_sid(me: &LocalParticipant) -> Option<String> {
    let mut tracks = me.track_publications().into_iter();
    let voice = tracks.find(|(_, track)| track.source() == TrackSource::Microphone);
    voice.map(|(sid, _)| sid.to_string())
}
