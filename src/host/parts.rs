//! The engines of one host: ears, mind and voice, as configured.

#[cfg(feature = "llama")]
use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::console::Engines;
use super::{HostError, predictor};
use crate::config::{Config, Language};
#[cfg(feature = "llama")]
use crate::llm::llama::{self, LlamaEngine};
use crate::llm::scripted::ScriptedEngine;
use crate::llm::{Engine, openai};
use crate::models::{self, Kind, ModelFiles};
use crate::stt::ears::{self, Ears, EarsState};
use crate::time::Clock;
use crate::tts::Synthesiser;
use crate::tts::piper::{self, PiperVoice};

/// The model files, found and checked: nothing is fetched from here on.
pub(super) struct Files {
    /// None: the language model is elsewhere.
    pub(super) language: Option<ModelFiles>,
    pub(super) recognition: ModelFiles,
    pub(super) voice: ModelFiles,
}

impl Files {
    pub(super) fn find(config: &Config) -> Result<Self, HostError> {
        let find = |name: &str, kind| {
            models::resolve(&config.models.root, name).and_then(|files| files.of_kind(kind))
        };
        let language = match &config.models.language {
            Language::Here(name) => Some(find(name, Kind::Language)?),
            Language::Server(_) | Language::Scripted => None,
        };
        Ok(Self {
            language,
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
    let (ears, engine, voice, (predictor, reader)) = tokio::try_join!(
        ears(&files, config, tasks, cancel),
        engine(&files, config, clock),
        voice(&files),
        async { Ok::<_, HostError>(predictor::load(config).await) },
    )?;
    let (ears, recogniser) = (ears.status(), Arc::new(ears));
    Ok(Engines { recogniser, ears, engine, voice, predictor, reader })
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

/// Has the language model ready: a seat for each persona here, or a server.
pub(super) async fn engine(
    files: &Files,
    config: &Config,
    clock: Clock,
) -> Result<Arc<dyn Engine>, HostError> {
    match (&config.models.language, &files.language) {
        (Language::Server(server), _) => served(server, config, clock),
        (Language::Here(_), Some(model)) => loaded(model, config, clock).await,
        (Language::Scripted, _) => Ok(Arc::new(ScriptedEngine::describing(clock))),
        (Language::Here(name), None) => Err(HostError::Part(format!("{name} was not looked for"))),
    }
}

#[cfg(feature = "llama")]
async fn loaded(
    model: &ModelFiles,
    config: &Config,
    clock: Clock,
) -> Result<Arc<dyn Engine>, HostError> {
    let settings = &config.models;
    let mut options = llama::Options::new(model.main().to_owned(), config.cast.len());
    options.context_tokens = settings.context_tokens;
    options.threads = settings.threads.unwrap_or(options.threads);
    options.step = settings.step;
    let beside = || model.companion(models::PROJECTOR).map(Path::to_owned);
    options.projector = settings.projector.clone().or_else(beside);
    // One from the catalogue is known by its digest.
    options.trial = settings.projector.as_ref().and_then(|_| std::env::current_exe().ok());
    options.adapters = settings.adapters.clone();
    options.adapters_bytes = settings.adapters_bytes;
    let load = tokio::task::spawn_blocking(move || LlamaEngine::load(options, clock));
    let engine = load.await.map_err(|error| HostError::Part(error.to_string()))?;
    Ok(Arc::new(engine.map_err(|error| HostError::Part(error.to_string()))?))
}

/// Refuses: this build has no engine.
#[cfg(not(feature = "llama"))]
async fn loaded(_: &ModelFiles, _: &Config, _: Clock) -> Result<Arc<dyn Engine>, HostError> {
    Err(HostError::NotBuilt("llama"))
}

/// Requests to a server that may be open for one persona: it speaks one reply at a time, and takes
/// in what was said.
#[cfg(feature = "openai")]
const OPEN_PER_PERSONA: usize = 4;

#[cfg(feature = "openai")]
fn served(
    server: &openai::Server,
    config: &Config,
    clock: Clock,
) -> Result<Arc<dyn Engine>, HostError> {
    let options = openai::Options {
        server: server.clone(),
        open_max: config.cast.len() * OPEN_PER_PERSONA,
        policy: openai::Policy::default(),
    };
    let engine = openai::OpenAiEngine::new(options, clock);
    Ok(Arc::new(engine.map_err(|error| HostError::Part(error.to_string()))?))
}

/// Refuses: this build has no engine.
#[cfg(not(feature = "openai"))]
fn served(_: &openai::Server, _: &Config, _: Clock) -> Result<Arc<dyn Engine>, HostError> {
    Err(HostError::NotBuilt("openai"))
}

/// Loads the voice and starts its phonemiser.
pub(super) async fn voice(files: &Files) -> Result<Arc<dyn Synthesiser>, HostError> {
    let voice = PiperVoice::start(piper::Options::new(files.voice.main())).await;
    Ok(Arc::new(voice.map_err(|error| HostError::Part(error.to_string()))?))
}
