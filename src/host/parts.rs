//! The engines of one host: ears, mind and voice, as configured.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::console::Engines;
use super::{HostError, predictor};
use crate::config::Config;
use crate::llm::Engine;
#[cfg(feature = "llama")]
use crate::llm::llama::{self, LlamaEngine};
use crate::models::{self, Kind, ModelFiles};
use crate::stt::ears::{self, Ears, EarsState};
use crate::time::Clock;
use crate::tts::Synthesiser;
use crate::tts::piper::{self, PiperVoice};

/// The model files, found and checked: nothing is fetched from here on.
pub(super) struct Files {
    pub(super) language: ModelFiles,
    pub(super) recognition: ModelFiles,
    pub(super) voice: ModelFiles,
}

impl Files {
    pub(super) fn find(config: &Config) -> Result<Self, HostError> {
        let find = |name: &str, kind| {
            models::resolve(&config.models.root, name).and_then(|files| files.of_kind(kind))
        };
        Ok(Self {
            language: find(&config.models.language, Kind::Language)?,
            recognition: find(&config.models.recognition, Kind::Recognition)?,
            voice: find(&config.models.voice, Kind::Voice)?,
        })
    }
}

/// Starts every engine of a room, as configured, side by side.
///
/// # Errors
/// When this build lacks an engine, or a model or a program is missing or broken.
pub async fn engines(
    config: &Config,
    clock: Clock,
    tasks: &TaskTracker,
    cancel: &CancellationToken,
) -> Result<Engines, HostError> {
    if !cfg!(feature = "llama") {
        return Err(HostError::NotBuilt("llama"));
    }
    let files = Files::find(config)?;
    let (ears, engine, voice, predictor) = tokio::try_join!(
        ears(&files, config, tasks, cancel),
        engine(&files, config, clock),
        voice(&files),
        async { Ok::<_, HostError>(predictor::load(config).await) },
    )?;
    let (ears, recogniser) = (ears.status(), Arc::new(ears));
    Ok(Engines { recogniser, ears, engine, voice, predictor })
}

/// Starts `troupe-ears` and waits until it can hear.
pub(super) async fn ears(
    files: &Files,
    config: &Config,
    tasks: &TaskTracker,
    cancel: &CancellationToken,
) -> Result<Ears, HostError> {
    let mut options = ears::Options::new(files.recognition.main().to_owned());
    options.threads = config.models.threads.map_or(options.threads, |threads| threads as usize);
    let (ears, keeper) = Ears::new(options);
    let mut status = ears.status();
    tasks.spawn(keeper.run(cancel.clone()));
    let settled = status.wait_for(|status| status.state != EarsState::Starting).await;
    match settled.map(|status| status.state.clone()) {
        Ok(EarsState::Down { cause, .. }) => {
            Err(HostError::Part(format!("the ears did not start: {cause}")))
        }
        _ => Ok(ears),
    }
}

/// Loads the language model with a seat for each persona.
#[cfg(feature = "llama")]
pub(super) async fn engine(
    files: &Files,
    config: &Config,
    clock: Clock,
) -> Result<Arc<dyn Engine>, HostError> {
    let mut options = llama::Options::new(files.language.main().to_owned(), config.cast.len());
    options.context_tokens = config.models.context_tokens;
    options.threads = config.models.threads.unwrap_or(options.threads);
    let load = tokio::task::spawn_blocking(move || LlamaEngine::load(options, clock));
    let engine = load.await.map_err(|error| HostError::Part(error.to_string()))?;
    Ok(Arc::new(engine.map_err(|error| HostError::Part(error.to_string()))?))
}

/// Refuses: this build has no engine.
#[cfg(not(feature = "llama"))]
pub(super) async fn engine(_: &Files, _: &Config, _: Clock) -> Result<Arc<dyn Engine>, HostError> {
    Err(HostError::NotBuilt("llama"))
}

/// Loads the voice and starts its phonemiser.
pub(super) async fn voice(files: &Files) -> Result<Arc<dyn Synthesiser>, HostError> {
    let voice = PiperVoice::start(piper::Options::new(files.voice.main())).await;
    Ok(Arc::new(voice.map_err(|error| HostError::Part(error.to_string()))?))
}
