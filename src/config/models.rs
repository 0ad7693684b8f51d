//! The models: where they are, and what they may use.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use super::{ConfigError, Env, Language, Models, Options, file, in_range};
use crate::id::PersonaId;
use crate::llm::adapter::Adapter;
use crate::llm::openai::{Key, Server};

/// Relative paths of adapters start at `base`.
pub(super) fn resolve(env: &Env, options: &Options, base: &Path) -> Result<Models, ConfigError> {
    let root = env.models_root.clone().ok_or_else(|| {
        ConfigError("there is no place for models; set TROUPE_MODELS to a folder".to_owned())
    })?;
    let written = &options.models;
    if let Some(threads) = written.threads {
        in_range("models.threads", threads, 1, 256)?;
    }
    let step_ms = in_range("models.step_ms", written.step_ms, 10, 2_000)?;
    let adapters_mib = in_range("models.adapters_mib", written.adapters_mib, 1, 65_536)?;
    let language = language(env, &written.language)?;
    let adapters = adapters(options, base)?;
    let is_here = matches!(language, Language::Here(_));
    if let Some(persona) = adapters.keys().next().filter(|_| !is_here) {
        return Err(ConfigError(format!(
            "persona {:?}: only a model in this process takes adapters; a language server has its \
             own, to be named as models.language.model; remove `adapter`",
            persona.as_str()
        )));
    }
    let projector = written.projector.as_ref().map(|path| base.join(path));
    if let Some(path) = projector.as_ref().filter(|path| !is_here || !path.is_file()) {
        let why =
            if is_here { "there is no such file" } else { "the model is not in this process" };
        return Err(ConfigError(format!(
            "models.projector = {:?}: {why}; write the path of the GGUF file that goes with \
             models.language, or remove it",
            path.display()
        )));
    }
    Ok(Models {
        root,
        language,
        projector,
        recognition: written.recognition.clone(),
        voice: written.voice.clone(),
        context_tokens: in_range("models.context_tokens", written.context_tokens, 512, 131_072)?,
        threads: written.threads,
        step: Duration::from_millis(u64::from(step_ms)),
        adapters,
        adapters_bytes: u64::from(adapters_mib) << 20,
    })
}

fn language(env: &Env, written: &file::Language) -> Result<Language, ConfigError> {
    let (url, model, sees, hears) = match written {
        file::Language::Here(name) => return Ok(Language::Here(name.clone())),
        file::Language::Server(file::Server { kind: file::Kind::Scripted, .. }) => {
            return Ok(Language::Scripted);
        }
        file::Language::Server(file::Server {
            kind: file::Kind::Openai,
            url,
            model,
            sees,
            hears,
        }) => (url, model, *sees, *hears),
    };
    if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(ConfigError(format!(
            "models.language.url = {url:?} is no address; write one like http://127.0.0.1:8000/v1"
        )));
    }
    if model.trim().is_empty() {
        return Err(ConfigError(
            "models.language.model is empty; write the model as the server calls it".to_owned(),
        ));
    }
    let key = env.openai_api_key.clone().map(Key);
    Ok(Language::Server(Server { url: url.clone(), model: model.clone(), key, sees, hears }))
}

fn adapters(options: &Options, base: &Path) -> Result<HashMap<PersonaId, Adapter>, ConfigError> {
    let one = |persona: &file::Persona| {
        let adapter = persona.adapter.as_ref()?;
        let (path, scale) = match adapter {
            file::Adapter::Path(path) => (path, 1.0),
            file::Adapter::Scaled { path, scale } => (path, *scale),
        };
        let path = base.join(path);
        let wrong = |what: String| ConfigError(format!("persona {:?}: {what}", persona.id));
        if !(0.0..=4.0).contains(&scale) {
            return Some(Err(wrong("adapter.scale goes from 0 to 4".to_owned())));
        }
        if !path.is_file() {
            return Some(Err(wrong(format!(
                "there is no adapter {}; check `adapter`",
                path.display()
            ))));
        }
        Some(Ok((PersonaId::new(&persona.id), Adapter { path, scale })))
    };
    options.persona.iter().filter_map(one).collect()
}
