//! Reading a tape, whatever is in the file.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::header::Header;
use super::record::{Entry, Recognised, Record};
use super::write::{frame_path, sound_path};
use super::{EXPECT_FILE, RECORDS_FILE};
use crate::medium::MediumId;
use crate::picture::Picture;
use crate::sound::{Sound, WAV_BYTES_MAX};

/// A day of the liveliest room has some 100 MB; more would only fill the memory.
const BYTES_MAX: u64 = 256 * 1024 * 1024;
/// A line is a record; the longest holds the text of a chat message.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// A picture that was written here has a tenth of it.
const PICTURE_BYTES_MAX: u64 = 1024 * 1024;

/// Why a tape cannot be used: one sentence.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    #[error("the tape {} cannot be read: {cause}; give the folder NAME.tape", path.display())]
    Unreadable { path: PathBuf, cause: std::io::Error },
    #[error("the tape {0}")]
    Header(String),
    #[error("line {line} of the tape is broken: {cause}")]
    Line { line: usize, cause: String },
    #[error("{} cannot be written: {cause}", path.display())]
    Unwritable { path: PathBuf, cause: std::io::Error },
    #[error("the file {} of the tape cannot be used: {cause}", path.display())]
    Medium { path: PathBuf, cause: String },
}

/// A tape in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Tape {
    pub header: Header,
    /// In the order of the file, which is the order in which things were told.
    pub entries: Vec<Entry>,
    /// Those that its records name.
    pub pictures: BTreeMap<MediumId, Picture>,
    /// Those that its records name.
    pub sounds: BTreeMap<MediumId, Sound>,
    /// The last line was not whole, and was left out: the recording was killed.
    pub torn: bool,
}

impl Tape {
    /// Reads the folder of a tape.
    ///
    /// # Errors
    /// When there is none, it is too large, a line that is not the last is broken, or a picture or
    /// a sound is missing or not the one that it is called.
    pub fn read(folder: &Path) -> Result<Self, TapeError> {
        let tape = Self::parse(&read_file(&folder.join(RECORDS_FILE))?)?;
        let (mut pictures, mut sounds) = (BTreeMap::new(), BTreeMap::new());
        let mut bytes = 0;
        for entry in &tape.entries {
            bytes += match &entry.record {
                Record::Picture { picture: Some(id), .. } if !pictures.contains_key(id) => {
                    let picture = read_picture(folder, id)?;
                    let bytes = picture.jpeg().len();
                    pictures.insert(id.clone(), picture);
                    bytes
                }
                Record::Recognised(Recognised { sound: Some(id), .. })
                    if !sounds.contains_key(id) =>
                {
                    let sound = read_sound(folder, id)?;
                    let bytes = sound.wav().len();
                    sounds.insert(id.clone(), sound);
                    bytes
                }
                _ => 0,
            } as u64;
            if bytes > BYTES_MAX {
                let cause = format!("its pictures and sounds have more than {BYTES_MAX} bytes");
                return Err(TapeError::Header(cause));
            }
        }
        Ok(Self { pictures, sounds, ..tape })
    }

    /// What a record of a picture says that the model was shown.
    pub fn picture(&self, id: Option<&MediumId>) -> Option<Picture> {
        self.pictures.get(id?).cloned()
    }

    /// Reads the lines of a tape, without its pictures and sounds. A last line that is not whole is
    /// left out.
    ///
    /// # Errors
    /// When the header or any other line is broken.
    pub fn parse(bytes: &[u8]) -> Result<Self, TapeError> {
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate();
        let first = lines.next().map_or(&[][..], |(_, line)| line);
        let first = text(first).map_err(|cause| TapeError::Line { line: 1, cause })?;
        let header = Header::parse(first).map_err(TapeError::Header)?;
        let (pictures, sounds) = (BTreeMap::new(), BTreeMap::new());
        let mut tape = Self { header, entries: Vec::new(), pictures, sounds, torn: false };
        for (index, line) in lines {
            match text(line).and_then(Entry::parse) {
                Ok(entry) => tape.entries.push(entry),
                // Only the last line has no end.
                Err(_) if !line.ends_with(b"\n") => tape.torn = true,
                Err(cause) => return Err(TapeError::Line { line: index + 1, cause }),
            }
        }
        Ok(tape)
    }

    /// The effects of the run that was recorded, as far as a replay gives them.
    pub fn effects(&self) -> impl Iterator<Item = &Entry> {
        let told = self.entries.iter().skip(self.replayed_from());
        told.filter(|entry| entry.record.is_effect())
    }

    /// The entry with which a replay begins: the first, or where the room came to rest after a
    /// recording had begun in the middle.
    pub fn replayed_from(&self) -> usize {
        if !self.header.under_way {
            return 0;
        }
        let scene = |entry: &Entry| matches!(entry.record, Record::Scene { .. });
        self.entries.iter().position(scene).unwrap_or(self.entries.len())
    }

    /// When the recording ended in order; none for one that was killed.
    pub fn end_us(&self) -> Option<u64> {
        let end = self.entries.iter().rev().find(|entry| entry.record == Record::End);
        end.map(|entry| entry.at_us)
    }

    /// The tape's last time.
    pub fn last_us(&self) -> u64 {
        self.entries.iter().map(|entry| entry.at_us).max().unwrap_or(0)
    }
}

/// The effects that a replay must give; none when nobody wrote them down.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn expectation(folder: &Path) -> Result<Option<Vec<u8>>, TapeError> {
    let path = folder.join(EXPECT_FILE);
    if !path.exists() {
        return Ok(None);
    }
    read_file(&path).map(Some)
}

fn read_picture(folder: &Path, id: &MediumId) -> Result<Picture, TapeError> {
    let path = frame_path(folder, id);
    read_medium(&path, PICTURE_BYTES_MAX, |file| {
        let picture = Picture::of_jpeg(file).map_err(|error| error.to_string())?;
        Ok((picture.id() == id).then_some(picture))
    })
}

fn read_sound(folder: &Path, id: &MediumId) -> Result<Sound, TapeError> {
    let path = sound_path(folder, id);
    read_medium(&path, WAV_BYTES_MAX as u64, |file| {
        let sound = Sound::of_wav(file).map_err(|error| error.to_string())?;
        Ok((sound.id() == id).then_some(sound))
    })
}

/// What `take` makes of a file; none where that is not the one that it is called.
fn read_medium<T>(
    path: &Path,
    bytes_max: u64,
    take: impl FnOnce(Vec<u8>) -> Result<Option<T>, String>,
) -> Result<T, TapeError> {
    let broken = |cause: String| TapeError::Medium { path: path.to_owned(), cause };
    let mut file = Vec::new();
    let opened = fs::File::open(path).map_err(|error| broken(error.to_string()))?;
    let whole = opened.take(bytes_max + 1).read_to_end(&mut file);
    whole.map_err(|error| broken(error.to_string()))?;
    if file.len() as u64 > bytes_max {
        return Err(broken(format!("it has more than {bytes_max} bytes")));
    }
    let taken = take(file).map_err(broken)?;
    taken.ok_or_else(|| broken("it was changed since it was recorded".to_owned()))
}

fn read_file(path: &Path) -> Result<Vec<u8>, TapeError> {
    let unreadable = |cause| TapeError::Unreadable { path: path.to_owned(), cause };
    let bytes = fs::metadata(path).map_err(unreadable)?.len();
    if bytes > BYTES_MAX {
        let cause = format!("it has {bytes} bytes, and {BYTES_MAX} are read at most");
        return Err(unreadable(std::io::Error::other(cause)));
    }
    fs::read(path).map_err(unreadable)
}

fn text(line: &[u8]) -> Result<&str, String> {
    if line.len() > LINE_BYTES_MAX {
        return Err(format!("it has {} bytes, {LINE_BYTES_MAX} at most are read", line.len()));
    }
    std::str::from_utf8(line).map_err(|error| error.to_string())
}
