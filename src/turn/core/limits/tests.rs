use super::super::tests::Room;
use super::super::{Event, Options};
use crate::id::PersonaId;
use std::time::Duration;

/// What became of everybody's turn for the newest line.
fn outcomes(room: &mut Room) -> Vec<String> {
    let log = room.done().into_iter().filter(|entry| !entry.starts_with("wake"));
    log.map(|entry| entry.split_once(' ').map(|(_, what)| what.to_owned()).unwrap_or(entry))
        .collect()
}

#[test]
fn a_human_sends_a_persona_to_sleep_and_wakes_it() {
    let mut room = Room::new();
    room.says("tom", "Nora, go to sleep.");
    assert_eq!(
        outcomes(&mut room),
        [
            "nora is asleep",
            "ada passed: addressed to Nora",
            "nora asleep: asked to sleep",
            "hugo passed: addressed to Nora"
        ]
    );
    room.says("tom", "Nora, how are you?");
    assert!(outcomes(&mut room).contains(&"nora asleep: asleep".to_owned()));
    room.says("tom", "Wake up, Nora!");
    let woken = outcomes(&mut room);
    assert_eq!(woken[0], "nora is open");
    assert_eq!(woken.last().unwrap(), "nora answers l3", "she says that she is awake");
}

#[test]
fn whoever_is_woken_is_in_the_mode_before() {
    let mut room = Room::new();
    room.mode("nora", crate::persona::Mode::Addressed);
    for text in ["Nora, go to sleep.", "Everybody, go to sleep.", "Nora, wake up."] {
        room.says("tom", text);
        room.tell(Event::Hush { persona: PersonaId::new("nora") });
    }
    let modes: Vec<_> =
        outcomes(&mut room).into_iter().filter(|entry| entry.contains(" is ")).collect();
    assert_eq!(modes, ["nora is asleep", "ada is asleep", "hugo is asleep", "nora is addressed"]);
}

#[test]
fn beyond_the_turns_of_a_minute_only_the_called_answer() {
    let mut room = Room::with(Options { turns_per_minute: Some(2), ..Options::default() });
    for line in 1..=2 {
        room.says("tom", "How far is the moon?");
        room.replies("Far.");
        let done = outcomes(&mut room);
        assert!(done.iter().any(|entry| entry.ends_with(&format!("answers l{}", 2 * line - 1))));
    }
    room.says("tom", "What do you like to eat?");
    let done = outcomes(&mut room);
    assert!(done.iter().all(|entry| entry.contains("outbid")), "{done:?}");
    assert!(done.iter().any(|entry| entry.ends_with("too many turns this minute")), "{done:?}");
    room.says("tom", "Hugo, what do you like to eat?");
    assert!(outcomes(&mut room).iter().any(|entry| entry.starts_with("hugo answers")));
    room.replies("Soup.");
    room.waits(Duration::from_secs(60));
    room.done();
    room.says("zoe", "How far is the sun?");
    assert!(outcomes(&mut room).iter().any(|entry| entry.contains("answers")));
}

#[test]
fn whoever_waited_longest_gets_a_question_that_all_could_answer() {
    for seed in 0..3 {
        let mut room = Room::with(Options { seed, ..Options::default() });
        let mut turns = std::collections::BTreeMap::new();
        let mut first = None;
        for _ in 0..12 {
            room.says("tom", "How high is the Matterhorn?");
            let persona = room.holder();
            first.get_or_insert(persona.clone());
            *turns.entry(persona).or_insert(0) += 1;
            room.replies("Very.");
            // Else the question would go on with who spoke.
            room.waits(Duration::from_secs(61));
        }
        assert_eq!(turns.values().copied().collect::<Vec<_>>(), [4, 4, 4], "{turns:?}");
        let begins = ["ada", "nora", "hugo"][seed as usize % 3];
        assert_eq!(first.unwrap().as_str(), begins, "the seed decides who begins");
    }
}
