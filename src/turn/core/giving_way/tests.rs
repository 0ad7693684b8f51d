use super::super::tests::Room;
use super::*;
use crate::id::PersonaId;
use crate::turn::{Event, SpeechEnd};

/// Ada speaks, and Zoe makes a sound.
fn interrupted() -> Room {
    let mut room = Room::new();
    room.says("tom", "Ada, tell a story.");
    room.begins();
    room.starts("zoe");
    assert!(room.done().contains(&"t1 hold".to_owned()));
    room
}

/// What the holder was told, and what became of turns.
fn told(room: &mut Room) -> Vec<String> {
    let log = room.done().into_iter();
    log.filter(|entry| !entry.starts_with("wake") && !entry.contains("passed")).collect()
}

#[test]
fn after_a_cough_the_speech_goes_on() {
    let mut room = interrupted();
    room.waits(Duration::from_millis(400));
    room.drops("zoe");
    assert_eq!(told(&mut room), ["t1 resume Clause"]);
    room.ends("Once upon a time.", SpeechEnd::Finished);
    assert_eq!(told(&mut room), ["t1 ada spoke: called by name"]);
}

#[test]
fn a_short_sound_is_not_waited_for_and_its_words_may_still_stop_it() {
    let mut room = interrupted();
    room.waits(Duration::from_millis(690));
    room.tell(Event::Wake);
    assert_eq!(told(&mut room), ["t1 resume Clause"]);
    room.line("zoe", Manner::Heard, "Wait!");
    assert_eq!(told(&mut room), ["t1 stop"]);
    room.stopped("Once upon");
    assert_eq!(told(&mut room), ["t1 ada interrupted: a human spoke"]);
    assert_eq!(room.transcript()[1..], ["Ada: Once upon", "Zoe: Wait!"]);
}

#[test]
fn what_lasts_is_waited_for_until_its_words_are_known() {
    let mut room = interrupted();
    room.lasts("zoe", 300);
    room.waits(Duration::from_millis(2_000));
    room.tell(Event::Wake);
    assert_eq!(told(&mut room), [""; 0]);
    room.drops("zoe");
    assert_eq!(told(&mut room), ["t1 resume Sentence"]);
}

#[test]
fn a_nod_leaves_the_floor_as_soon_as_it_is_recognised() {
    let mut room = interrupted();
    room.lasts("zoe", 300);
    room.words("zoe", "Yeah, right.");
    assert_eq!(told(&mut room), ["t1 resume Clause"]);
    // She goes on after all.
    room.lasts("zoe", 600);
    assert_eq!(told(&mut room), ["t1 hold"]);
    room.line("zoe", Manner::Heard, "Mm-hmm.");
    assert_eq!(told(&mut room), ["t1 resume Clause"]);
    assert_eq!(room.transcript()[1..], ["Zoe: Mm-hmm."]);
}

#[test]
fn words_stop_it_before_the_line_is_there() {
    let mut room = interrupted();
    room.words("zoe", "Wait, Ada,");
    assert_eq!(told(&mut room), ["t1 stop"]);
    room.stopped("Once");
    room.line("zoe", Manner::Heard, "Wait, Ada, who was that?");
    assert_eq!(told(&mut room), ["t1 ada interrupted: a human spoke", "t4 ada answers l3"]);
}

#[test]
fn a_line_is_taken_when_what_was_heard_of_the_speech_is_known() {
    let mut room = interrupted();
    room.lasts("zoe", 400);
    room.line("zoe", Manner::Heard, "And then?");
    assert_eq!(told(&mut room), ["t1 stop"]);
    assert_eq!(room.transcript().len(), 1, "it waits");
    room.stopped("Once upon a time");
    // The talk was Ada's: only that makes the line hers.
    assert_eq!(told(&mut room).last().unwrap(), "t4 ada answers l2");
    assert_eq!(room.transcript()[1..], ["Ada: Once upon a time", "Zoe: And then?"]);
}

#[test]
fn nobody_goes_on_while_another_speaks() {
    let mut room = interrupted();
    room.starts("tom");
    room.lasts("tom", 300);
    room.drops("zoe");
    assert_eq!(told(&mut room), [""; 0]);
    room.drops("tom");
    assert_eq!(told(&mut room), ["t1 resume Clause"]);
}

#[test]
fn silence_without_end_gives_the_floor_up() {
    let mut room = interrupted();
    room.lasts("zoe", 300);
    room.waits(HELD_MAX);
    room.tell(Event::Wake);
    assert_eq!(told(&mut room), ["t1 stop"]);
}

#[test]
fn a_hush_is_final_while_it_is_held() {
    let mut room = interrupted();
    room.tell(Event::Hush { persona: PersonaId::new("ada") });
    assert_eq!(told(&mut room), ["t1 stop"]);
    room.drops("zoe");
    assert_eq!(told(&mut room), [""; 0]);
    room.stopped("Once");
    assert_eq!(told(&mut room), ["t1 ada interrupted: hushed"]);
}

#[test]
fn a_cough_before_the_first_sample_costs_no_second_thought() {
    let mut room = Room::new();
    room.says("tom", "Ada, hello.");
    room.starts("zoe");
    room.drops("zoe");
    let granted = room.done().into_iter().filter(|entry| entry.contains("answers")).count();
    assert_eq!(granted, 1);
    room.replies("Hello.");
    assert_eq!(room.done(), ["t1 ada spoke: called by name"]);
}

#[test]
fn what_a_voice_stopped_before_it_was_audible_is_granted_again() {
    let mut room = Room::new();
    room.says("tom", "Ada, hello.");
    room.done();
    room.starts("zoe");
    room.lasts("zoe", 1_000);
    room.done();
    room.stopped("");
    room.drops("zoe");
    assert_eq!(room.done(), ["wake at 45.080000s", "t1 ada answers l1"]);
    room.replies("Hello.");
    assert_eq!(room.done(), ["t1 ada spoke: called by name"]);
}

#[test]
fn mumbling_without_end_ends_the_turn() {
    let mut room = Room::new();
    room.says("tom", "Ada, hello.");
    for _ in 0..3 {
        room.starts("tom");
        room.lasts("tom", 1_000);
        room.stopped("");
        room.drops("tom");
    }
    assert_eq!(room.done().last().unwrap(), "t1 ada interrupted: a human spoke");
}
