//! A tape's sound as WAV files.

use std::fs;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use opus::{Channels, Decoder};

use super::{Track, other, write_wav};
use crate::audio::ROOM_RATE_HZ;
use crate::tape::{Header, SOUND_FOLDER, TapeError, file_name};

/// The longest export: beyond it the samples fill the memory, and `trim` makes a shorter tape.
const SECONDS_MAX: usize = 3_600;
const SAMPLES_MAX: usize = SECONDS_MAX * ROOM_RATE_HZ as usize;
/// Longest Opus frame: 120 ms at 48 kHz.
const FRAME_SAMPLES_MAX: usize = 5_760;

/// Writes `mix.wav` (humans left, personas right) and one WAV for each participant, all beginning
/// at the tape's begin. Returns their paths.
///
/// # Errors
/// When a track is no track, is too long, or the files cannot be written.
pub fn export(tape: &Path, header: &Header, out: &Path) -> Result<Vec<PathBuf>, TapeError> {
    let unwritable = |cause| TapeError::Unwritable { path: out.to_owned(), cause };
    fs::create_dir_all(out).map_err(unwritable)?;
    let (mut humans, mut personas) = (Mix::default(), Mix::default());
    let mut written = Vec::new();
    for path in tracks(tape)? {
        let unreadable = |cause| TapeError::Unreadable { path: path.clone(), cause };
        let track = Track::read(&path).map_err(unreadable)?;
        let mut own = Mix::default();
        own.add(&track).map_err(|why| unreadable(other(why)))?;
        let stem = super::stem(&path);
        let persona = header.cast.iter().any(|member| file_name(member.id.as_str()) == stem);
        let side = if persona { &mut personas } else { &mut humans };
        side.add_samples(0, &own.0);
        let to = out.join(format!("{stem}.wav"));
        write(&to, 1, own.samples().into_iter())?;
        written.push(to);
    }
    let length = humans.0.len().max(personas.0.len());
    humans.0.resize(length, 0);
    personas.0.resize(length, 0);
    let both = humans.samples().into_iter().zip(personas.samples());
    let to = out.join("mix.wav");
    write(&to, 2, both.flat_map(|(left, right)| [left, right]))?;
    written.push(to);
    Ok(written)
}

/// The tape's tracks, by name.
pub(super) fn tracks(tape: &Path) -> Result<Vec<PathBuf>, TapeError> {
    let folder = tape.join(SOUND_FOLDER);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let unreadable = |cause| TapeError::Unreadable { path: folder.clone(), cause };
    let mut paths = Vec::new();
    for entry in fs::read_dir(&folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|ending| ending == "ogg") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Sound on the tape's time line, at 48 kHz.
#[derive(Default)]
pub(super) struct Mix(Vec<i32>);

impl Mix {
    /// Adds a track; a packet that cannot be decoded is silence.
    pub(super) fn add(&mut self, track: &Track) -> Result<(), String> {
        let mut decoder =
            Decoder::new(ROOM_RATE_HZ, Channels::Mono).map_err(|error| error.to_string())?;
        let mut frame = vec![0_i16; FRAME_SAMPLES_MAX];
        for packet in &track.packets {
            let start = packet.start as i64 - i64::from(track.pre_skip);
            if packet.end > SAMPLES_MAX as u64 {
                let minutes = SECONDS_MAX / 60;
                return Err(format!("is longer than {minutes} minutes; take a part by tape trim"));
            }
            let Ok(count) = decoder.decode(&packet.data, &mut frame, false) else { continue };
            // What the encoder looked ahead of the tape's begin is no sound.
            let skipped = usize::try_from(-start).unwrap_or(0).min(count);
            let at = usize::try_from(start).unwrap_or(0);
            let samples: Vec<i32> =
                frame[skipped..count].iter().map(|sample| i32::from(*sample)).collect();
            self.add_samples(at, &samples);
        }
        Ok(())
    }

    fn add_samples(&mut self, at: usize, samples: &[i32]) {
        let end = at + samples.len();
        if self.0.len() < end {
            self.0.resize(end, 0);
        }
        for (sum, sample) in self.0[at..end].iter_mut().zip(samples) {
            *sum = sum.saturating_add(*sample);
        }
    }

    pub(super) fn samples(&self) -> Vec<i16> {
        let most = i32::from(i16::MAX);
        self.0.iter().map(|sum| (*sum).clamp(-most, most) as i16).collect()
    }
}

fn write(path: &Path, channels: u16, samples: impl Iterator<Item = i16>) -> Result<(), TapeError> {
    let unwritable = |cause| TapeError::Unwritable { path: path.to_owned(), cause };
    let file = BufWriter::new(fs::File::create(path).map_err(unwritable)?);
    let written = write_wav(file, channels, ROOM_RATE_HZ, samples);
    written.map_err(|error| unwritable(other(error)))
}
