//! Writing a tape's folder.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::RECORDS_FILE;
use super::header::Header;
use super::record::Entry;
#[cfg(feature = "sound-files")]
use super::sound::Tracks;
use crate::llm::Medium;
use crate::medium::MediumId;

/// The folder of the participants' sound.
pub const SOUND_FOLDER: &str = "audio";
/// The folder of the pictures that the model was shown.
pub const FRAMES_FOLDER: &str = "frames";
/// The folder of the sounds that the model was given.
pub const HEARD_FOLDER: &str = "sounds";
/// Longer identities are cut in file names, which may have 255 bytes.
const NAME_CHARS_MAX: usize = 60;

/// Writes a tape, line by line.
pub struct Writer {
    lines: BufWriter<Box<dyn Write + Send>>,
    folder: PathBuf,
    #[cfg(feature = "sound-files")]
    tracks: Tracks,
}

impl Writer {
    /// Makes the folder and writes the header.
    ///
    /// # Errors
    /// When the folder is there already, or cannot be written.
    pub fn create(folder: &Path, header: &Header) -> io::Result<Self> {
        if let Some(parent) = folder.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::create_dir(folder)?;
        let lines = File::create_new(folder.join(RECORDS_FILE))?;
        Self::onto(folder, Box::new(lines), header)
    }

    /// `folder` is for tracks, pictures and sounds; a build without the codec keeps no sound.
    pub(super) fn onto(
        folder: &Path,
        lines: Box<dyn Write + Send>,
        header: &Header,
    ) -> io::Result<Self> {
        let mut writer = Self {
            lines: BufWriter::new(lines),
            folder: folder.to_owned(),
            #[cfg(feature = "sound-files")]
            tracks: Tracks::new(&folder.join(SOUND_FOLDER)),
        };
        writer.line(header)?;
        writer.flush()?;
        Ok(writer)
    }

    /// # Errors
    /// When it cannot be written; the tape is good up to the entries before.
    pub fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        self.line(entry)
    }

    fn line(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.lines, value)?;
        self.lines.write_all(b"\n")
    }

    /// Writes a picture or a sound that the model was given, once.
    ///
    /// # Errors
    /// As [`Self::entry`].
    pub fn medium(&mut self, medium: &Medium) -> io::Result<()> {
        let (path, bytes) = match medium {
            Medium::Picture(picture) => (frame_path(&self.folder, picture.id()), picture.jpeg()),
            Medium::Sound(sound) => (sound_path(&self.folder, sound.id()), sound.wav()),
        };
        if path.exists() {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, bytes)
    }

    /// Adds to a participant's track.
    #[cfg(feature = "sound-files")]
    pub(super) fn sound(&mut self, sound: &super::tap::Sound) -> io::Result<()> {
        self.tracks.push(sound)
    }

    /// Hands everything to the system: from here on it survives the end of this process.
    ///
    /// # Errors
    /// When the disk is full or gone.
    pub fn flush(&mut self) -> io::Result<()> {
        #[cfg(feature = "sound-files")]
        self.tracks.flush()?;
        self.lines.flush()
    }

    /// Ends the tracks, and the tape.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        #[cfg(feature = "sound-files")]
        self.tracks.finish()?;
        Ok(())
    }
}

/// A picture's file in the folder of a tape.
pub(super) fn frame_path(tape: &Path, picture: &MediumId) -> PathBuf {
    tape.join(FRAMES_FOLDER).join(format!("{picture}.jpg"))
}

/// A sound's file in the folder of a tape.
pub(super) fn sound_path(tape: &Path, sound: &MediumId) -> PathBuf {
    tape.join(HEARD_FOLDER).join(format!("{sound}.wav"))
}

/// The name of a participant's file: what may be odd in an identity is written as its code.
pub fn file_name(who: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let letter = |c: char| if plain(c) { c.to_string() } else { format!("%{:X}", c as u32) };
    let name: String = who.chars().take(NAME_CHARS_MAX).map(letter).collect();
    let mut name = if name.is_empty() { "%".to_owned() } else { name };
    // All ASCII by now.
    name.truncate(3 * NAME_CHARS_MAX);
    name
}
