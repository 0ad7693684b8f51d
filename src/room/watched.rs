//! A transport that tells somebody what passes through it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Backlog, Command, Transport};
use crate::audio::FRAME_MS;
use crate::id::{HumanId, PersonaId};
use crate::picture::Source;
use crate::time::{Clock, Time};
use crate::video::I420;

/// Looks at what a room is given. It is told in passing, so it must not wait.
pub trait Watcher: Send + Sync + 'static {
    /// A command, before the room has it.
    fn sent(&self, at: Time, command: &Command);

    /// A frame of a persona's voice that the room took: it is played until about `end`.
    fn voiced(&self, persona: &PersonaId, end: Time, frame: &[i16]);
}

/// A transport and whoever watches it.
pub struct Watched<W> {
    inner: Arc<dyn Transport>,
    clock: Clock,
    watcher: W,
}

impl<W: Watcher> Watched<W> {
    pub fn new(inner: Arc<dyn Transport>, clock: Clock, watcher: W) -> Self {
        Self { inner, clock, watcher }
    }
}

#[async_trait]
impl<W: Watcher> Transport for Watched<W> {
    fn send(&self, command: Command) {
        self.watcher.sent(self.clock.now(), &command);
        self.inner.send(command);
    }

    fn backlog(&self) -> Backlog {
        self.inner.backlog()
    }

    async fn voice(&self, persona: &PersonaId, frame: &[i16]) {
        self.inner.voice(persona, frame).await;
        // It is played from about now on.
        let end = self.clock.now() + Duration::from_millis(u64::from(FRAME_MS));
        self.watcher.voiced(persona, end, frame);
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

    fn look(&self, human: &HumanId, source: Source) {
        self.inner.look(human, source);
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
