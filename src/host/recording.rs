//! A run on tape, when that was asked for.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tokio::sync::watch;

use super::HostError;
use crate::config::{Config, EndOfTurn};
use crate::models::Catalogue;
use crate::tape::{Answers, Header, Member, Model, Models, Recorder, State, Tap, file_name};
use crate::time::{Clock, micros};

/// The recording of a run; none when it is not asked for.
pub struct Recording(Option<Recorder>);

impl Recording {
    /// Begins a new tape in `folder`, named after the room and the time.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn start(folder: Option<&Path>, config: &Config, clock: Clock) -> Result<Self, HostError> {
        let Some(folder) = folder else { return Ok(Self(None)) };
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let name = format!("{}-{}.tape", file_name(&config.room), since.as_secs());
        let tape = folder.join(name);
        let mut header = header(config);
        header.began_unix_ms = u64::try_from(since.as_millis()).ok();
        let failed = |cause: std::io::Error| HostError::Record { path: tape.clone(), cause };
        let recorder = Recorder::start(&tape, &header, clock).map_err(failed)?;
        tracing::info!(tape = %tape.display(), "recording");
        Ok(Self(Some(recorder)))
    }

    pub fn tap(&self) -> Tap {
        self.0.as_ref().map_or_else(Tap::off, Recorder::tap)
    }

    pub fn state(&self) -> Option<watch::Receiver<State>> {
        self.0.as_ref().map(Recorder::state)
    }

    /// Ends the tape; returns its folder when it is whole.
    pub async fn finish(self) -> Option<PathBuf> {
        let recorder = self.0?;
        let folder = recorder.folder().to_owned();
        let end = tokio::task::spawn_blocking(move || recorder.finish()).await;
        match end {
            Ok(State::Ended) => {
                tracing::info!(tape = %folder.display(), "the tape is whole");
                Some(folder)
            }
            Ok(state) => {
                tracing::error!(tape = %folder.display(), ?state, "the tape has no end");
                None
            }
            Err(error) => {
                tracing::error!(%error, "the tape was not ended");
                None
            }
        }
    }
}

/// What the room runs on, without keys and addresses.
fn header(config: &Config) -> Header {
    let mut header = Header::new(config.cast.iter().map(Member::from).collect());
    header.room.clone_from(&config.room);
    header.seed = config.turn.seed;
    header.reply_tokens = config.turn.reply_tokens;
    let (decide, weights) = (config.turn.decide, config.turn.weights);
    header.answers = decide.asks_the_model().then_some(Answers { decide, weights });
    header.end_of_turn_us = match config.hearing.end_of_turn {
        EndOfTurn::Auto => 0,
        EndOfTurn::Fixed(silence) => micros(silence),
    };
    header.longest_us = micros(config.hearing.longest);
    header.models = Models {
        language: model(&config.models.language),
        recognition: model(&config.models.recognition),
        voice: model(&config.models.voice),
    };
    header
}

fn model(name: &str) -> Model {
    let known = Catalogue::built_in().find(name);
    let sha256 = known.and_then(|model| model.files.first()).map(|file| file.sha256.clone());
    // A path tells more of the machine than of the model.
    let name = Path::new(name).file_name().map_or(name.into(), |name| name.to_string_lossy());
    Model { name: name.into_owned(), sha256 }
}
