//! What sources have in common.

use super::error::ModelError;

/// Why a source did not give a file.
#[derive(Debug)]
pub(crate) enum Failure {
    /// This source cannot give this file; the next one may.
    Source(String),
    /// This source cannot be reached at all; it need not be asked again in this run.
    Unreachable(String),
    /// No source will do better.
    Fatal(ModelError),
}
