//! What waits to be sent by one of our participants.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, watch};

use crate::room::{AgentState, Backlog, Caption};

/// LiveKit's topics for what is typed and what is said.
pub(super) const CHAT_TOPIC: &str = "lk.chat";
pub(super) const TRANSCRIPTION_TOPIC: &str = "lk.transcription";
pub(super) const FINAL_ATTRIBUTE: &str = "lk.transcription_final";

/// Texts waiting for a participant. Captions come a few a second; when a link is down for so long
/// that this is full, the newest are dropped and counted.
const TEXTS_BOUND: usize = 256;

pub(super) enum Text {
    Caption(Caption),
    Chat(String),
}

/// What a participant's attributes show.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    pub(super) state: AgentState,
    pub(super) recording: bool,
}

/// The host's end. The state is kept apart from the texts: only the newest counts.
pub(super) struct Inbox {
    shown: watch::Sender<Shown>,
    texts: mpsc::Sender<Text>,
    dropped: Arc<AtomicU64>,
}

/// The participant's end.
pub(super) struct Outbox {
    pub(super) shown: watch::Receiver<Shown>,
    pub(super) texts: mpsc::Receiver<Text>,
}

pub(super) fn pair() -> (Inbox, Outbox) {
    let first = Shown { state: AgentState::Initializing, recording: false };
    let (shown, shown_out) = watch::channel(first);
    let (texts, texts_out) = mpsc::channel(TEXTS_BOUND);
    let inbox = Inbox { shown, texts, dropped: Arc::default() };
    (inbox, Outbox { shown: shown_out, texts: texts_out })
}

impl Inbox {
    pub(super) fn state(&self, state: AgentState) {
        self.shown.send_modify(|shown| shown.state = state);
    }

    pub(super) fn recording(&self, on: bool) {
        self.shown.send_modify(|shown| shown.recording = on);
    }

    pub(super) fn text(&self, text: Text) {
        if self.texts.try_send(text).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn backlog(&self) -> Backlog {
        Backlog {
            waiting: (TEXTS_BOUND - self.texts.capacity()) as u64,
            bound: TEXTS_BOUND as u64,
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}

/// A caption's attributes by LiveKit's conventions; `track` is the sound that it transcribes.
pub(super) fn caption_attributes(
    segment: &str,
    track: Option<String>,
    last: bool,
) -> HashMap<String, String> {
    let mut attributes = HashMap::from([
        ("lk.segment_id".to_owned(), segment.to_owned()),
        (FINAL_ATTRIBUTE.to_owned(), last.to_string()),
    ]);
    if let Some(track) = track {
        attributes.insert("lk.transcribed_track_id".to_owned(), track);
    }
    attributes
}
