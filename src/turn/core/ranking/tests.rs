use std::time::Duration;

use super::super::Options;
use super::*;
use crate::id::{HumanId, PersonaId};
use crate::persona::{Hears, Mode, Persona, VoiceStyle};
use crate::turn::{Decide, Manner, SpeechEnd};

/// A room with Ada, Nora and Hugo, of whom nothing is known, where Tom is alone.
struct Room {
    core: Core,
    now: Time,
    effects: Vec<Effect>,
}

impl Room {
    fn new(decide: Decide) -> Self {
        let persona = |id: &str| Persona {
            id: PersonaId::new(id),
            name: id[..1].to_uppercase() + &id[1..],
            card: "A friend.".to_owned(),
            voice: VoiceStyle::default(),
            mode: Mode::Open,
            sees: None,
            hears: Hears::default(),
        };
        let cast = ["ada", "nora", "hugo"];
        let options = Options { decide, ..Options::default() };
        let core = Core::new(cast.map(persona).to_vec(), options);
        let mut room = Self { core, now: Time::ZERO, effects: Vec::new() };
        for id in cast {
            room.tell(Event::Hosted { persona: PersonaId::new(id), hosted: true });
        }
        let human = HumanId::new("tom");
        room.tell(Event::HumanJoined { human, name: "Tom".to_owned() });
        room.effects.clear();
        room
    }

    fn tell(&mut self, event: Event) {
        self.effects.extend(self.core.handle(self.now, event));
    }

    fn types(&mut self, line: u64, text: &str) {
        let (id, human) = (LineId(line), HumanId::new("tom"));
        self.tell(Event::Line {
            id,
            human,
            manner: Manner::Typed,
            text: text.to_owned(),
            shown: Vec::new(),
            sound: None,
        });
    }

    /// What the engine was asked, and who got the floor, since the last call.
    fn done(&mut self) -> (Option<Vec<Question>>, Option<String>) {
        let (mut asked, mut granted) = (None, None);
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Rank { questions, .. } => asked = Some(questions),
                Effect::Reply(grant) => granted = Some(grant.persona.as_str().to_owned()),
                _ => {}
            }
        }
        (asked, granted)
    }

    /// The engine finds the line likeliest for `seat`.
    fn ranks(&mut self, line: u64, questions: &[Question], seat: &str) {
        let score = |question: &Question| {
            let nats = if question.seat.as_str() == seat { -1.0 } else { -9.0 };
            Score { nats, tokens: 3 }
        };
        let scores = questions.iter().map(score).collect();
        self.tell(Event::Ranked { line: LineId(line), scores });
    }
}

#[test]
fn a_question_to_the_room_goes_to_whom_the_model_says() {
    for seat in ["ada", "nora", "hugo"] {
        let mut room = Room::new(Decide::Both);
        room.types(1, "How far is the moon?");
        let (asked, granted) = room.done();
        let asked = asked.expect("the model is asked");
        assert_eq!((asked.len(), granted), (3, None), "nobody speaks before it is settled");
        let last = asked[0].messages.last().unwrap();
        assert_eq!(
            (last.content.as_str(), asked[0].text.as_str()),
            ("Tom:", " How far is the moon?")
        );
        room.ranks(1, &asked, seat);
        assert_eq!(room.done().1.as_deref(), Some(seat));
    }
}

#[test]
fn what_names_somebody_or_nobody_is_no_question_for_the_model() {
    let mut room = Room::new(Decide::Both);
    room.types(1, "Hugo, how far is the moon?");
    assert_eq!(room.done(), (None, Some("hugo".to_owned())));
    let mut room = Room::new(Decide::Evidence);
    room.types(1, "How far is the moon?");
    let (asked, granted) = room.done();
    assert!(asked.is_none() && granted.is_some());
}

#[test]
fn the_choice_by_evidence_stands_when_the_model_is_late_or_fails() {
    let by_evidence = || {
        let mut room = Room::new(Decide::Evidence);
        room.types(1, "How far is the moon?");
        room.done().1
    };
    let mut late = Room::new(Decide::Both);
    late.types(1, "How far is the moon?");
    assert!(late.effects.iter().any(|effect| matches!(effect, Effect::WakeAt(_))));
    late.now = late.now + Duration::from_millis(150);
    late.tell(Event::Wake);
    assert_eq!(late.done().1, by_evidence());
    let mut failed = Room::new(Decide::Both);
    failed.types(1, "How far is the moon?");
    failed.tell(Event::Ranked { line: LineId(1), scores: Vec::new() });
    assert_eq!(failed.done().1, by_evidence());
}

#[test]
fn a_new_line_or_an_onset_ends_the_wait_and_an_old_answer_says_nothing() {
    let mut room = Room::new(Decide::Both);
    room.types(1, "How far is the moon?");
    let asked = room.done().0.expect("asked");
    room.types(2, "Hugo, never mind the moon, how are you?");
    assert_eq!(room.done(), (None, Some("hugo".to_owned())));
    room.ranks(1, &asked, "ada");
    assert_eq!(room.done(), (None, None));

    let mut room = Room::new(Decide::Both);
    room.types(1, "How far is the moon?");
    let asked = room.done().0.expect("asked");
    room.tell(Event::SpeechStarted { human: HumanId::new("tom") });
    room.ranks(1, &asked, "ada");
    assert_eq!(room.done().1, None, "a human makes a sound");
    room.tell(Event::SpeechDropped { human: HumanId::new("tom") });
    assert!(room.done().1.is_some());
    let settled = |room: &mut Room| {
        let turns = room.core.turns;
        assert_eq!(turns, 3, "one turn for each persona");
    };
    settled(&mut room);
    let end = SpeechEnd::Finished;
    let turn = crate::id::TurnId(1);
    room.tell(Event::SpeechEnded { turn, line: LineId(9), heard: String::new(), end });
}
