//! A stretch of a tape as one WAV file in memory.

use std::io::{self, Cursor};
use std::path::Path;

use opus::{Channels, Decoder};

use super::{Track, other, write_wav};
use crate::audio::ROOM_RATE_HZ;
use crate::tape::clip::Span;
use crate::tape::{TapeError, file_name};

/// Human voices were heard at 16 kHz and the personas' have 22 kHz: more would be empty.
const RATE_HZ: u32 = 24_000;
const PER_SAMPLE: u64 = (ROOM_RATE_HZ / RATE_HZ) as u64;
/// Packets that a decoder takes to forget that it began in the middle: 80 ms.
const WARM_UP: usize = 4;
/// Longest Opus frame: 120 ms.
const FRAME_SAMPLES_MAX: usize = RATE_HZ as usize * 120 / 1_000;

/// Humans left, the span's persona right. A track that is missing or broken is silent: the other
/// side is worth hearing.
pub(in crate::tape) fn wav(tape: &Path, span: &Span) -> Result<Vec<u8>, TapeError> {
    let own = file_name(span.persona.as_str());
    let cast: Vec<_> = span.cast.iter().map(|id| file_name(id.as_str())).collect();
    let mut sides = [vec![0_i32; length(span)], vec![0_i32; length(span)]];
    for path in super::export::tracks(tape)? {
        let stem = super::stem(&path);
        let side = usize::from(stem == own);
        if side == 0 && cast.contains(&stem) {
            continue;
        }
        let heard = Track::read(&path).and_then(|track| add(&track, span, &mut sides[side]));
        if let Err(error) = heard {
            tracing::warn!(track = %path.display(), %error, "a track of a tape cannot be played");
        }
    }
    encode(&sides).map_err(|error| TapeError::Unreadable {
        path: tape.to_owned(),
        cause: io::Error::other(error.to_string()),
    })
}

fn samples(us: u64) -> u64 {
    us * u64::from(RATE_HZ / 1_000) / 1_000
}

fn length(span: &Span) -> usize {
    samples(span.to_us.saturating_sub(span.from_us)) as usize
}

/// Adds what of a track lies in the span to its side.
fn add(track: &Track, span: &Span, side: &mut [i32]) -> io::Result<()> {
    let begin = samples(span.from_us);
    let end = begin + side.len() as u64;
    let at = |granule: u64| granule.saturating_sub(u64::from(track.pre_skip)) / PER_SAMPLE;
    let first = track.packets.partition_point(|packet| at(packet.end) <= begin);
    let mut decoder = Decoder::new(RATE_HZ, Channels::Mono).map_err(other)?;
    let mut frame = vec![0_i16; FRAME_SAMPLES_MAX];
    for packet in &track.packets[first.saturating_sub(WARM_UP)..] {
        let start = at(packet.start);
        if start >= end {
            break;
        }
        // A packet that cannot be decoded is silence.
        let Ok(count) = decoder.decode(&packet.data, &mut frame, false) else { continue };
        for (sample, at) in frame[..count].iter().zip(start..) {
            if let Some(sum) = at.checked_sub(begin).and_then(|at| side.get_mut(at as usize)) {
                *sum = sum.saturating_add(i32::from(*sample));
            }
        }
    }
    Ok(())
}

fn encode([left, right]: &[Vec<i32>; 2]) -> Result<Vec<u8>, hound::Error> {
    let most = i32::from(i16::MAX);
    let both = left.iter().zip(right).flat_map(|(left, right)| [left, right]);
    let samples = both.map(|sample| (*sample).clamp(-most, most) as i16);
    let mut file = Cursor::new(Vec::new());
    write_wav(&mut file, 2, RATE_HZ, samples)?;
    Ok(file.into_inner())
}
