//! A tape's sound as the ears heard it.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use opus::{Channels, Decoder};

use super::{Packet, Track, other};
use crate::audio::{EARS_RATE_HZ, ROOM_RATE_HZ};
use crate::id::HumanId;
use crate::tape::{Record, Tape, TapeError, file_name};
use crate::time::Time;

/// As a room gives it: 10 ms.
const PIECE_SAMPLES: usize = EARS_RATE_HZ as usize / 100;
/// Longest Opus frame: 120 ms.
const FRAME_SAMPLES_MAX: usize = EARS_RATE_HZ as usize * 120 / 1_000;
/// Samples of a track's count in one of the ears'.
const RATIO: u64 = (ROOM_RATE_HZ / EARS_RATE_HZ) as u64;

/// The tracks of the tape's humans. Who stands nowhere in its records has its file's name.
///
/// # Errors
/// When a file is no track.
pub fn humans(folder: &Path, tape: &Tape) -> Result<Vec<(HumanId, Pieces)>, TapeError> {
    let named = names(tape);
    let mut tracks = Vec::new();
    for path in super::export::tracks(folder)? {
        let stem = super::stem(&path);
        if tape.header.cast.iter().any(|member| file_name(member.id.as_str()) == stem) {
            continue;
        }
        let unreadable = |cause| TapeError::Unreadable { path: path.clone(), cause };
        let track = Track::read(&path).map_err(unreadable)?;
        let pieces = Pieces::of(track).map_err(|error| unreadable(other(error)))?;
        let human = named.get(&stem).cloned().unwrap_or_else(|| HumanId::new(stem));
        tracks.push((human, pieces));
    }
    Ok(tracks)
}

/// The humans of a tape by their files' names.
fn names(tape: &Tape) -> BTreeMap<String, HumanId> {
    let human = |record: &Record| match record {
        Record::Join { human, .. } | Record::Onset { human, .. } | Record::Says { human, .. } => {
            Some(human.clone())
        }
        Record::Utterance(utterance) => Some(utterance.human.clone()),
        _ => None,
    };
    let humans = tape.entries.iter().filter_map(|entry| human(&entry.record));
    humans.map(|human| (file_name(human.as_str()), human)).collect()
}

/// A track's sound in pieces of 10 ms, each with the time of its last sample, in order; nothing
/// where nothing came. A packet that cannot be decoded is a gap.
pub struct Pieces {
    decoder: Decoder,
    packets: std::vec::IntoIter<Packet>,
    /// What the encoder looked ahead, at 48 kHz.
    pre_skip: u64,
    ready: VecDeque<(Time, Vec<i16>)>,
    /// Where the newest piece ends, in samples.
    end: u64,
}

impl Pieces {
    fn of(track: Track) -> Result<Self, opus::Error> {
        Ok(Self {
            decoder: Decoder::new(EARS_RATE_HZ, Channels::Mono)?,
            packets: track.packets.into_iter(),
            pre_skip: u64::from(track.pre_skip),
            ready: VecDeque::new(),
            end: 0,
        })
    }

    fn decode(&mut self, packet: &Packet) {
        let mut frame = [0; FRAME_SAMPLES_MAX];
        let Ok(count) = self.decoder.decode(&packet.data, &mut frame, false) else { return };
        // What the encoder looked ahead of the tape's begin is no sound.
        let early = self.pre_skip.saturating_sub(packet.start) / RATIO;
        let skipped = usize::try_from(early).unwrap_or(usize::MAX).min(count);
        let mut at = packet.start.saturating_sub(self.pre_skip) / RATIO;
        if at < self.end {
            // Order is promised; a track that runs backwards was not written by us.
            return;
        }
        for piece in frame[skipped..count].chunks(PIECE_SAMPLES) {
            at += piece.len() as u64;
            let us = u128::from(at) * 1_000_000 / u128::from(EARS_RATE_HZ);
            self.ready.push_back((Time::from_us(us as u64), piece.to_vec()));
        }
        self.end = at;
    }
}

impl Iterator for Pieces {
    type Item = (Time, Vec<i16>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() {
            let packet = self.packets.next()?;
            self.decode(&packet);
        }
        self.ready.pop_front()
    }
}
