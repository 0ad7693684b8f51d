//! What the room is given of the cast, told to whoever has to know it again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::broadcast;

use crate::audio::FRAME_MS;
use crate::id::{PersonaId, Speaker};
use crate::room::{Backlog, Caption, Command, Transport};
use crate::time::{Clock, Time};
use crate::video::I420;

/// Two seconds of frames with their captions: the oldest are lost, and counted, when nobody looks.
const BOUND: usize = 128;

/// Something of a persona that went into the room.
#[derive(Clone, Debug)]
pub(super) enum Played {
    Sound { end: Time, samples: Arc<[i16]> },
    Words { at: Time, text: String },
}

/// A transport that tells what it is given, and the place to hear it.
pub(super) fn overheard(
    inner: Arc<dyn Transport>,
    clock: Clock,
) -> (Arc<dyn Transport>, broadcast::Receiver<Played>) {
    let (played, receiver) = broadcast::channel(BOUND);
    (Arc::new(Overheard { inner, clock, played }), receiver)
}

struct Overheard {
    inner: Arc<dyn Transport>,
    clock: Clock,
    played: broadcast::Sender<Played>,
}

impl Overheard {
    /// A room that is gone needs nothing.
    fn tell(&self, played: Played) {
        let _ = self.played.send(played);
    }
}

#[async_trait]
impl Transport for Overheard {
    fn send(&self, command: Command) {
        if let Command::Caption(Caption { speaker: Speaker::Persona(_), text, .. }) = &command
            && !text.is_empty()
        {
            self.tell(Played::Words { at: self.clock.now(), text: text.clone() });
        }
        self.inner.send(command);
    }

    fn backlog(&self) -> Backlog {
        self.inner.backlog()
    }

    async fn voice(&self, persona: &PersonaId, frame: &[i16]) {
        self.inner.voice(persona, frame).await;
        // It is played from about now on.
        let end = self.clock.now() + Duration::from_millis(u64::from(FRAME_MS));
        self.tell(Played::Sound { end, samples: frame.into() });
    }

    fn clear_voice(&self, persona: &PersonaId) {
        self.inner.clear_voice(persona);
    }

    fn face(&self, persona: &PersonaId, frame: Arc<I420>) {
        self.inner.face(persona, frame);
    }

    fn is_seen(&self, persona: &PersonaId) -> bool {
        self.inner.is_seen(persona)
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
