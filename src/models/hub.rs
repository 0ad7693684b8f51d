//! Files from a model hub.

use std::path::Path;

use super::catalogue::HubFile;
use super::http::Site;
use super::progress::Meter;
use super::source::Failure;

/// A hub that is asked for files.
pub(crate) struct Hub(Site);

impl Hub {
    /// A hub at `endpoint` (`https://…`), with an access token for it, if there is one.
    pub(crate) fn new(endpoint: &str, token: Option<String>) -> Self {
        Self(Site::new("the hub", endpoint, token))
    }

    /// Completes `part` to the `total_bytes` of `file`.
    pub(crate) fn fetch(
        &self,
        file: &HubFile,
        part: &Path,
        total_bytes: u64,
        meter: &mut Meter,
    ) -> Result<(), Failure> {
        let HubFile { repo, revision, path } = file;
        self.0.fetch(&format!("{repo}/resolve/{revision}/{path}"), part, total_bytes, meter)
    }
}
