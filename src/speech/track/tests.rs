use proptest::prelude::*;

use super::*;

const MS: u64 = ROOM_RATE_HZ as u64 / 1_000;

fn track(clauses: &[(&str, u64)]) -> Track {
    let mut track = Track::default();
    for (text, ms) in clauses {
        track.add(text, &vec![1_000; (ms * MS) as usize], Duration::ZERO);
    }
    track
}

#[test]
fn words_are_heard_when_they_are_over_and_captioned_when_they_begin() {
    let mut track = track(&[("one two three four", 1_040)]);
    assert_eq!(track.heard(0), "");
    assert_eq!(track.heard(500 * MS), "one two");
    assert_eq!(track.heard(999 * MS), "one two three");
    assert_eq!(track.heard(1_000 * MS), "one two three four");
    assert_eq!(track.caption(1), "one");
    assert_eq!(track.caption(500 * MS), " two three");
    assert_eq!(track.caption(500 * MS), "");
    assert_eq!(track.caption_rest(), " four");
}

#[test]
fn a_sentence_rests_longer_than_a_clause_and_waiting_is_rest() {
    let after = |text: &str, waited_ms: u64| {
        let mut track = track(&[(text, 100)]);
        track.add(" next", &[1], Duration::from_millis(waited_ms));
        track.end() - 1 - 100 * MS
    };
    assert_eq!(after("Well,", 0), 110 * MS);
    assert_eq!(after("Well.", 0), 240 * MS);
    assert_eq!(after("\"Well!\"", 0), 240 * MS);
    assert_eq!(after("Well.", 100), 140 * MS);
    assert_eq!(after("Well.", 1_000), 0);
}

#[test]
fn nothing_of_the_next_clause_is_heard_in_the_rest_before_it() {
    let mut track = track(&[("One.", 200), (" Two.", 200)]);
    assert_eq!(track.heard(300 * MS), "One.");
    assert_eq!(track.caption(300 * MS), "One.");
    assert_eq!(track.heard(640 * MS), "One. Two.");
}

#[test]
fn a_clause_without_sound_is_heard_with_the_one_before() {
    let track = track(&[("Hello there.", 200), (" 👍", 0), (" Bye.", 200)]);
    assert_eq!(track.heard(150 * MS), "Hello");
    assert_eq!(track.heard(200 * MS), "Hello there. 👍");
}

#[test]
fn frames_hold_the_sound_and_the_last_one_is_filled_up() {
    let mut track = Track::default();
    let sound: Vec<i16> = (1..=1_500).collect();
    track.add("x", &sound, Duration::ZERO);
    assert!(track.has_whole_frame());
    assert_eq!(track.take_frame()[..], sound[..960]);
    assert!(track.has_sound() && !track.has_whole_frame());
    let last = track.take_frame();
    assert_eq!(last[..540], sound[960..]);
    assert_eq!(last[540..], [0; 420]);
    assert!(!track.has_sound());
}

#[test]
fn a_fade_goes_on_where_the_sound_was_and_ends_in_silence() {
    let mut track = track(&[("x", 1_000)]);
    for _ in 0..10 {
        track.take_frame();
    }
    let fade = track.fade_out(track.handed() - 960, Duration::from_millis(20));
    assert_eq!(fade.len(), 1);
    assert!(fade[0][0] > 990);
    assert!(fade[0].windows(2).all(|w| w[0] >= w[1]));
    assert_eq!(fade[0][959], 0);
    let long = track.fade_out(track.handed(), Duration::from_millis(50));
    assert_eq!((long.len(), long[2][959]), (3, 0));
    assert!(long[0][959] > 500 && long[2][479] == 0);
}

#[test]
fn without_sound_or_time_there_is_no_fade() {
    assert!(track(&[]).fade_out(0, Duration::from_millis(20)).is_empty());
    assert!(track(&[("x", 100)]).fade_out(0, Duration::ZERO).is_empty());
    let mut track = track(&[("x", 20)]);
    track.take_frame();
    assert!(track.fade_out(960, Duration::from_millis(20)).is_empty());
}

#[test]
fn what_was_played_is_not_kept() {
    let mut track = track(&[("x.", 30_000), (" y,", 5_000), (" z", 25_000)]);
    for _ in 0..2_000 {
        track.take_frame();
    }
    assert_eq!(track.handed(), 40_000 * MS);
    let kept = track.end() - track.base;
    let sentence = (5_000 + 25_000 + 110) * MS;
    assert!(kept < sentence + 2 * 960, "no more than the sentence: {kept}");
    assert!(kept > sentence - 960, "all of the sentence: {kept}");
}

/// Where a speech goes on that was heard up to `ms`.
fn goes_on_at(track: &mut Track, ms: u64, from: Restart) -> u64 {
    while track.handed() < (ms * MS).next_multiple_of(960) {
        track.take_frame();
    }
    track.rewind(ms * MS, from);
    track.handed() / MS
}

#[test]
fn a_speech_goes_on_at_the_beginning_of_what_was_cut() {
    // 0 to 400, 640 to 1,040, 1,150 to 1,550 ms.
    let clauses = [("One two.", 400), (" Three,", 400), (" four.", 400)];
    let at = |ms, from| goes_on_at(&mut track(&clauses), ms, from);
    assert_eq!(at(200, Restart::Clause), 0);
    assert_eq!(at(300, Restart::Sentence), 0);
    assert_eq!(at(380, Restart::Sentence), 380, "all of it was heard");
    assert_eq!(at(500, Restart::Sentence), 500, "a rest is over when it is over");
    assert_eq!(at(900, Restart::Sentence), 640);
    assert_eq!(at(1_300, Restart::Clause), 1_140, "on a frame");
    assert_eq!(at(1_300, Restart::Sentence), 640);
}

#[test]
fn what_is_played_again_is_the_same_sound() {
    let mut track = Track::default();
    let sound: Vec<i16> = (0..9_600).map(|at| (at % 3_000) as i16).collect();
    track.add("One two three.", &sound, Duration::ZERO);
    let first: Vec<Frame> = (0..5).map(|_| track.take_frame()).collect();
    track.rewind(90 * MS, Restart::Sentence);
    let again: Vec<Frame> = (0..5).map(|_| track.take_frame()).collect();
    assert_eq!(first, again);
}

#[test]
fn a_sentence_is_begun_anew_twice_and_then_goes_on() {
    let mut track = track(&[("One two three four five six.", 4_000)]);
    assert_eq!(goes_on_at(&mut track, 1_000, Restart::Sentence), 0);
    assert_eq!(goes_on_at(&mut track, 1_500, Restart::Clause), 0);
    assert_eq!(goes_on_at(&mut track, 2_000, Restart::Sentence), 2_000);
    assert_eq!(goes_on_at(&mut track, 2_500, Restart::Sentence), 2_500);
}

proptest! {
    #[test]
    fn what_is_heard_grows_and_is_a_prefix(
        clauses in prop::collection::vec(("[ a-zé,.👍]{1,20}", 0..2_000u64), 1..6),
        positions in prop::collection::vec(0..12_000u64, 1..20),
    ) {
        let borrowed: Vec<_> = clauses.iter().map(|(text, ms)| (text.as_str(), *ms)).collect();
        let mut track = track(&borrowed);
        let said: String = clauses.iter().map(|(text, _)| text.as_str()).collect();
        let mut positions = positions;
        positions.sort_unstable();
        let (mut longest, mut captions) = (0, String::new());
        for ms in positions {
            let heard = track.heard(ms * MS).to_owned();
            prop_assert!(said.starts_with(&heard));
            prop_assert!(heard.len() >= longest);
            longest = heard.len();
            captions += track.caption(ms * MS);
            prop_assert!(captions.trim_end().len() >= heard.trim_end().len() || ms == 0);
        }
        captions += track.caption_rest();
        prop_assert_eq!(captions, said);
    }
}

#[test]
fn the_mouth_has_the_shape_of_what_is_played() {
    let mut track = track(&[("One.", 100)]);
    let cue = |at_ms: u64, shape| Cue { at: (at_ms * MS) as u32, shape };
    track.add_mouth(&[cue(0, Shape::Open), cue(45, Shape::Wide)]);
    // A clause of which nothing is told, and one more of which it is.
    track.add(" Two", &vec![1_000; (100 * MS) as usize], Duration::MAX);
    track.add_mouth(&[]);
    track.add(" three.", &vec![1_000; (40 * MS) as usize], Duration::MAX);
    track.add_mouth(&[cue(0, Shape::Small)]);
    let shapes = |track: &mut Track| {
        std::iter::from_fn(|| {
            let shape = track.has_sound().then(|| track.next_shape());
            track.has_sound().then(|| track.take_frame());
            shape
        })
        .collect::<Vec<_>>()
    };
    let (open, wide, small) = (Some(Shape::Open), Some(Shape::Wide), Some(Shape::Small));
    let told = [open, open, wide, wide, wide, None, None, None, None, None, small, small];
    assert_eq!(shapes(&mut track), told);
    // What is said again has its shapes again.
    track.rewind(210 * MS, Restart::Clause);
    assert_eq!(track.next_shape(), small);
}
