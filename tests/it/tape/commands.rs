//! `troupe replay` and `troupe tape`, as they are typed.

use std::path::Path;
use std::process::{Command, Output};

use troupe::tape::{EXPECT_FILE, RECORDS_FILE, Tape};

fn troupe(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_troupe")).args(args).output().expect("the program is built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A room of the collection, in a place of its own.
fn room(place: &Path) -> String {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rooms/named-question");
    let folder = place.join("room.tape");
    std::fs::create_dir(&folder).expect("a folder");
    let records = folder.join(RECORDS_FILE);
    std::fs::copy(from.join(RECORDS_FILE), records).expect("it can be copied");
    folder.display().to_string()
}

#[test]
fn replay_compares_blesses_and_tells_by_its_exit_code() {
    let place = tempfile::tempdir().expect("a folder");
    let room = room(place.path());
    let expect = Path::new(&room).join(EXPECT_FILE);

    let without = troupe(&["replay", &room]);
    assert_eq!(without.status.code(), Some(0));
    assert!(text(&without.stderr).contains("--bless"), "{}", text(&without.stderr));
    assert!(text(&without.stdout).contains("FELIX (was heard): "), "{}", text(&without.stdout));

    assert_eq!(troupe(&["replay", &room, "--bless"]).status.code(), Some(0));
    let json = troupe(&["replay", &room, "--json"]);
    assert_eq!(json.status.code(), Some(0));
    assert_eq!(json.stdout, std::fs::read(&expect).expect("it was blessed"));

    let blessed = text(&json.stdout);
    std::fs::write(&expect, blessed.replacen("called by name", "called by fame", 1))
        .expect("it can be written");
    let other = troupe(&["replay", &room]);
    assert_eq!(other.status.code(), Some(1));
    let told = text(&other.stderr);
    assert!(told.contains("record.reason: \"called by fame\", but now"), "{told}");
}

#[test]
fn show_and_trim_read_a_tape_that_was_cut_off() {
    let place = tempfile::tempdir().expect("a folder");
    let room = room(place.path());
    let records = Path::new(&room).join(RECORDS_FILE);
    let whole = std::fs::read(&records).expect("it is there");
    std::fs::write(&records, &whole[..whole.len() - 5]).expect("it can be written");
    let show = troupe(&["tape", "show", &room]);
    assert_eq!(show.status.code(), Some(0), "{}", text(&show.stderr));
    assert!(text(&show.stdout).contains("torn"), "{}", text(&show.stdout));

    let part = place.path().join("part.tape").display().to_string();
    let cut = ["tape", "trim", &room, "--out", &part, "--from", "0.6", "--redact", "tom"];
    let trim = troupe(&cut);
    assert_eq!(trim.status.code(), Some(0), "{}", text(&trim.stderr));
    assert!(
        !text(&std::fs::read(Path::new(&part).join(RECORDS_FILE)).expect("it is there"))
            .contains("soup do you")
    );
    Tape::read(Path::new(&part)).expect("a good tape");
    // Nothing is written over.
    assert_eq!(troupe(&cut).status.code(), Some(2));
}

#[test]
fn what_is_no_tape_is_a_sentence_and_exit_code_2() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().display().to_string();
    for command in [&["replay"][..], &["tape", "show"]] {
        let answer = troupe(&[command, &[&folder]].concat());
        assert_eq!(answer.status.code(), Some(2));
        assert_eq!(text(&answer.stderr).lines().count(), 1, "{}", text(&answer.stderr));
    }
}
