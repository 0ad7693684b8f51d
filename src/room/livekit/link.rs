//! One participant's connection: join, lose, join again.

use std::time::Duration;

use livekit::DisconnectReason;
use livekit::RoomDataStreamOptions;
use livekit::prelude::{Room, RoomError, RoomEvent, RoomOptions};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::mail::PICTURE_BYTES_MAX;
use crate::room::token::{Mint, TokenError};
use crate::room::{Event, LinkState, Member};

/// First wait before a new attempt; it doubles up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_millis(250);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// A signal connection on a loaded machine; the SDK's own default is shorter.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the cast could not join: one sentence with the mend.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error("no LiveKit server answers at {url}; start one, or set LIVEKIT_URL to yours")]
    Unreachable { url: String },
    #[error(
        "the LiveKit server at {url} refuses our key; \
         check LIVEKIT_API_KEY and LIVEKIT_API_SECRET"
    )]
    WrongKey { url: String },
    #[error("the room is full; raise its max_participants or let somebody leave")]
    RoomFull,
    #[error("the room could not be joined: {0}")]
    Failed(String),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("the start was cancelled")]
    Cancelled,
}

/// What a participant's task needs to connect, and to tell about it.
pub(super) struct Link {
    pub(super) url: String,
    pub(super) mint: Mint,
    pub(super) member: Member,
    /// The participant's name, where people see one.
    pub(super) name: String,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) cancel: CancellationToken,
}

/// How a connection ended.
pub(super) enum End {
    /// We were told to leave.
    Left,
    /// The SDK gave the connection up; the cause in words.
    Lost(String),
}

impl Link {
    pub(super) async fn connect(
        &self,
    ) -> Result<(Room, mpsc::UnboundedReceiver<RoomEvent>), JoinError> {
        // A fresh one each time: a host outlives any token.
        let token = match &self.member {
            Member::Listener => self.mint.listener()?,
            Member::Persona(id) => self.mint.persona(id, &self.name)?,
        };
        let mut options = RoomOptions::default();
        // Each task chooses what it hears; personas hear nothing.
        options.auto_subscribe = false;
        // Faces that nobody looks at are not encoded.
        options.dynacast = true;
        options.connect_timeout = CONNECT_TIMEOUT;
        // Or a few bytes of a sender are unpacked into gigabytes.
        options.data_stream =
            RoomDataStreamOptions::default().with_max_payload_byte_length(PICTURE_BYTES_MAX);
        Room::connect(&self.url, &token, options).await.map_err(|error| self.explain(&error))
    }

    /// The SDK's error as one of ours. Its text may hold the token, so it is not passed on whole.
    fn explain(&self, error: &RoomError) -> JoinError {
        const UNREACHABLE: [&str; 5] =
            ["connection error", "imed out", "imeout", "handshake", "failed to connect"];
        // The SDK's types for these cases are private to it; its texts hold these words.
        let text = error.to_string();
        let url = self.url.clone();
        if text.contains("401") || text.contains("403") {
            JoinError::WrongKey { url }
        } else if text.contains("max participants") || text.contains("exceeded") {
            JoinError::RoomFull
        } else if UNREACHABLE.iter().any(|sign| text.contains(sign)) {
            JoinError::Unreachable { url }
        } else {
            JoinError::Failed(redacted(&text))
        }
    }

    pub(super) async fn tell(&self, state: LinkState) {
        let event = Event::Link { member: self.member.clone(), state };
        // Nobody receives only when the host is gone; then the cancel is on its way.
        let _ = self.events.send(event).await;
    }

    /// Waits before attempt number `attempt` (from 0); false when cancelled.
    pub(super) async fn back_off(&self, attempt: u32) -> bool {
        let wait = BACKOFF_MIN.saturating_mul(1 << attempt.min(8)).min(BACKOFF_MAX);
        self.cancel.run_until_cancelled(tokio::time::sleep(wait)).await.is_some()
    }
}

/// The text without anything in it that looks like a token.
fn redacted(text: &str) -> String {
    let is_token = |word: &str| word.matches('.').count() >= 2 && word.len() > 60;
    text.split_inclusive(|c: char| c.is_whitespace() || matches!(c, '?' | '&' | '=' | '"'))
        .map(|word| if is_token(word) { "… " } else { word })
        .collect()
}

/// Why the server or the SDK ended a connection, in words.
pub(super) fn reason(reason: DisconnectReason) -> String {
    let text = match reason {
        DisconnectReason::DuplicateIdentity => "another participant took our identity",
        DisconnectReason::ServerShutdown => "the server shut down",
        DisconnectReason::ParticipantRemoved => "somebody removed us from the room",
        DisconnectReason::RoomDeleted | DisconnectReason::RoomClosed => "the room was closed",
        DisconnectReason::SignalClose => "the connection to the server was lost",
        other => return format!("disconnected ({other:?})"),
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn tokens_are_cut_out_of_error_texts() {
        let token = format!("{}.{}.{}", "e".repeat(30), "f".repeat(60), "g".repeat(43));
        let text = format!("bad url ws://host/rtc?access_token={token}&x=1 (try again)");
        let out = redacted(&text);
        assert!(!out.contains("eee") && !out.contains("ggg"), "{out}");
        assert!(out.contains("try again"));
    }
}
