//! Recordings that begin and end while the room runs.

use std::time::Duration;

use troupe::admin::state::PartState;
use troupe::config::{self, Config};
use troupe::id::HumanId;
use troupe::replay;
use troupe::room::{Command, Event};
use troupe::tape::{self, Record, Tape};

use super::{Evening, LIVELY, config};

fn in_folder(folder: &std::path::Path) -> Config {
    Config { tape: config::Tape { folder: Some(folder.to_owned()) }, ..config() }
}

/// The effects of a tape and of its replay are the same to the byte.
fn replays_to_its_own(tape: &Tape) {
    let tape = tape.clone();
    let live: Vec<_> = tape.effects().cloned().collect();
    let replayed = std::thread::spawn(move || replay::run(&tape).expect("it runs"));
    let replayed = replayed.join().expect("no panic");
    let difference =
        replay::difference(replay::lines(&live).as_bytes(), &replay::lines(&replayed.effects));
    assert!(difference.is_none(), "{}", difference.expect("it is some"));
}

fn scene_at_us(tape: &Tape) -> Option<u64> {
    let scene = tape.entries.get(tape.replayed_from())?;
    matches!(scene.record, Record::Scene { .. }).then_some(scene.at_us)
}

fn recording_shown(told: &[Command]) -> Vec<bool> {
    let shown = told.iter().filter_map(|command| match command {
        Command::Recording(on) => Some(*on),
        _ => None,
    });
    shown.collect()
}

fn turns(tape: &Tape) -> usize {
    tape.effects().filter(|entry| matches!(entry.record, Record::Turn { .. })).count()
}

#[tokio::test(start_paused = true)]
async fn two_recordings_of_one_run_each_replay_to_their_own_records() {
    let place = tempfile::tempdir().expect("a folder");
    let seconds = Duration::from_secs;
    let evening = Evening::open(None, in_folder(place.path()), LIVELY).await;
    evening.types("Ada, are you there?", seconds(9)).await;
    assert!(evening.publisher.status().recording.is_none(), "off until it is asked for");

    // The room is quiet.
    let first = evening.recording.set(true).await.expect("there is a place");
    assert_eq!((first.state, first.cause.as_deref()), (PartState::Up, None));
    assert_eq!(evening.recording.set(true).await.expect("it goes on"), first);
    // Whom Tom goes on with was said before.
    evening.types("And how many are three and four?", seconds(9)).await;
    let shown = evening.publisher.status().recording.clone().expect("it is on");
    assert_eq!(shown, first);
    let ended = evening.recording.set(false).await.expect("it ends");
    assert_eq!((ended.state, &ended.folder), (PartState::Down, &first.folder));
    assert_eq!(evening.recording.set(false).await.expect("it stays off"), ended);

    // Somebody comes, and a persona is being answered while the second one begins.
    evening.send(Event::HumanJoined { human: HumanId::new("zoe"), name: "Zoe".into() }).await;
    evening.types("Felix, which soup do you cook in a storm?", seconds(1)).await;
    let second = evening.recording.set(true).await.expect("there is a place");
    assert_ne!(second.folder, first.folder);
    tokio::time::sleep(seconds(15)).await;
    evening.types("What grows best up there?", seconds(12)).await;
    let (newest, all, told) = evening.end().await;
    assert_eq!(newest.expect("whole").display().to_string(), second.folder);
    // The last one ends after the room.
    assert_eq!(recording_shown(&told), [true, false, true]);

    let [first, second] =
        [first, second].map(|shown| Tape::read(shown.folder.as_ref()).expect("a good tape"));
    for tape in [&first, &second] {
        assert!(tape.header.under_way && tape.end_us().is_some());
        replays_to_its_own(tape);
    }
    assert_eq!((turns(&first), turns(&second)), (3, 3));
    assert_eq!(scene_at_us(&first), Some(0));
    assert!(scene_at_us(&second).expect("it came to rest") > 1_000_000, "Felix spoke until then");
    assert!(all.len() > 6, "the run had turns that are on no tape");
    let joined: Vec<_> = second
        .entries
        .iter()
        .filter_map(|entry| match &entry.record {
            Record::Join { name, .. } => Some((entry.at_us, name.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(joined.len(), 2, "{joined:?}");
    assert!(joined.iter().all(|(at_us, _)| *at_us == 0));
    // What was said before is nobody's business.
    let written = format!("{:?}", first.entries);
    assert!(!written.contains("are you there"), "{written}");
}

#[tokio::test(start_paused = true)]
async fn a_recording_that_ends_before_the_room_came_to_rest_replays_to_nothing() {
    let place = tempfile::tempdir().expect("a folder");
    let evening = Evening::open(None, in_folder(place.path()), LIVELY).await;
    // The first reply fails.
    evening.types("Ada, are you there?", Duration::from_secs(1)).await;
    evening.types("Ada, how many are three and four?", Duration::from_secs(1)).await;
    evening.recording.set(true).await.expect("there is a place");
    tokio::time::sleep(Duration::from_millis(600)).await;
    let shown = evening.recording.set(false).await.expect("it ends");
    evening.end().await;
    let tape = Tape::read(shown.folder.as_ref()).expect("a good tape");
    assert!(tape.entries.iter().any(|entry| entry.record.is_effect()), "{:?}", tape.entries);
    assert_eq!((scene_at_us(&tape), tape.effects().count()), (None, 0));
    replays_to_its_own(&tape);
}

#[tokio::test(start_paused = true)]
async fn a_part_of_such_a_tape_keeps_its_scene_or_needs_none() {
    let place = tempfile::tempdir().expect("a folder");
    let evening = Evening::open(None, in_folder(place.path()), LIVELY).await;
    evening.types("Ada, are you there?", Duration::from_secs(9)).await;
    evening.recording.set(true).await.expect("there is a place");
    tokio::time::sleep(Duration::from_secs(2)).await;
    evening.types("And how many are three and four?", Duration::from_secs(9)).await;
    let tape = Tape::read(&evening.end().await.0.expect("whole")).expect("a good tape");
    for (from_us, kept) in [(0, true), (1_000_000, false)] {
        let cut = tape::Cut { from_us, to_us: u64::MAX, redact: Vec::new() };
        let part = tape::trim(&tape, &cut);
        assert_eq!(part.header.under_way, kept);
        let replayed = std::thread::spawn(move || replay::run(&part).expect("it runs"));
        assert_eq!(replayed.join().expect("no panic").turns.len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_cannot_be_written_is_told_and_the_room_goes_on() {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("file");
    std::fs::write(&file, "").expect("it can be written");
    let evening = Evening::open(None, in_folder(&file), LIVELY).await;
    let refused = evening.recording.set(true).await.expect_err("a file is no folder");
    assert!(refused.contains("tape.folder"), "{refused}");
    let never = evening.recording.set(false).await.expect("nothing to end");
    assert_eq!((never.state, never.folder.as_str()), (PartState::Down, ""));
    evening.types("Ada, are you there?", Duration::from_secs(9)).await;
    let (tape, turns, told) = evening.end().await;
    assert_eq!((tape, turns.len(), recording_shown(&told)), (None, 3, Vec::new()));
}
