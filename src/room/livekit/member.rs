//! A persona's participant: publishes its voice and its face, shows its state, writes captions and
//! chat.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use livekit::options::TrackPublishOptions;
use livekit::prelude::{
    LocalAudioTrack, LocalParticipant, LocalTrack, Room, RoomEvent, TrackSource,
};
use livekit::webrtc::audio_source::RtcAudioSource;
use livekit::webrtc::audio_source::native::NativeAudioSource;
use livekit::{SendTextOptions, StreamTextOptions, StreamWriter as _, TextStreamWriter};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;

use super::face::Face;
use super::link::{self, End, JoinError, Link};
use super::outbox::{
    CHAT_TOPIC, FINAL_ATTRIBUTE, Outbox, Shown, TRANSCRIPTION_TOPIC, Text, caption_attributes,
};
use crate::room::{Caption, LinkState};

const STATE_ATTRIBUTE: &str = "lk.agent.state";
/// `true` while the room is recorded.
const RECORDING_ATTRIBUTE: &str = "troupe.recording";

/// What failed to be shown is tried again after so long.
const AGAIN: Duration = Duration::from_secs(1);

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
    let show = |Shown { state, recording }| async move {
        let attributes = HashMap::from([
            (STATE_ATTRIBUTE.to_owned(), state.as_str().to_owned()),
            (RECORDING_ATTRIBUTE.to_owned(), recording.to_string()),
        ]);
        let sent = me.set_attributes(attributes).await;
        sent.inspect_err(|error| {
            let persona = me.identity();
            tracing::warn!(%persona, %error, "the state was perhaps not shown; again");
        })
        .is_ok()
    };
    follow(shown, show).await;
}

/// Shows the newest of `shown`, and again what failed. Nothing newer waits for an answer: the SDK
/// misses one that comes before it has begun to look for it, and gives up after seconds.
async fn follow<Showing: Future<Output = bool>>(
    shown: &mut watch::Receiver<Shown>,
    mut show: impl FnMut(Shown) -> Showing,
) {
    loop {
        let newest = *shown.borrow_and_update();
        let keep_shown = async {
            while !show(newest).await {
                sleep(AGAIN).await;
            }
            pending::<()>().await;
        };
        // What is to be shown goes out before it is looked for something newer.
        tokio::select! {
            biased;
            () = keep_shown => {}
            changed = shown.changed() => if changed.is_err() { return },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::AgentState;

    fn state(state: AgentState) -> Shown {
        Shown { state, recording: false }
    }

    #[tokio::test(start_paused = true)]
    async fn a_newer_state_waits_for_no_answer_and_what_failed_is_shown_again() {
        let (states, mut shown) = watch::channel(state(AgentState::Thinking));
        let (sent, mut seen) = mpsc::unbounded_channel();
        let following = tokio::spawn(async move {
            let show = |Shown { state, .. }| {
                let _ = sent.send(state);
                async move {
                    match state {
                        AgentState::Thinking => pending().await,
                        AgentState::Speaking => false,
                        _ => true,
                    }
                }
            };
            follow(&mut shown, show).await;
        });
        assert_eq!(seen.recv().await, Some(AgentState::Thinking));
        states.send_replace(state(AgentState::Speaking));
        for _ in 0..3 {
            assert_eq!(seen.recv().await, Some(AgentState::Speaking));
        }
        states.send_replace(state(AgentState::Listening));
        assert_eq!(seen.recv().await, Some(AgentState::Listening));
        drop(states);
        following.await.expect("it ends with the room");
        assert_eq!(seen.recv().await, None, "what was shown is not shown again");
    }
}
