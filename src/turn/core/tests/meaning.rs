//! What a line means, where a model has read it.

use super::*;
use crate::meaning::Meaning;

impl Room {
    /// The cards of Ada, Nora and Hugo are so near to what is said next.
    fn means(&mut self, text: &str, near: [f32; 3], wanted: f32) {
        let meaning = Meaning { near: near.to_vec(), wanted, ..Meaning::default() };
        self.tell(Event::Meant { text: text.to_owned(), meaning });
    }
}

#[test]
fn a_question_to_the_room_goes_to_the_nearest_card() {
    let asked = "Does anybody know why the sky is blue?";
    let answers = |near: Option<[f32; 3]>| {
        let mut room = Room::new();
        if let Some(near) = near {
            room.means(asked, near, 3.0);
        }
        room.types("tom", asked);
        room.holder().to_string()
    };
    assert_eq!(answers(None), "ada", "by rotation");
    assert_eq!(answers(Some([0.1, 0.2, 0.6])), "hugo");
    assert_eq!(answers(Some([0.1, 0.6, 0.2])), "nora");
    assert_eq!(answers(Some([0.2, 0.21, 0.21])), "ada", "nothing tells them apart");
}

#[test]
fn whether_an_answer_is_wanted_follows_from_it_too() {
    let said = "Somebody ought to look after these roses one day.";
    let answered = |wanted: f32| {
        let mut room = Room::new();
        room.means(said, [0.2; 3], wanted);
        room.types("tom", said);
        room.grant.is_some()
    };
    assert!(answered(9.0) && !answered(-9.0));
}

#[test]
fn it_is_of_these_words_and_of_no_others() {
    let mut room = Room::new();
    room.means("Why is the sky blue?", [0.0, 0.0, 0.9], 9.0);
    room.types("tom", "Does anybody know why the sky is blue?");
    assert_eq!(room.holder().as_str(), "ada");
}

#[test]
fn a_meaning_for_another_cast_is_ignored_and_counted() {
    let mut room = Room::new();
    let before = room.core.stats().events_ignored;
    let meaning = Meaning { near: vec![0.9], ..Meaning::default() };
    room.tell(Event::Meant { text: "Who is there?".to_owned(), meaning });
    assert_eq!(room.core.stats().events_ignored, before + 1);
}
