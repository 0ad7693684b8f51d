//! What can be wrong with models, each with the command that mends it.

use std::io;
use std::path::{Path, PathBuf};

use super::catalogue::Kind;
use super::progress::human_bytes;

/// Every message is one sentence with the cause and the mend.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error(
        "no model is named `{name}`{}; `troupe models list` shows all names, and a path to a file \
         is taken too",
        meant(.nearest)
    )]
    Unknown { name: String, nearest: Option<String> },

    #[error(
        "`{name}` is a {is} model, but a {wanted} model is asked for; `troupe models list` shows \
         the kinds"
    )]
    WrongKind { name: String, is: Kind, wanted: Kind },

    #[error(
        "there is no model file at {}; give the path of an existing file, or a name from \
         `troupe models list`",
        .path.display()
    )]
    NoFile { path: PathBuf },

    #[error(
        "the model `{name}` is not installed ({} is missing); fetch it with \
         `troupe models pull {name}`",
        .path.display()
    )]
    Missing { name: String, path: PathBuf },

    #[error(
        "{} of the model `{name}` {problem}; replace it with `troupe models pull {name}`",
        .path.display()
    )]
    Damaged { name: String, path: PathBuf, problem: String },

    #[error(
        "no space in {}: need {}, free {}; free some or set TROUPE_MODELS to a folder on another \
         disk",
        .dir.display(), human_bytes(*.need_bytes), human_bytes(*.free_bytes)
    )]
    NoSpace { dir: PathBuf, need_bytes: u64, free_bytes: u64 },

    #[error(
        "the disk is full: {} could not be written; free some space or set TROUPE_MODELS to a \
         folder on another disk",
        .path.display()
    )]
    DiskFull { path: PathBuf },

    #[error("there is no folder for models: set TROUPE_MODELS, XDG_DATA_HOME or HOME")]
    NoRoot,

    #[error(
        "the model `{name}` could not be fetched: {causes}; when that is mended, run \
         `troupe models pull {name}` again"
    )]
    Fetch { name: String, causes: String },

    #[error(
        "{action} {} failed ({source}); check that the folder exists and may be used, or set \
         TROUPE_MODELS to another",
        .path.display()
    )]
    Io { action: &'static str, path: PathBuf, source: io::Error },

    #[error("writing the answer failed ({0}); check where the output goes")]
    Output(#[from] io::Error),
}

impl ModelError {
    /// The exit code of `troupe` for this error: 2 where the user's settings or installation
    /// must change first, 1 where the same command may succeed later.
    pub fn exit_code(&self) -> u8 {
        match self {
            ModelError::Fetch { .. } | ModelError::Io { .. } | ModelError::Output(_) => 1,
            _ => 2,
        }
    }

    /// Wraps an I/O error; a full disk gets a message of its own.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                ModelError::DiskFull { path }
            }
            _ => ModelError::Io { action, path, source },
        }
    }
}

fn meant(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}
