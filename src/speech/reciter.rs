//! From clauses to sound, ahead of the playout.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Speech;
use super::event::{Reporter, Step};
use crate::audio::Pcm;
use crate::probe::time_probe;
use crate::time::micros;
use crate::tts::VoiceError;

/// A voice that works on one clause for so long is stuck: the longest clause takes a second.
const CLAUSE_TIMEOUT: Duration = Duration::from_secs(20);
/// A clause that fails is tried once more.
const TRIES: usize = 2;

/// A clause and how it sounds.
#[derive(Debug)]
pub(super) struct Sound {
    pub(super) text: String,
    pub(super) pcm: Pcm,
}

pub(super) struct Reciter<'a> {
    speech: &'a Speech,
    reporter: &'a Reporter,
    cancel: CancellationToken,
}

impl<'a> Reciter<'a> {
    pub(super) fn new(
        speech: &'a Speech,
        reporter: &'a Reporter,
        cancel: CancellationToken,
    ) -> Self {
        Self { speech, reporter, cancel }
    }

    /// Runs until there are no more clauses, the player takes no more, or the voice fails.
    pub(super) async fn run(
        self,
        clauses: mpsc::Receiver<String>,
        to_room: mpsc::Sender<Sound>,
    ) -> Result<(), String> {
        let recite = self.recite(clauses, to_room);
        self.cancel.run_until_cancelled(recite).await.unwrap_or(Ok(()))
    }

    async fn recite(
        &self,
        mut clauses: mpsc::Receiver<String>,
        to_room: mpsc::Sender<Sound>,
    ) -> Result<(), String> {
        let mut silent = true;
        // A place first, then the work: so the voice is one clause ahead of the playout, no more.
        while let Ok(place) = to_room.reserve().await {
            let Some(text) = clauses.recv().await else { break };
            let sound = time_probe!(TtsClause, self.sound(&text).await, |took_us, sound| {
                turn: self.speech.grant.turn,
                persona: self.speech.grant.persona.clone(),
                chars: text.chars().count() as u64,
                took_us,
                sound_us: sound.as_ref().ok().map(|pcm| micros(pcm.duration())),
            });
            let pcm = sound.map_err(|error| error.to_string())?;
            if silent && !pcm.samples.is_empty() {
                silent = false;
                self.reporter.step(Step::FirstAudio);
            }
            place.send(Sound { text, pcm });
        }
        Ok(())
    }

    async fn sound(&self, text: &str) -> Result<Pcm, VoiceError> {
        let mut tries = 0;
        loop {
            let sound = self.speech.stage.voice.synthesise(text, &self.speech.options.style);
            let error = match tokio::time::timeout(CLAUSE_TIMEOUT, sound).await {
                Ok(Ok(sound)) => return Ok(sound),
                Ok(Err(error)) => error,
                Err(_) => VoiceError::Model(format!("no sound within {CLAUSE_TIMEOUT:?}")),
            };
            tries += 1;
            let turn = self.speech.grant.turn;
            tracing::warn!(%turn, %error, tries, "a clause could not be spoken");
            if tries == TRIES {
                return Err(error);
            }
        }
    }
}
