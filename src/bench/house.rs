//! The settings of a room that only a bench opens.

use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "llama")]
use super::BenchError;
use crate::admin::state::Passes;
use crate::config::{Config, ConfigError, Env, Flags, Options};
use crate::id::PersonaId;
#[cfg(feature = "llama")]
use crate::llm::llama::{self, LlamaEngine};
use crate::persona::{Hears, Mode, Persona, VoiceStyle};
#[cfg(feature = "llama")]
use crate::time::Clock;

/// The defaults, with a cast of these names. The personas' ids are `p0`, `p1` and so on.
pub(super) fn config<S: Into<String>>(
    names: impl IntoIterator<Item = S>,
) -> Result<Config, ConfigError> {
    let env = Env { models_root: Some(PathBuf::from("unused")), ..Env::default() };
    let config = Config::resolve(&Flags::default(), &env, &Options::default(), Path::new("."))?;
    Ok(Config { cast: cast(names), ..config })
}

/// Open personas of these names.
pub(super) fn cast<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Vec<Persona> {
    let persona = |(index, name): (usize, S)| Persona {
        id: PersonaId::new(format!("p{index}")),
        name: name.into(),
        card: "A friend who is glad to be here.".to_owned(),
        voice: VoiceStyle::default(),
        mode: Mode::Open,
        sees: None,
        hears: Hears::default(),
    };
    names.into_iter().enumerate().map(persona).collect()
}

/// Loads a language model, where blocking is allowed.
#[cfg(feature = "llama")]
pub(super) async fn engine(
    options: llama::Options,
    clock: Clock,
) -> Result<LlamaEngine, BenchError> {
    let wrong = |error: &dyn std::fmt::Display| BenchError::Wrong(error.to_string());
    let load = tokio::task::spawn_blocking(move || LlamaEngine::load(options, clock));
    load.await.map_err(|error| wrong(&error))?.map_err(|error| wrong(&error))
}

/// No page is open, so nobody asks.
pub(super) fn no_passes() -> Passes {
    Arc::new(|_| Err("nobody joins a bench".to_owned()))
}
