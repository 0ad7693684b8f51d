//! Where models live on disk, and whether what lies there is what the catalogue promises.
//!
//! `ROOT/NAME/FILE`. A digest takes a good part of a second for every hundred megabytes, so what
//! was hashed once is noted in `ROOT/NAME/.verified.json`, with size and time of change; as long as
//! these stay, a start does not hash again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::catalogue::{Catalogue, File, Kind, Model};
use super::digest;
use super::error::ModelError;
use super::progress::Progress;

const STAMPS: &str = ".verified.json";
/// Endings of model files: a word that ends so is meant as a path.
const MODEL_ENDINGS: [&str; 3] = ["gguf", "bin", "onnx"];

/// A folder of models and the catalogue that describes them.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    catalogue: Cow<'static, Catalogue>,
}

/// The files of a model that can be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFiles {
    /// Catalogue name, or the file's name where a path was given.
    pub name: String,
    /// `None` where a path was given: the catalogue does not know it.
    pub kind: Option<Kind>,
    /// At least one; the first is the model itself.
    paths: Vec<PathBuf>,
}

impl ModelFiles {
    /// The model itself.
    pub fn main(&self) -> &Path {
        &self.paths[0]
    }

    /// The file beside it whose name ends with `ending`, such as a voice's `.json`.
    pub fn companion(&self, ending: &str) -> Option<&Path> {
        let ends = |path: &&PathBuf| path.to_string_lossy().ends_with(ending);
        self.paths[1..].iter().find(ends).map(PathBuf::as_path)
    }

    /// Itself, unless the catalogue knows that it is something else than `wanted`.
    pub fn of_kind(self, wanted: Kind) -> Result<Self, ModelError> {
        match self.kind {
            Some(is) if is != wanted => Err(ModelError::WrongKind { name: self.name, is, wanted }),
            _ => Ok(self),
        }
    }
}

/// What is known about an installed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Its digest is right.
    Ready,
    /// It has the right size, but was not hashed since it last changed.
    Unchecked,
    Missing,
    /// It is not the promised file, for this reason.
    Damaged(String),
}

/// What was seen when a file was last found right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    sha256: String,
    bytes: u64,
    modified_ns: u64,
}

type Stamps = BTreeMap<String, Stamp>;

impl Store {
    /// The models under `root`, by the catalogue of this version.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), catalogue: Cow::Borrowed(Catalogue::built_in()) }
    }

    /// The models under `root`, by another catalogue.
    pub fn with_catalogue(root: impl Into<PathBuf>, catalogue: Catalogue) -> Self {
        Self { root: root.into(), catalogue: Cow::Owned(catalogue) }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The catalogue's model of that name, or an error that suggests one.
    pub fn model(&self, name: &str) -> Result<&Model, ModelError> {
        self.catalogue.find(name).ok_or_else(|| ModelError::Unknown {
            name: name.to_owned(),
            nearest: self.catalogue.nearest(name).map(str::to_owned),
        })
    }

    /// Folder of a model's files.
    pub fn folder(&self, model: &Model) -> PathBuf {
        self.root.join(&model.name)
    }

    pub(crate) fn path(&self, model: &Model, file: &File) -> PathBuf {
        self.folder(model).join(&file.path)
    }

    /// The files of a catalogue name, checked, or of a path, taken as it is.
    ///
    /// Hashes only files that changed since they were last found right. Errors name the mending
    /// command.
    pub fn resolve(&self, name_or_path: &str) -> Result<ModelFiles, ModelError> {
        match self.model(name_or_path) {
            Ok(model) => self.resolve_model(model),
            Err(unknown) => match as_path(name_or_path) {
                Some(path) => resolve_path(path),
                None => Err(unknown),
            },
        }
    }

    fn resolve_model(&self, model: &Model) -> Result<ModelFiles, ModelError> {
        for (file, state) in self.settle(model, Progress::Silent)? {
            let (name, path) = (model.name.clone(), self.path(model, file));
            match state {
                State::Ready | State::Unchecked => {}
                State::Missing => return Err(ModelError::Missing { name, path }),
                State::Damaged(problem) => {
                    return Err(ModelError::Damaged { name, path, problem });
                }
            }
        }
        let paths = model.files.iter().map(|file| self.path(model, file)).collect();
        Ok(ModelFiles { name: model.name.clone(), kind: Some(model.kind), paths })
    }

    /// The state of every file, by size and stamp only.
    pub fn glance<'m>(&self, model: &'m Model) -> Vec<(&'m File, State)> {
        let stamps = self.stamps(model);
        let state = |file| (file, glance_at(&self.path(model, file), file, &stamps));
        model.files.iter().map(state).collect()
    }

    /// Like [`Self::glance`], but hashes what was not hashed since it changed.
    pub fn settle<'m>(
        &self,
        model: &'m Model,
        progress: Progress,
    ) -> Result<Vec<(&'m File, State)>, ModelError> {
        let mut states = self.glance(model);
        if states.iter().any(|(_, state)| *state == State::Unchecked) {
            self.hash_unchecked(model, &mut states, progress)?;
        }
        Ok(states)
    }

    /// Hashes every file that is there, whatever was noted before.
    pub fn verify<'m>(
        &self,
        model: &'m Model,
        progress: Progress,
    ) -> Result<Vec<(&'m File, State)>, ModelError> {
        let state = |file| (file, glance_at(&self.path(model, file), file, &Stamps::new()));
        let mut states: Vec<_> = model.files.iter().map(state).collect();
        self.hash_unchecked(model, &mut states, progress)?;
        Ok(states)
    }

    fn hash_unchecked(
        &self,
        model: &Model,
        states: &mut [(&File, State)],
        progress: Progress,
    ) -> Result<(), ModelError> {
        let mut stamps = self.stamps(model);
        for (file, state) in states.iter_mut() {
            if *state == State::Unchecked {
                let path = self.path(model, file);
                let mut meter = progress.meter(&format!("checking {}", file.path), file.bytes);
                let sha256 = digest::of_file(&path, &mut meter)
                    .map_err(|error| ModelError::io("reading", &path, error))?;
                *state = judge(file, &sha256);
            }
            match (&*state, stamp_of(&self.path(model, file), &file.sha256)) {
                (State::Ready, Some(stamp)) => stamps.insert(file.path.clone(), stamp),
                _ => stamps.remove(&file.path),
            };
        }
        self.keep_stamps(model, &stamps);
        Ok(())
    }

    /// Notes that `file` was just found right.
    pub(crate) fn stamp(&self, model: &Model, file: &File) {
        let mut stamps = self.stamps(model);
        if let Some(stamp) = stamp_of(&self.path(model, file), &file.sha256) {
            stamps.insert(file.path.clone(), stamp);
            self.keep_stamps(model, &stamps);
        }
    }

    fn stamps(&self, model: &Model) -> Stamps {
        let text = std::fs::read_to_string(self.folder(model).join(STAMPS)).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Stamps only save work: where the folder may not be written, every start hashes.
    fn keep_stamps(&self, model: &Model, stamps: &Stamps) {
        if *stamps == self.stamps(model) {
            return;
        }
        let path = self.folder(model).join(STAMPS);
        let fresh = self.folder(model).join(format!("{STAMPS}.{}", std::process::id()));
        let written = serde_json::to_vec_pretty(stamps)
            .map_err(std::io::Error::from)
            .and_then(|text| std::fs::write(&fresh, text))
            .and_then(|()| std::fs::rename(&fresh, &path));
        if let Err(error) = written {
            tracing::debug!(path = %path.display(), %error, "model stamps not kept");
        }
    }
}

fn glance_at(path: &Path, file: &File, stamps: &Stamps) -> State {
    let Ok(found) = std::fs::metadata(path) else {
        return State::Missing;
    };
    if !found.is_file() {
        State::Damaged("is not a file".to_owned())
    } else if found.len() != file.bytes {
        State::Damaged(format!("has {} bytes, not {}", found.len(), file.bytes))
    } else if stamps
        .get(&file.path)
        .is_some_and(|s| Some(s) == stamp_of(path, &file.sha256).as_ref())
    {
        State::Ready
    } else {
        State::Unchecked
    }
}

fn judge(file: &File, sha256: &str) -> State {
    if sha256 == file.sha256 {
        State::Ready
    } else {
        State::Damaged("has another SHA-256 than the catalogue".to_owned())
    }
}

fn stamp_of(path: &Path, sha256: &str) -> Option<Stamp> {
    let found = std::fs::metadata(path).ok()?;
    let since = found.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let modified_ns = u64::try_from(since.as_nanos()).ok()?;
    Some(Stamp { sha256: sha256.to_owned(), bytes: found.len(), modified_ns })
}

/// The path that is meant, unless it is a bare word that no file has as its name.
fn as_path(word: &str) -> Option<&Path> {
    let path = Path::new(word);
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    let looks = path.components().count() > 1 || MODEL_ENDINGS.contains(&ending);
    (!word.is_empty() && (looks || path.is_file())).then_some(path)
}

fn resolve_path(path: &Path) -> Result<ModelFiles, ModelError> {
    if !path.is_file() {
        return Err(ModelError::NoFile { path: path.to_owned() });
    }
    let beside = PathBuf::from(format!("{}.json", path.display()));
    let mut paths = vec![path.to_owned()];
    paths.extend(Some(beside).filter(|beside| beside.is_file()));
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(ModelFiles { name, kind: None, paths })
}
