//! The sound of one turn of a recorded room.

use std::io::Cursor;
use std::path::Path;

use troupe::id::TurnId;
use troupe::latency::Outcome;
use troupe::tape::{self, ClipError, SOUND_FOLDER};

use super::recorded;

/// Both sides of a clip, and how many samples each second has.
fn sides(wav: &[u8]) -> (Vec<i16>, Vec<i16>, u32) {
    let reader = hound::WavReader::new(Cursor::new(wav)).expect("a WAV file");
    let spec = reader.spec();
    assert_eq!((spec.channels, spec.bits_per_sample), (2, 16));
    let samples: Vec<i16> = reader.into_samples().map(|sample| sample.expect("whole")).collect();
    let side = |side: usize| samples.iter().skip(side).step_by(2).copied().collect();
    (side(0), side(1), spec.sample_rate)
}

fn loudest(samples: &[i16]) -> u16 {
    samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0)
}

#[test]
fn a_turn_that_spoke_is_heard_on_the_right_and_no_longer_than_it_lasted() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, turns, _) = recorded(place.path());
    let spoke: Vec<_> = turns.iter().filter(|turn| turn.outcome == Outcome::Spoke).collect();
    assert!(spoke.len() >= 2, "{turns:#?}");
    for turn in spoke {
        let wav = tape::clip(&folder, turn.turn).expect("it was recorded");
        let (left, right, rate_hz) = sides(&wav);
        // Tom typed.
        assert_eq!(loudest(&left), 0);
        assert!(loudest(&right) > 1_000, "{}: {}", turn.turn, loudest(&right));
        let seconds = right.len() as f32 / rate_hz as f32;
        assert!((1.0..20.0).contains(&seconds), "{}: {seconds} s", turn.turn);
        // It begins before the first sample and ends after the last, and not by much.
        let lead = right.iter().position(|sample| sample.unsigned_abs() > 500).expect("loud");
        assert!(lead < rate_hz as usize, "{}: {lead} samples", turn.turn);
        let edge = (rate_hz / 10) as usize;
        assert!(loudest(&right[..edge]) < 500 && loudest(&right[right.len() - edge..]) < 500);
    }
}

#[test]
fn a_turn_is_heard_from_a_tape_that_is_still_written() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, turns, _) = recorded(place.path());
    let spoke = turns.iter().find(|turn| turn.outcome == Outcome::Spoke).expect("somebody spoke");
    let whole = tape::clip(&folder, spoke.turn).expect("it was recorded");
    // Half a line at the end, and tracks without theirs.
    let records = folder.join(tape::RECORDS_FILE);
    let mut lines = std::fs::read(&records).expect("it is there");
    let settled = format!("\"turn\":\"{}\",\"line\"", spoke.turn);
    let text = String::from_utf8_lossy(&lines).into_owned();
    lines.truncate(text.find(&settled).expect("it is settled") + 10);
    std::fs::write(&records, lines).expect("it may be written");
    cut_tracks(&folder.join(SOUND_FOLDER));
    let half = tape::clip(&folder, spoke.turn).expect("what is there can be heard");
    assert_eq!(half.len(), whole.len());
    assert_eq!(&half[..half.len() / 2], &whole[..half.len() / 2]);
}

/// Takes the last hundred bytes off each.
fn cut_tracks(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        let file = std::fs::read(&path).expect("a track");
        std::fs::write(&path, &file[..file.len() - 100]).expect("it may be written");
    }
}

#[test]
fn what_cannot_be_heard_is_told_apart() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, turns, _) = recorded(place.path());
    let passed = turns.iter().find(|turn| turn.outcome == Outcome::Passed).expect("somebody did");
    assert!(matches!(tape::clip(&folder, passed.turn), Err(ClipError::Silent(_))));
    assert!(matches!(tape::clip(&folder, TurnId(99)), Err(ClipError::NotOnTape(_))));
    let gone = tape::clip(&place.path().join("gone.tape"), TurnId(1)).expect_err("no tape");
    assert!(gone.to_string().contains("cannot be read"), "{gone}");
}
