//! Every folder of `tests/rooms` is a room on tape, with the effects that are expected of it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use troupe::replay::{self, Replay};
use troupe::tape::{self, Tape};

fn rooms() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rooms");
    let mut rooms: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the rooms are there")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.is_dir())
        .collect();
    rooms.sort();
    rooms
}

fn play(room: &Path) -> Replay {
    let tape = Tape::read(room).unwrap_or_else(|error| panic!("{}: {error}", room.display()));
    replay::run(&tape).unwrap_or_else(|error| panic!("{}: {error}", room.display()))
}

fn expected(room: &Path) -> Vec<u8> {
    let expected = tape::expectation(room).expect("it can be read");
    expected.unwrap_or_else(|| panic!("{} has no expect.jsonl", room.display()))
}

#[test]
fn every_room_gives_what_is_expected_of_it() {
    let rooms = rooms();
    assert!(rooms.len() >= 15, "only {} rooms", rooms.len());
    let mut wrong = String::new();
    for room in &rooms {
        let log = replay::lines(&play(room).effects);
        if let Some(difference) = replay::difference(&expected(room), &log) {
            wrong += &format!("{}: {difference}\n", room.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}`troupe replay --bless` writes what is now given");
}

#[test]
fn one_changed_byte_of_an_expectation_is_noticed() {
    let room = rooms().remove(0);
    let log = replay::lines(&play(&room).effects);
    let good = expected(&room);
    for at in (0..good.len()).step_by(97) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert!(replay::difference(&bad, &log).is_some(), "byte {at}");
    }
    assert!(replay::difference(&good[..good.len() - 1], &log).is_some());
}

#[test]
fn what_must_hold_in_any_room_holds_in_each() {
    for room in rooms() {
        let replay = play(&room);
        let name = room.display();
        let mut holder = None;
        for entry in &replay.effects {
            match &entry.record {
                tape::Record::Granted { turn, .. } => {
                    assert_eq!(holder.replace(*turn), None, "{name}: two hold the floor");
                }
                tape::Record::Ended { turn, heard, said, .. } => {
                    assert_eq!(holder.take(), Some(*turn), "{name}: an end without a grant");
                    assert!(said.starts_with(heard.trim_end()), "{name}: {heard:?} of {said:?}");
                }
                _ => {}
            }
        }
        assert_eq!(holder, None, "{name}: a speech has no end");
        let mut settled: Vec<_> =
            replay.turns.iter().map(|turn| (turn.line, &turn.persona)).collect();
        let count = settled.len();
        settled.sort();
        settled.dedup();
        assert_eq!(settled.len(), count, "{name}: a line was settled twice for a persona");
    }
}

#[test]
fn all_rooms_together_are_replayed_many_times_faster_than_they_last() {
    let begun = Instant::now();
    let tape: f64 = rooms().iter().map(|room| play(room).tape.as_secs_f64()).sum();
    let factor = tape / begun.elapsed().as_secs_f64();
    // A loaded machine and an unoptimised build; the figure itself is measured apart.
    assert!(factor > 50.0, "{factor:.0} times as fast as real time");
}
