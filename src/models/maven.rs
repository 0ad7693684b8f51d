//! Jars of a Maven repository, which are zip archives like wheels.

use std::path::Path;

use serde::Deserialize;

use super::catalogue::Archive;
use super::http::Site;
use super::progress::Meter;
use super::source::Failure;

/// The repository that is asked where nothing else is set.
pub(crate) const CENTRAL: &str = "https://repo1.maven.org/maven2";

/// Names a jar: `group:artifact:version`, each of letters, digits, `.`, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Coordinates {
    pub group: String,
    pub artifact: String,
    pub version: String,
}

impl TryFrom<String> for Coordinates {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        // No dots alone: these would be other folders in an address.
        let is_name = |part: &str| part.chars().all(allowed) && !part.trim_matches('.').is_empty();
        let parts: Vec<&str> = text.split(':').collect();
        match parts[..] {
            [group, artifact, version] if parts.iter().copied().all(is_name) => Ok(Self {
                group: group.to_owned(),
                artifact: artifact.to_owned(),
                version: version.to_owned(),
            }),
            _ => Err(format!("`{text}` is not group:artifact:version of a Maven repository")),
        }
    }
}

impl Coordinates {
    /// Name of the jar's file.
    pub(crate) fn file_name(&self) -> String {
        format!("{}-{}.jar", self.artifact, self.version)
    }

    /// Where the jar lies in a repository.
    fn path(&self) -> String {
        let Self { group, artifact, version } = self;
        format!("{}/{artifact}/{version}/{}", group.replace('.', "/"), self.file_name())
    }
}

/// What the repository at `endpoint` is called in sentences.
pub(crate) fn called(endpoint: &str) -> &'static str {
    match endpoint.trim_end_matches('/') {
        CENTRAL => "Maven Central",
        _ => "the Maven repository",
    }
}

/// A repository that is asked for jars.
pub(crate) struct Maven(Site);

impl Maven {
    /// A repository at `endpoint` (`https://…`).
    pub(crate) fn new(endpoint: &str) -> Self {
        Self(Site::new(called(endpoint), endpoint, None))
    }

    pub(crate) fn called(&self) -> &'static str {
        self.0.called()
    }

    /// Completes `jar` to the bytes of `archive`.
    pub(crate) fn fetch(
        &self,
        archive: &Archive,
        jar: &Path,
        meter: &mut Meter,
    ) -> Result<(), Failure> {
        self.0.fetch(&archive.maven.path(), jar, archive.bytes, meter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Coordinates, String> {
        Coordinates::try_from(text.to_owned())
    }

    #[test]
    fn a_jar_lies_under_its_group_artifact_and_version() {
        let jar = read("dev.some_one:tiny-model:1.0-beta2").expect("coordinates");
        assert_eq!(jar.path(), "dev/some_one/tiny-model/1.0-beta2/tiny-model-1.0-beta2.jar");
    }

    #[test]
    fn what_names_no_jar_is_refused() {
        for text in ["", "a:b", "a:b:1:c", "a::1", "a:..:1", "a:b/c:1", "a:b:1?x", "a:b: 1"] {
            let error = read(text).expect_err(text);
            assert!(error.contains("is not group:artifact:version"), "{error}");
        }
    }

    #[test]
    fn only_maven_central_is_called_so() {
        assert_eq!(called(CENTRAL), "Maven Central");
        assert_eq!(called("https://repo1.maven.org/maven2/"), "Maven Central");
        assert_eq!(called("https://mirror.example/maven2"), "the Maven repository");
    }
}
