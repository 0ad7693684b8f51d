//! What those who hear were given is on the tape, and is heard again in a replay.

use super::*;
use troupe::config::EndOfTurn;
use troupe::medium::MediumId;
use troupe::persona::Hears;
use troupe::sound::Sound;
use troupe::stt::scripted::Step;
use troupe::tape::HEARD_FOLDER;

fn hearing_cast() -> Config {
    let mut config = config();
    config.hearing.end_of_turn = EndOfTurn::Fixed(Duration::from_millis(300));
    config.hearing.early_words = false;
    config.cast[0].hears = Hears::Audio;
    config.cast[1].hears = Hears::Both;
    config
}

/// A tone, and then nothing.
fn voice(number: usize) -> Vec<i16> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sounds/room_evening.wav");
    let wav = hound::WavReader::open(path).expect("the sound is part of the repository");
    let quiet = number as i16 + 1;
    let mut sound: Vec<i16> =
        wav.into_samples().map(|s: Result<i16, _>| s.expect("a sample") / quiet).collect();
    sound.resize(sound.len() + 16_000, 0);
    sound
}

/// Tom says three lines, the last two of which differ in how loud they are.
async fn says(folder: &Path) -> (PathBuf, Vec<TurnRecord>) {
    let clock = Clock::start();
    let engine = ScriptedEngine::describing(clock);
    let names: Vec<String> =
        hearing_cast().cast.iter().map(|persona| persona.name.clone()).collect();
    let lines = [0, 1, 2].map(|at| format!("{}, who is there?", names[at]));
    let steps = lines.map(|line| Step::text(&line, Duration::from_millis(80)));
    let recogniser = ScriptedRecogniser::in_order(steps);
    let evening =
        Evening::open_heard(engine, recogniser, clock, Some(folder), hearing_cast(), LIVELY).await;
    for number in 0..3 {
        for chunk in voice(number).chunks(160) {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let (human, samples) = (tom(), chunk.to_vec());
            evening.send(Event::Audio { human, at: clock.now(), samples }).await;
        }
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
    let (tape, turns, _) = evening.end().await;
    (tape.expect("the tape is whole"), turns)
}

fn said(folder: &Path) -> (PathBuf, Vec<TurnRecord>) {
    on_a_paused_clock(says(folder))
}

fn file_of(tape: &Path, sound: &MediumId) -> PathBuf {
    tape.join(HEARD_FOLDER).join(format!("{sound}.wav"))
}

#[test]
fn what_was_heard_is_on_the_tape_and_is_heard_again() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, turns) = said(place.path());
    let tape = Tape::read(&folder).expect("a good tape");
    assert_eq!(tape.sounds.len(), 3);
    let spoken: Vec<&TurnRecord> =
        turns.iter().filter(|turn| !turn.heard_text.is_empty()).collect();
    let counts: Vec<usize> = spoken.iter().map(|turn| turn.sounds.len()).collect();
    assert_eq!(counts, [1, 2, 0], "{spoken:#?}");
    // The prompts had the sounds of the tape.
    assert!(tape.sounds.contains_key(&spoken[1].sounds[1]));
    assert!(spoken[0].heard_text.contains("I hear the sound"), "{}", spoken[0].heard_text);
    assert_replays(&tape, &turns);

    // Prompts are the same, too: of another sound they have another fingerprint.
    let mut other = tape;
    let loud = Sound::of_samples(&[0.5; 3_200]).expect("a good sound");
    other.sounds.values_mut().for_each(|sound| *sound = loud.clone());
    let replayed = replay::run(&other).expect("it runs");
    assert_ne!(replayed.turns, turns);
}

#[test]
fn without_its_sound_a_line_is_its_words() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, _) = said(place.path());
    let whole = Tape::read(&folder).expect("a good tape");
    assert_eq!(without(&whole, &[]).sounds, whole.sounds);
    let hidden = without(&whole, &["tom"]);
    assert!(hidden.sounds.is_empty());
    let text: String =
        hidden.entries.iter().map(|e| serde_json::to_string(e).expect("JSON")).collect();
    for sound in whole.sounds.keys() {
        for named in [format!("\"sound\":\"{sound}"), format!("[\"{sound}")] {
            assert!(!text.contains(&named), "{sound} is still named as what was heard");
        }
    }
    let replayed = replay::run(&hidden).expect("it can be replayed");
    assert!(replayed.turns.iter().all(|turn| turn.sounds.is_empty()));
}

#[test]
fn a_missing_or_changed_sound_is_told_by_its_file() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, _) = said(place.path());
    let id = Tape::read(&folder).expect("a good tape").sounds.keys().next().cloned();
    let path = file_of(&folder, &id.expect("there are three"));
    let good = std::fs::read(&path).expect("it is there");
    let mut flipped = good.clone();
    *flipped.last_mut().expect("bytes") ^= 1;
    let other = Sound::of_samples(&[0.1; 1_600]).expect("a good sound");
    let others = [
        (other.wav().to_vec(), "was changed"),
        (flipped, "was changed"),
        (b"none".to_vec(), "too short"),
        (good[..good.len() / 3 * 2 + 1].to_vec(), "cannot be used"),
        (vec![0; 2 << 20], "more than"),
    ];
    assert_file_is_checked(&folder, &path, &others);
}
