//! The tracks of a tape that is being written.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::TrackWriter;
use crate::tape::file_name;
use crate::tape::tap::Sound;

/// Participants whose sound is kept: more is no conversation, and each has an open file.
const TRACKS_MAX: usize = 128;

/// One track for each participant.
pub(in crate::tape) struct Tracks {
    folder: PathBuf,
    open: HashMap<String, TrackWriter>,
    /// Those who came too many.
    refused: HashSet<String>,
}

impl Tracks {
    pub(in crate::tape) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), open: HashMap::new(), refused: HashSet::new() }
    }

    pub(in crate::tape) fn push(&mut self, sound: &Sound) -> io::Result<()> {
        if !self.open.contains_key(&sound.who) {
            if self.open.len() == TRACKS_MAX {
                self.refuse(&sound.who);
                return Ok(());
            }
            fs::create_dir_all(&self.folder)?;
            let path = self.folder.join(file_name(&sound.who) + ".ogg");
            let track = TrackWriter::create(&path, sound.rate_hz)?;
            self.open.insert(sound.who.clone(), track);
        }
        match self.open.get_mut(&sound.who) {
            Some(track) => track.push(sound.end_us, &sound.samples),
            None => Ok(()),
        }
    }

    /// Says it once for each; a set as large as the tracks is enough for that.
    fn refuse(&mut self, who: &str) {
        if self.refused.len() < TRACKS_MAX && self.refused.insert(who.to_owned()) {
            let folder = self.folder.display();
            tracing::warn!(%folder, who, "a tape keeps the sound of {TRACKS_MAX} participants");
        }
    }

    pub(in crate::tape) fn flush(&mut self) -> io::Result<()> {
        self.open.values_mut().try_for_each(TrackWriter::flush)
    }

    pub(in crate::tape) fn finish(&mut self) -> io::Result<()> {
        self.open.drain().try_for_each(|(_, track)| track.finish())
    }
}
