//! The tracks of a trimmed tape: packets are copied as they are, not encoded again.

use std::fs;
use std::path::Path;

use super::{Pages, Track};
use crate::audio::ROOM_RATE_HZ;
use crate::tape::{Cut, SOUND_FOLDER, TapeError, file_name};

/// Copies what of each track lies between the cut's times; those that are redacted are left out.
///
/// # Errors
/// When a track is no track, or a file cannot be written.
pub fn tracks(from: &Path, to: &Path, cut: &Cut) -> Result<(), TapeError> {
    let at = |us: u64| (u128::from(us) * u128::from(ROOM_RATE_HZ) / 1_000_000) as u64;
    let redacted: Vec<String> = cut.redact.iter().map(|who| file_name(who) + ".ogg").collect();
    for path in super::export::tracks(from)? {
        let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else {
            continue;
        };
        if redacted.contains(&name) {
            continue;
        }
        let unreadable = |cause| TapeError::Unreadable { path: path.clone(), cause };
        let track = Track::read(&path).map_err(unreadable)?;
        let (begin, end) = (at(cut.from_us), at(cut.to_us));
        let kept = track.packets.into_iter().filter(|p| begin <= p.start && p.end <= end);
        let folder = to.join(SOUND_FOLDER);
        let target = folder.join(&name);
        let unwritable = |cause| TapeError::Unwritable { path: target.clone(), cause };
        let mut pages = None;
        for packet in kept {
            let pages = match &mut pages {
                Some(pages) => pages,
                None => {
                    fs::create_dir_all(&folder).map_err(unwritable)?;
                    let made = Pages::create(&target, track.pre_skip, track.rate_hz);
                    pages.insert(made.map_err(unwritable)?)
                }
            };
            pages.packet(packet.data, packet.end - begin).map_err(unwritable)?;
        }
        if let Some(pages) = pages {
            pages.finish().map_err(unwritable)?;
        }
    }
    Ok(())
}
