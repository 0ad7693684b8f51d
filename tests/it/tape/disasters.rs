//! Recordings that are killed, whose disk is full, and whose bits flip.
//!
//! What must happen to a process of its own happens to this test binary, started again with one
//! of the ignored tests and `TAPE_FOLDER`.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio_util::task::TaskTracker;
use troupe::host::Recording;
use troupe::id::HumanId;
use troupe::llm::Senses;
use troupe::replay;
use troupe::room::{self, Event};
use troupe::tape::{self, Cut, RECORDS_FILE, Tape};
use troupe::time::Clock;

const FOLDER: &str = "TAPE_FOLDER";
const FLIPS: u64 = 3_000;
/// Of the flipped tapes that can be read, one of so many is replayed.
const REPLAYED: u64 = 4;
/// Far more than any of them takes.
const HANG: Duration = Duration::from_secs(20);
/// What the model of these recordings takes beside words.
const SENSES: Senses = Senses { sees: false, hears: false };

/// The only tape in a folder.
fn tape_in(folder: &Path) -> PathBuf {
    let mut entries = std::fs::read_dir(folder).expect("the folder is there");
    entries.next().expect("a tape").expect("readable").path()
}

/// This binary with one ignored test of this module, by way of `sh -c` with `before` first.
fn child(test: &str, before: &str, folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{before} exec \"$0\" \"$@\""));
    command.arg(std::env::current_exe().expect("this binary"));
    command.args(["--exact", &format!("tape::disasters::{test}"), "--ignored", "--nocapture"]);
    command.env(FOLDER, folder);
    command
}

#[test]
#[ignore = "a process that another test kills"]
fn child_is_recorded_until_it_is_killed() {
    // Nobody started it for this.
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _guard = runtime.enter();
    let clock = Clock::start();
    let folder = PathBuf::from(folder);
    let tasks = TaskTracker::new();
    let recording = Recording::open(Some(&folder), &super::config(), SENSES, clock, &tasks);
    let recording = recording.expect("it begins");
    let (tap, tom) = (recording.tap(), HumanId::new("tom"));
    loop {
        std::thread::sleep(Duration::from_millis(10));
        let now = clock.now();
        let samples = vec![3_000; 160];
        tap.room(now, &Event::Audio { human: tom.clone(), at: now, samples });
        tap.typed(now, &tom, "on and on");
        println!("at {}", now.as_us());
    }
}

#[test]
fn a_killed_recording_lacks_its_last_second_at_most() {
    let place = tempfile::tempdir().expect("a folder");
    let mut process = child("child_is_recorded_until_it_is_killed", "", place.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this binary starts");
    let out = BufReader::new(process.stdout.take().expect("a pipe"));
    let mut told_us = 0_u64;
    for line in out.lines() {
        let line = line.expect("text");
        let Some(at) = line.strip_prefix("at ") else { continue };
        // The line in hand when it was killed may be torn.
        told_us = at.parse().unwrap_or(told_us).max(told_us);
        if told_us > 3_300_000 {
            process.kill().expect("SIGKILL");
        }
    }
    process.wait().expect("it is gone");
    let folder = tape_in(place.path());
    let tape = Tape::read(&folder).expect("a readable tape");
    assert!(tape.end_us().is_none() && tape.entries.len() > 100, "{}", tape.entries.len());
    let lost_us = told_us.saturating_sub(tape.last_us());
    assert!(lost_us < 1_000_000, "{lost_us} us of records are lost");
    #[cfg(feature = "sound-files")]
    {
        let tracks = tape::sound::hear::humans(&folder, &tape).expect("a readable track");
        let (human, pieces) = tracks.into_iter().next().expect("a track");
        assert_eq!(human.as_str(), "tom");
        let last_us = pieces.last().expect("some sound").0.as_us();
        let lost_us = told_us.saturating_sub(last_us);
        assert!(lost_us < 1_000_000, "{lost_us} us of sound are lost");
    }
}

#[tokio::test]
#[ignore = "a process whose disk another test makes small"]
async fn child_goes_on_when_its_disk_is_full() {
    // Nobody started it for this.
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let evening = super::evening(Path::new(&folder), super::BRIEF).await;
    assert!(evening.tape.is_none(), "the tape cannot be whole");
    assert!(evening.turns.len() >= 12, "the room went on: {:#?}", evening.turns);
    let shown = |command: &room::Command| match command {
        room::Command::Recording(on) => Some(*on),
        _ => None,
    };
    let shown: Vec<bool> = evening.told.iter().filter_map(shown).collect();
    assert_eq!(shown, [true, false], "everybody in the room sees that it stopped");
    let recording = evening.recording.expect("the pages show it");
    let cause = recording.cause.expect("a cause");
    assert!(cause.contains("could not be written"), "{cause}");
}

#[test]
fn a_full_disk_stops_the_recording_and_not_the_room() {
    let place = tempfile::tempdir().expect("a folder");
    // No file may be longer than 8 blocks of 512 bytes: the tape's is full within its first lines.
    let small = "trap '' XFSZ; ulimit -f 8;";
    let child = child("child_goes_on_when_its_disk_is_full", small, place.path()).output();
    let child = child.expect("this binary starts");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
    let tape = Tape::read(&tape_in(place.path())).expect("a readable tape");
    assert!(tape.end_us().is_none() && !tape.entries.is_empty(), "{tape:?}");
}

/// Positions to flip, the same in every run: Knuth's generator of 64 bits.
fn positions(length: usize, count: u64) -> impl Iterator<Item = (usize, u8)> {
    let next = |seed: &u64| {
        Some(seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    };
    let random = std::iter::successors(Some(7_u64), next).skip(1).take(count as usize);
    random.map(move |seed| ((seed >> 20) as usize % length, 1 << (seed >> 61)))
}

#[test]
fn a_flipped_bit_is_an_error_or_a_tape_and_never_a_panic() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, ..) = super::recorded(place.path());
    let whole = std::fs::read(folder.join(RECORDS_FILE)).expect("it is there");
    let mut readable = 0;
    for (at, bit) in positions(whole.len(), FLIPS) {
        let mut bad = whole.clone();
        bad[at] ^= bit;
        let begun = Instant::now();
        match Tape::parse(&bad) {
            Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
            Ok(tape) => {
                readable += 1;
                replay::screenplay(&tape.header, tape.entries.iter());
                let redact = vec!["tom".to_owned()];
                let cut = Cut { from_us: 1_000_000, to_us: 9_000_000, redact };
                let part = tape::trim(&tape, &cut);
                if readable % REPLAYED == 0 {
                    replay::run(&tape).expect("it ends");
                    replay::run(&part).expect("it ends");
                }
            }
        }
        assert!(begun.elapsed() < HANG, "bit {bit} of byte {at} took {:?}", begun.elapsed());
    }
    assert!(readable > 100, "only {readable} can be read: flip elsewhere");
}

#[cfg(feature = "sound-files")]
#[test]
fn a_flipped_bit_of_a_track_is_an_error_or_less_sound() {
    let place = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let recording = {
        let (_guard, tasks) = (runtime.enter(), TaskTracker::new());
        Recording::open(Some(place.path()), &super::config(), SENSES, Clock::start(), &tasks)
    };
    let recording = recording.expect("it begins");
    let tom = HumanId::new("tom");
    for ten_ms in 1..=150 {
        let at = troupe::time::Time::from_ms(ten_ms * 10);
        let samples = (0..160).map(|n| ((n * 97) % 4_001) as i16 - 2_000).collect();
        recording.tap().room(at, &Event::Audio { human: tom.clone(), at, samples });
    }
    let folder = runtime.block_on(recording.finish()).expect("it is whole");
    let tape = Tape::read(&folder).expect("a good tape");
    let track = folder.join(tape::SOUND_FOLDER).join("tom.ogg");
    let whole = std::fs::read(&track).expect("it is there");
    let heard = |folder: &Path| -> Result<usize, tape::TapeError> {
        let tracks = tape::sound::hear::humans(folder, &tape)?;
        Ok(tracks.into_iter().map(|(_, pieces)| pieces.count()).sum())
    };
    let all = heard(&folder).expect("a good track");
    assert!(all >= 150, "{all}");
    for (at, bit) in positions(whole.len(), FLIPS / 10) {
        let mut bad = whole.clone();
        bad[at] ^= bit;
        std::fs::write(&track, &bad).expect("it can be written");
        let begun = Instant::now();
        if let Ok(pieces) = heard(&folder) {
            assert!(pieces <= all + 2, "{pieces} of {all}");
        }
        let wav = place.path().join("wav");
        if let Err(error) = tape::sound::export::export(&folder, &tape.header, &wav) {
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
        }
        let cut = Cut { from_us: 0, to_us: 1_000_000, redact: Vec::new() };
        let part = place.path().join(format!("part-{at}-{bit}"));
        // An error is a sentence, tested above; the copy itself must not break.
        let _ = tape::sound::cut::tracks(&folder, &part, &cut);
        assert!(begun.elapsed() < HANG, "bit {bit} of byte {at} took {:?}", begun.elapsed());
    }
}
