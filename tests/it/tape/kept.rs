//! A tape of version 1 that is kept: one question of the demo, from a real room.

use std::path::{Path, PathBuf};

use troupe::replay::{self, live};
use troupe::tape::Tape;

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tapes/version-1")
}

#[test]
fn a_tape_of_version_1_is_read_and_replays_to_what_it_recorded() {
    let tape = Tape::read(&kept()).expect("it stays readable");
    assert_eq!((tape.header.version, tape.header.cast.len()), (1, 3));
    assert_eq!(tape.header.models.recognition.name, "whisper-tiny.en");
    assert_eq!((tape.entries.len(), tape.torn, tape.end_us()), (74, false, Some(10_200_000)));
    let on_tape = live::recorded(&kept(), &tape).expect("it has effects");
    let replayed = replay::run(&tape).expect("it runs");
    let beside = live::compare(&on_tape, &replayed.effects);
    assert_eq!((beside.same_turns(), beside.same_texts()), ((3, 3), (1, 1)), "{beside}");
}

#[cfg(feature = "sound-files")]
#[test]
fn the_sound_of_a_tape_of_version_1_is_heard_at_its_time() {
    let tape = Tape::read(&kept()).expect("it stays readable");
    let tracks = troupe::tape::sound::hear::humans(&kept(), &tape).expect("a good track");
    let [(human, pieces)]: [_; 1] = tracks.try_into().ok().expect("one human");
    assert!(human.as_str().starts_with("tom-"), "{human}");
    // The utterance on the tape, to a tenth of a second; the codec is given 20 ms.
    let voiced = pieces.filter(|(_, piece)| piece.iter().any(|s| s.unsigned_abs() > 2_000));
    let times: Vec<u64> = voiced.map(|(at, _)| at.as_us()).collect();
    let said = tape.entries.iter().find_map(|entry| match &entry.record {
        troupe::tape::Record::Utterance(said) => Some((said.voiced_start_us, said.voiced_end_us)),
        _ => None,
    });
    let (start_us, end_us) = said.expect("an utterance");
    let (first, last) = (times[0], times[times.len() - 1]);
    assert!(first.abs_diff(start_us) < 300_000, "{first} {start_us}");
    assert!(last.abs_diff(end_us) < 300_000, "{last} {end_us}");
}

/// The real ears, model and voice.
#[cfg(all(feature = "llama", feature = "whisper", feature = "sound-files"))]
#[test]
fn live_engines_hear_and_answer_the_kept_question() {
    let program = std::process::Command::new(env!("CARGO_BIN_EXE_troupe"))
        .args(["replay", "--engines", "live", "--json"])
        .arg(kept())
        .output()
        .expect("the program is built");
    let said = String::from_utf8_lossy(&program.stderr);
    assert_eq!(program.status.code(), Some(0), "{said}");
    let out = String::from_utf8_lossy(&program.stdout);
    let json: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |kind: &str| json.iter().find(|line| line["kind"] == kind).expect("it is told");
    let line = of("compared");
    let text = line["replay"]["text"].as_str().expect("it was heard");
    assert!(text.contains("balcony"), "{text}");
    let turns = line["turns"].as_array().expect("turns");
    let nora = turns.iter().find(|turn| turn["persona"] == "nora").expect("her turn");
    assert_eq!(nora["replay"]["outcome"], "spoke", "{line}");
    assert!(nora["replay"]["e2e_us"].as_u64() > Some(200_000), "{line}");
    let sum = of("comparison");
    assert_eq!((&sum["turns"], &sum["lines"]), (&3.into(), &1.into()), "{sum}");
}
