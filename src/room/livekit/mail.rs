//! Reads what humans send to the chat: typed lines and pictures, within bounds that no sender can
//! move.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use livekit::data_stream::api::StreamReader as _;
use livekit::{ByteStreamReader, TextStreamReader};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::post::{Letter, Post};
use crate::id::HumanId;
use crate::room::Event;
use crate::time::Clock;

/// A chat message beyond this is cut: nobody types so much, and a stream can be endless.
const CHAT_BYTES_MAX: usize = 8 * 1_024;
/// A larger picture is refused; a photograph of a telephone has half of it.
pub(super) const PICTURE_BYTES_MAX: usize = 8 << 20;
/// A chat stream that stays open longer is taken as it is, a picture is refused.
const OPEN_MAX: Duration = Duration::from_secs(10);
/// Texts that are read at the same time; more are refused and counted.
const TEXTS_MAX: usize = 256;
/// Pictures of all humans at the same time, with those that wait for their line: 128 MiB at worst.
const PICTURES_MAX: usize = 16;
/// Streams that were read and not yet taken; their readers wait.
const READ_BOUND: usize = 8;
/// Humans who are remembered while nothing of theirs is under way.
const POSTS_MAX: usize = 64;

enum Read {
    Text { human: HumanId, key: u64, text: String },
    Picture { human: HumanId, id: String, file: Option<Vec<u8>> },
}

/// The chat of one connection.
pub(super) struct Mail {
    posts: HashMap<HumanId, Post>,
    read: mpsc::Receiver<Read>,
    read_in: mpsc::Sender<Read>,
    texts: TaskTracker,
    pictures: TaskTracker,
    cancel: CancellationToken,
    clock: Clock,
    refused: u64,
}

impl Mail {
    /// What is read ends with `cancel`.
    pub(super) fn new(clock: Clock, cancel: CancellationToken) -> Self {
        let (read_in, read) = mpsc::channel(READ_BOUND);
        let (texts, pictures) = (TaskTracker::new(), TaskTracker::new());
        Self { posts: HashMap::new(), read, read_in, texts, pictures, cancel, clock, refused: 0 }
    }

    /// Takes a typed line.
    pub(super) fn line(&mut self, human: HumanId, reader: TextStreamReader) {
        let now = self.clock.now();
        let many = self.texts.len() >= TEXTS_MAX;
        let attached = &reader.info().attached_stream_ids;
        let post = self.post(&human);
        let Some(key) = (!many).then(|| post.line(now, attached)).flatten() else {
            reader.closer().close();
            return self.refuse(&human, "too many lines of the chat are open");
        };
        let (read, cancel) = (self.read_in.clone(), self.cancel.clone());
        self.texts.spawn(async move {
            if let Some(text) = cancel.run_until_cancelled(read_text(reader)).await {
                let _ = read.send(Read::Text { human, key, text }).await;
            }
        });
    }

    /// Takes a file, if it calls itself a picture.
    pub(super) fn file(&mut self, human: HumanId, reader: ByteStreamReader) {
        let id = reader.info().id.clone();
        let refusal = self.refusal(&human, &reader);
        if let Some(reason) = refusal {
            reader.closer().close();
            self.post(&human).settle(&id);
            return self.refuse(&human, reason);
        }
        let (read, cancel) = (self.read_in.clone(), self.cancel.clone());
        self.pictures.spawn(async move {
            if let Some(file) = cancel.run_until_cancelled(read_picture(reader)).await {
                let _ = read.send(Read::Picture { human, id, file }).await;
            }
        });
    }

    /// Why a file is not read.
    fn refusal(&mut self, human: &HumanId, reader: &ByteStreamReader) -> Option<&'static str> {
        let info = reader.info();
        let all: usize = self.posts.values().map(Post::pictures).sum();
        if !info.mime_type.starts_with("image/") {
            return Some("a file in the chat is no picture");
        }
        if info.total_length.is_some_and(|bytes| bytes > PICTURE_BYTES_MAX as u64) {
            return Some("a picture in the chat is too large");
        }
        if all >= PICTURES_MAX || !self.post(human).begin_picture(&info.id) {
            return Some("too many pictures of the chat are open");
        }
        None
    }

    /// What is to be told next, in order.
    pub(super) async fn next(&mut self) -> Vec<Event> {
        let wake = self.posts.values().filter_map(Post::wake).min();
        let wait = async {
            match wake {
                Some(at) => tokio::time::sleep_until(self.clock.instant(at)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(read) = self.read.recv() => self.take(read),
            () = wait => {
                let humans: Vec<_> = self.posts.keys().cloned().collect();
                humans.into_iter().flat_map(|human| self.due(human)).collect()
            }
        }
    }

    /// What was read of somebody who leaves; the rest is dropped.
    pub(super) fn left(&mut self, human: &HumanId) -> Vec<Event> {
        let events = self.due(human.clone());
        self.posts.remove(human);
        events
    }

    /// Waits until nothing is read any more; the connection was cancelled before.
    pub(super) async fn end(self) {
        let Self { texts, pictures, read, .. } = self;
        // Or a reader could wait for a place in it.
        drop(read);
        for tasks in [texts, pictures] {
            tasks.close();
            tasks.wait().await;
        }
    }

    fn take(&mut self, read: Read) -> Vec<Event> {
        match read {
            Read::Text { human, key, text } => {
                self.post(&human).text(key, text);
                self.due(human)
            }
            Read::Picture { human, id, file } => {
                if file.is_none() {
                    self.refuse(&human, "a picture in the chat broke off, or is too large");
                }
                let loose = self.post(&human).end_picture(&id, file);
                let mut events: Vec<_> =
                    loose.map(|letter| event(human.clone(), letter)).into_iter().collect();
                events.extend(self.due(human));
                events
            }
        }
    }

    fn due(&mut self, human: HumanId) -> Vec<Event> {
        let now = self.clock.now();
        let letters = self.posts.get_mut(&human).map(|post| post.due(now)).unwrap_or_default();
        letters.into_iter().map(|letter| event(human.clone(), letter)).collect()
    }

    fn post(&mut self, human: &HumanId) -> &mut Post {
        if self.posts.len() >= POSTS_MAX && !self.posts.contains_key(human) {
            self.posts.retain(|_, post| !post.is_idle());
        }
        self.posts.entry(human.clone()).or_default()
    }

    /// Counts what was not taken. A sender could fill the log: each line tells of twice as many.
    fn refuse(&mut self, human: &HumanId, reason: &str) {
        self.refused += 1;
        if self.refused.is_power_of_two() {
            tracing::warn!(%human, refused = self.refused, "{reason}; it was refused");
        } else {
            tracing::debug!(%human, refused = self.refused, "{reason}; it was refused");
        }
    }
}

fn event(human: HumanId, letter: Letter) -> Event {
    match letter {
        Letter::Picture(file) => Event::Pasted { human, file },
        Letter::Text(text) => Event::Chat { human, text },
    }
}

/// The text of a chat message, cut at [`CHAT_BYTES_MAX`].
async fn read_text(mut reader: TextStreamReader) -> String {
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
    let _ = tokio::time::timeout(OPEN_MAX, whole).await;
    reader.closer().close();
    text
}

/// A file as it is; none when it breaks off, is too large, or is not there in time. Its length is
/// known when it is there: what the sender says of it is not believed.
async fn read_picture(mut reader: ByteStreamReader) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    let whole = async {
        while let Some(piece) = reader.next().await {
            let piece = piece.map_err(|error| error.to_string())?;
            if file.len() + piece.len() > PICTURE_BYTES_MAX {
                return Err(format!("it has more than {PICTURE_BYTES_MAX} bytes"));
            }
            file.extend_from_slice(&piece);
        }
        Ok(())
    };
    let result = tokio::time::timeout(OPEN_MAX, whole).await;
    reader.closer().close();
    match result.unwrap_or_else(|_| Err("it did not come in time".to_owned())) {
        Ok(()) => Some(file),
        Err(error) => {
            tracing::debug!(error, "a picture in the chat was not taken");
            None
        }
    }
}
