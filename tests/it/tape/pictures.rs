//! What was shown is on the tape, and is seen again in a replay.

use super::*;
use troupe::medium::MediumId;
use troupe::picture::Picture;
use troupe::tape::FRAMES_FOLDER;
use troupe::video::I420;

fn picture(luma: u8) -> Picture {
    let mut frame = I420::black(64, 48).expect("even sides");
    frame.planes_mut().0.fill(luma);
    Picture::of_file(Picture::of_frame(&frame).jpeg()).expect("a good file")
}

/// Tom pastes two pictures, one that is none, and asks about each.
async fn shows(folder: &Path) -> (PathBuf, Vec<TurnRecord>) {
    let clock = Clock::start();
    let engine = ScriptedEngine::describing(clock);
    let evening = Evening::open_on(engine, clock, Some(folder), config(), LIVELY).await;
    let files = [picture(60).jpeg().to_vec(), picture(200).jpeg().to_vec(), b"none".to_vec()];
    for file in files {
        evening.send(Event::Pasted { human: tom(), file }).await;
        evening.types("Ada, what is this?", Duration::from_secs(12)).await;
    }
    let (tape, turns, _) = evening.end().await;
    (tape.expect("the tape is whole"), turns)
}

fn shown(folder: &Path) -> (PathBuf, Vec<TurnRecord>) {
    on_a_paused_clock(shows(folder))
}

fn frame_of(tape: &Path, picture: &MediumId) -> PathBuf {
    tape.join(FRAMES_FOLDER).join(format!("{picture}.jpg"))
}

#[test]
fn what_was_shown_is_on_the_tape_and_is_seen_again() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, turns) = shown(place.path());
    let tape = Tape::read(&folder).expect("a good tape");
    let known: Vec<&Picture> = tape.pictures.values().collect();
    assert!(known.len() == 2 && known.contains(&&picture(60)) && known.contains(&&picture(200)));
    let ids: Vec<usize> = turns.iter().map(|turn| turn.pictures.len()).collect();
    assert!(ids.contains(&1) && ids.contains(&2), "{ids:?}");

    assert_replays(&tape, &turns);
    let told = replay::screenplay(&tape.header, tape.entries.iter());
    assert!(told.contains("shows the picture") && told.contains("nobody can see"), "{told}");
}

#[test]
fn whoever_wishes_it_takes_the_pictures_along_too() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, _) = shown(place.path());
    let whole = Tape::read(&folder).expect("a good tape");
    assert_eq!(without(&whole, &[]).pictures, whole.pictures);
    let hidden = without(&whole, &["tom"]);
    assert!(hidden.pictures.is_empty());
    let text: String =
        hidden.entries.iter().map(|e| serde_json::to_string(e).expect("JSON")).collect();
    let fields = text.replace(r#""text":"#, "").replace(r#""heard_text":"#, "");
    for picture in whole.pictures.keys() {
        let named = fields.matches(&format!("[\"{picture}")).count();
        assert_eq!(named, 0, "{picture} is still named as what was shown");
    }
    replay::run(&hidden).expect("it can be replayed");
}

#[test]
fn a_missing_or_changed_picture_is_told_by_its_file() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, _) = shown(place.path());
    let id = Tape::read(&folder).expect("a good tape").pictures.keys().next().cloned();
    let path = frame_of(&folder, &id.expect("there are two"));
    let good = std::fs::read(&path).expect("it is there");
    let mut flipped = good.clone();
    *flipped.last_mut().expect("bytes") ^= 1;
    let others = [
        (picture(99).jpeg().to_vec(), "was changed"),
        (b"none".to_vec(), "cannot be used"),
        (good[..good.len() / 3].to_vec(), "cannot be used"),
        (flipped, "cannot be used"),
        (vec![0; 2 << 20], "more than"),
    ];
    assert_file_is_checked(&folder, &path, &others);
}
