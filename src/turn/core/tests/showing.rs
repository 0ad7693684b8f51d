//! What is shown, to those who see and to those who do not.

use super::*;
use crate::llm::Senses;
use crate::picture::{Picture, Source};
use crate::turn::Shown;
use crate::video::I420;

const SEES: Senses = Senses { sees: true, hears: false };

fn picture(luma: u8) -> Picture {
    let mut frame = I420::black(8, 8).unwrap();
    frame.planes_mut().0.fill(luma);
    Picture::of_frame(&frame)
}

impl Room {
    fn shows(&mut self, text: &str, source: Source, picture: Option<Picture>) {
        self.lines += 1;
        let (id, human, manner) = (LineId(self.lines), HumanId::new("tom"), Manner::Typed);
        let shown = vec![Shown { by: "Tom\n".to_owned(), source, picture }];
        self.tell(Event::Line { id, human, manner, text: text.to_owned(), shown, sound: None });
    }

    fn granted(&self) -> &Grant {
        self.grant.as_ref().expect("somebody was granted the floor")
    }

    /// The names of what the newest grant shows.
    fn seen(&self) -> Vec<String> {
        self.granted().pictures().map(|picture| picture.id().to_string()).collect()
    }
}

#[test]
fn what_is_shown_is_in_the_turn_and_in_later_ones() {
    let mut room = Room::with(Options { senses: SEES, ..Options::default() });
    let (one, two) = (picture(60), picture(200));
    room.shows("Ada, what is this?", Source::Camera, Some(one.clone()));
    assert_eq!(room.seen(), [one.id().as_str()]);
    let told = &room.granted().messages[1].content;
    assert_eq!(told, "(Tom's camera: \u{fffc})\nTom: Ada, what is this?");
    room.begins();
    room.ends("A stone.", SpeechEnd::Finished);
    room.shows("Nora, and this?", Source::Camera, Some(two.clone()));
    assert_eq!(room.seen(), [one.id().as_str(), two.id().as_str()]);
    assert_eq!(room.granted().says, None);
}

#[test]
fn who_has_no_eyes_says_so_where_they_are_asked_for_and_only_there() {
    let mut room = Room::new();
    room.types("tom", "Ada, can you see my hat?");
    let grant = room.granted();
    assert!(grant.says.is_some_and(|words| words.contains("cannot see")), "{grant:?}");
    room.begins();
    room.ends("I cannot see pictures.", SpeechEnd::Finished);
    room.shows("Nora, what is this?", Source::Chat, None);
    assert!(room.granted().says.is_some() && room.seen().is_empty());
    room.begins();
    room.ends("I cannot see pictures.", SpeechEnd::Finished);
    room.types("tom", "Ada, what is two and two?");
    assert_eq!(room.granted().says, None);
}

#[test]
fn one_who_is_not_to_see_does_not() {
    let options = Options { senses: SEES, ..Options::default() };
    let persona = |id: &str, sees| Persona {
        id: PersonaId::new(id),
        name: id.to_owned(),
        card: "A friend.".to_owned(),
        voice: VoiceStyle::default(),
        mode: Mode::Open,
        sees,
        hears: Hears::Transcript,
    };
    let mut room = Room::with(options);
    room.core = Core::new(vec![persona("Ada", Some(false)), persona("Nora", None)], options);
    for id in ["Ada", "Nora"] {
        room.tell(Event::Hosted { persona: PersonaId::new(id), hosted: true });
    }
    room.tell(Event::HumanJoined { human: HumanId::new("tom"), name: "Tom".to_owned() });
    room.shows("Ada, how are you?", Source::Camera, Some(picture(30)));
    assert!(room.granted().says.is_none() && room.seen().is_empty(), "a camera is on, no more");
    room.begins();
    room.ends("Well.", SpeechEnd::Finished);
    room.shows("Ada, what is this?", Source::Chat, Some(picture(90)));
    assert!(room.granted().says.is_some() && room.seen().is_empty());
    room.begins();
    room.ends("I cannot see pictures.", SpeechEnd::Finished);
    room.types("tom", "Nora, and you?");
    assert_eq!((room.granted().says, room.seen().len()), (None, 2));
}

#[test]
fn whoever_would_answer_can_take_in_what_is_being_said_and_shown() {
    let mut room = Room::with(Options { senses: SEES, ..Options::default() });
    room.starts("tom");
    let (source, picture) = (Source::Screen, Some(picture(70)));
    let shown = vec![Shown { by: "Tom".to_owned(), source, picture }];
    let likely = |room: &Room, text: &str| {
        room.core.likely(room.now, &HumanId::new("tom"), text, shown.clone())
    };
    let (persona, view) = likely(&room, "Ada, is seven prime?").expect("Ada is asked");
    assert_eq!(likely(&room, "Ada, I wonder whether"), None, "it is unfinished");
    assert_eq!(likely(&room, "Zoe, are you there?"), None, "nobody of the cast is asked");
    assert_eq!(room.done(), [""; 0], "nothing came of it");
    let (id, human, manner) = (LineId(1), HumanId::new("tom"), Manner::Heard);
    let text = "Ada, is seven prime?".to_owned();
    room.tell(Event::Line { id, human, manner, text, shown: shown.clone(), sound: None });
    let grant = room.grant.expect("Ada answers");
    assert_eq!((&grant.persona, grant.pictures().count()), (&persona, 1));
    assert_eq!(grant.messages[..view.len()], view, "the reply begins with it");
}
