//! A projector's trial in a process of its own. llama.cpp checks what a projector's file says, and
//! not whether its tensors go with each other: where they do not, it ends the process it is in.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{LoadError, Options, model};
use crate::llm::projector::ProjectorError;

/// The arguments, before the paths of a model and of a projector, by which a program is asked to
/// [`run`].
pub const COMMAND: &str = "try-projector";

/// Nothing is asked of the model, and every model has as many.
const CONTEXT_TOKENS: u32 = 512;

/// Loads a model and its projector, and encodes the least of what it takes. Takes seconds.
///
/// # Errors
/// Why it cannot be loaded, when the process is still there to tell.
pub fn run(model: PathBuf, projector: PathBuf) -> Result<(), LoadError> {
    let options = Options { context_tokens: CONTEXT_TOKENS, ..Options::new(model, 1) };
    model::load(&options)?.open(&projector, &options)?.encode_nothing();
    Ok(())
}

/// Has `program` run the trial. What it can refuse with a sentence passes: whoever loads it next
/// has the same sentence.
pub(super) fn pass(program: &Path, model: &Path, path: &Path) -> Result<(), ProjectorError> {
    let failed = |why: String| ProjectorError::Unfit { path: path.to_owned(), why };
    let tried = Command::new(program)
        .arg(COMMAND)
        .args([model, path])
        // ggml would start a debugger to show where it ended.
        .env("GGML_NO_BACKTRACE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(|error| failed(format!("{} did not start ({error})", program.display())))?;
    match tried.code() {
        Some(0 | 1) => Ok(()),
        _ => Err(failed(format!(
            "llama.cpp broke off with it ({tried}), its log above says where; its tensors do not \
             go with each other, take the one that came with the model"
        ))),
    }
}
