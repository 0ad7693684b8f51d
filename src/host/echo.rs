//! The guard against the cast's own sound, fed with what the room was given.

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;

use super::played::Played;
use crate::admin::state as pages;
use crate::id::HumanId;
use crate::stt::echo::{EchoGuard, Stats, Stretch};
use crate::stt::service::{Heard, Unheard};
use crate::time::Time;

pub(super) struct Echo {
    guard: EchoGuard,
    played: broadcast::Receiver<Played>,
}

impl Echo {
    pub(super) fn new(played: broadcast::Receiver<Played>) -> Self {
        Self { guard: EchoGuard::default(), played }
    }

    /// What goes on to the ears: see [`EchoGuard::heard`].
    pub(super) fn heard(
        &mut self,
        human: &HumanId,
        at: Time,
        samples: &[i16],
        speaks: bool,
    ) -> Vec<Stretch> {
        self.catch_up();
        self.guard.heard(human, at, samples, speaks)
    }

    /// What was held back of a track that ended.
    pub(super) fn end(&mut self, human: &HumanId) -> Vec<Stretch> {
        self.guard.end(human)
    }

    pub(super) fn left(&mut self, human: &HumanId) {
        self.guard.left(human);
    }

    /// Takes the words away that are the cast's own.
    pub(super) fn judge(&mut self, heard: &mut Heard) {
        self.catch_up();
        let utterance = &heard.utterance;
        if let Ok(text) = &heard.text
            && self.guard.is_echo(&utterance.human, utterance.voiced_start, text)
        {
            let (human, utterance) = (&utterance.human, utterance.id);
            tracing::info!(%human, %utterance, "the cast was heard through a microphone");
            heard.text = Err(Unheard::Echo);
        }
    }

    /// For the pages; nothing while nothing was done.
    pub(super) fn shown(&self) -> Option<pages::Echo> {
        let stats = self.guard.stats();
        let Stats { silenced_ms, held_back_ms, lines, microphones, missed: _ } = stats;
        let echo = pages::Echo { microphones, silenced_ms, held_back_ms, lines };
        (stats != Stats { missed: stats.missed, ..Stats::default() }).then_some(echo)
    }

    fn catch_up(&mut self) {
        loop {
            match self.played.try_recv() {
                Ok(Played::Sound { end, samples }) => self.guard.played(end, &samples),
                Ok(Played::Words { at, text }) => self.guard.said(at, &text),
                Err(TryRecvError::Lagged(frames)) => self.guard.missed(frames),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }
}
