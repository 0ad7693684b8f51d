//! What lines meant is on the tape, and counts in a replay.

use super::*;

const ASKED: &str = "Does anybody know how a volcano begins?";

async fn asked(folder: &Path) -> (PathBuf, Vec<TurnRecord>) {
    let clock = Clock::start();
    let engine = ScriptedEngine::describing(clock);
    let mut config = config();
    config.turn.decide = Decide::Evidence;
    let evening = Evening::open_on(engine, clock, Some(folder), config, LIVELY).await;
    evening.types(ASKED, Duration::from_secs(12)).await;
    let (tape, turns, _) = evening.end().await;
    (tape.expect("the tape is whole"), turns)
}

fn who_spoke(turns: &[TurnRecord]) -> Vec<&str> {
    let spoke = turns.iter().filter(|turn| turn.outcome == Outcome::Spoke);
    spoke.map(|turn| turn.persona.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn whoever_was_nearest_answers_again() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, turns) = asked(place.path()).await;
    let last = config().cast.last().expect("a cast").id.clone();
    assert_eq!(who_spoke(&turns), [last.as_str()]);
    let tape = Tape::read(&folder).expect("a good tape");
    tokio::task::spawn_blocking(move || assert_replays(&tape, &turns)).await.expect("it replays");
}

#[tokio::test(start_paused = true)]
async fn without_what_it_meant_the_line_is_judged_by_its_words() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, turns) = asked(place.path()).await;
    let mut tape = Tape::read(&folder).expect("a good tape");
    tape.entries.retain(|entry| !matches!(entry.record, Record::Meant(_)));
    let replay = tokio::task::spawn_blocking(move || replay::run(&tape));
    let replayed = replay.await.expect("no panic").expect("it runs").turns;
    assert_ne!(who_spoke(&replayed), who_spoke(&turns));
}

#[tokio::test(start_paused = true)]
async fn who_is_taken_out_of_a_tape_leaves_no_fingerprint() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, _) = asked(place.path()).await;
    let tape = Tape::read(&folder).expect("a good tape");
    let fingerprint = tape::fingerprint_of_text(ASKED);
    let told = |tape: &Tape| {
        let lines = tape.entries.iter().map(|entry| serde_json::to_string(entry).expect("JSON"));
        lines.collect::<String>()
    };
    assert!(told(&tape).contains(&fingerprint));
    let cut = Cut { from_us: 0, to_us: tape.last_us(), redact: vec!["tom".to_owned()] };
    assert!(!told(&tape::trim(&tape, &cut)).contains(&fingerprint));
}
