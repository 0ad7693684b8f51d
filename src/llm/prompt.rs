//! What a persona's seat is told: who it is, and the conversation as it sees it.
//!
//! Every token here is paid for at every persona's warm-up, and a small model drowns in
//! instructions: keep it short.
//!
//! All lines carry their speakers' names, the persona's own too, and the reply is begun for it
//! with its own name ([`cue`]). Without that beginning a model of 135 M parameters goes on as
//! somebody else in most of its replies; with it, it stays in its part.

use crate::id::{PersonaId, Speaker};
use crate::medium::MARK;
use crate::persona::{Hears, Persona};
use crate::picture::Source;
use crate::turn::{Line, Shown};

use super::{Message, Role};

/// The persona's system message. `cast` are all personas' names.
///
/// It depends on nothing that changes while the room is open, so that the seat's prefix stays. What
/// is the same for the whole cast comes first: an engine computes it once, and copies it.
pub fn system_message<S: AsRef<str>>(persona: &Persona, cast: &[S]) -> Message {
    let name = &persona.name;
    let mut text =
        "You talk with people in a room. Reply in the first person, in one or two short \
                    sentences. "
            .to_owned();
    if cast.len() > 1 {
        let names: Vec<&str> = cast.iter().map(AsRef::as_ref).collect();
        text += &format!("{} are in the room too. ", names.join(" and "));
    }
    text += &format!("You are {name}. {} Always reply as {name}.", persona.card.trim());
    Message::new(Role::System, text.replace(MARK, ""))
}

/// The lines as chat messages: the persona's own are the assistant's, all others are the user's;
/// each with its speaker's name; neighbours are merged. What was shown with a line stands before
/// it, for a persona that `sees`. What was said stands there as it `hears` it: as words, as a
/// sound, or as both. For a reply, [`cue`] comes after them.
pub fn conversation<'a>(
    persona: &PersonaId,
    sees: bool,
    hears: Hears,
    lines: impl Iterator<Item = &'a Line>,
) -> Vec<Message> {
    let role = |line: &Line| match &line.speaker {
        Speaker::Persona(id) if id == persona => Role::Assistant,
        _ => Role::User,
    };
    let lines: Vec<&Line> = lines.collect();
    let runs = lines.chunk_by(|one, next| role(one) == role(next));
    runs.map(|run| merged(role(run[0]), run, sees, hears)).collect()
}

/// Lines in a row, as one message.
fn merged(role: Role, lines: &[&Line], sees: bool, hears: Hears) -> Message {
    // What stands beside a line's words: ": " and a line break.
    let letters = lines.iter().map(|line| line.name.len() + line.text.len() + 3).sum();
    let mut message = Message::new(role, String::with_capacity(letters));
    for (place, line) in lines.iter().enumerate() {
        match (place, role) {
            (0, _) => tell(&mut message, line, sees, hears),
            // Two of its own lines in a row are one speech.
            (_, Role::Assistant) => message.content.extend([" ", line.text.trim()]),
            _ => {
                message.content.push('\n');
                tell(&mut message, line, sees, hears);
            }
        }
    }
    message
}

/// A line with its speaker's name, after what was shown with it.
fn tell(message: &mut Message, line: &Line, sees: bool, hears: Hears) {
    for shown in line.shown.iter().filter(|_| sees) {
        show(message, shown);
    }
    message.content.extend([&line.name, ":"]);
    let sound = line.sound.as_ref().filter(|_| hears.takes_sound());
    if let Some(sound) = sound {
        message.content.push(' ');
        message.play(sound.clone());
    }
    if sound.is_none() || hears.takes_words() {
        message.content.extend([" ", line.text.trim()]);
    }
}

/// `(Tom's camera: …)` and the picture in it, on a line of its own.
fn show(message: &mut Message, shown: &Shown) {
    let Shown { by, source, picture: Some(picture) } = shown else { return };
    let what = match source {
        Source::Camera => "camera",
        Source::Screen => "screen",
        Source::Chat => "picture",
    };
    message.content.extend(["(", by, "'s ", what, ": "]);
    message.show(picture.clone());
    message.content.push_str(")\n");
}

/// The beginning of the persona's reply: the model goes on from its name.
pub fn cue(name: &str) -> Message {
    Message::new(Role::Assistant, format!("{name}:"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{HumanId, LineId};
    use crate::persona::{Mode, VoiceStyle};
    use crate::sound::Sound;
    use crate::turn::Manner;

    fn line(speaker: Speaker, name: &str, text: &str) -> Line {
        Line {
            id: LineId(1),
            speaker,
            name: name.to_owned(),
            manner: Manner::Heard,
            text: text.to_owned(),
            shown: Vec::new(),
            sound: None,
        }
    }

    #[test]
    fn own_lines_are_the_assistants_and_others_carry_names() {
        let nora = PersonaId::new("nora");
        let tom = Speaker::Human(HumanId::new("tom"));
        let ada = Speaker::Persona(PersonaId::new("ada"));
        let lines = [
            line(tom.clone(), "Tom", "Hello all. "),
            line(ada, "Ada", "Hi Tom."),
            line(Speaker::Persona(nora.clone()), "Nora", "Good day."),
            line(Speaker::Persona(nora.clone()), "Nora", "How are you?"),
            line(tom, "Tom", "Fine."),
        ];
        let messages = conversation(&nora, true, Hears::Both, lines.iter());
        let seen: Vec<(Role, &str)> =
            messages.iter().map(|message| (message.role, message.content.as_str())).collect();
        assert_eq!(
            seen,
            [
                (Role::User, "Tom: Hello all.\nAda: Hi Tom."),
                (Role::Assistant, "Nora: Good day. How are you?"),
                (Role::User, "Tom: Fine."),
            ]
        );
    }

    #[test]
    fn what_was_shown_stands_before_the_line_for_those_who_see() {
        let frame = crate::video::I420::black(8, 8).unwrap();
        let picture = crate::picture::Picture::of_frame(&frame);
        let tom = Speaker::Human(HumanId::new("tom"));
        let shown = |source, picture| Shown { by: "Tom".to_owned(), source, picture };
        let mut asks = line(tom.clone(), "Tom", "What is it?");
        asks.shown = vec![
            shown(Source::Camera, Some(picture.clone())),
            shown(Source::Chat, None),
            shown(Source::Chat, Some(picture)),
        ];
        let lines = [line(tom, "Tom", "Look."), asks];
        let nora = PersonaId::new("nora");
        let [seen] = &conversation(&nora, true, Hears::Both, lines.iter())[..] else {
            panic!("one message")
        };
        let told =
            "Tom: Look.\n(Tom's camera: \u{fffc})\n(Tom's picture: \u{fffc})\nTom: What is it?";
        assert_eq!((seen.content.as_str(), seen.pictures().count()), (told, 2));
        let [blind] = &conversation(&nora, false, Hears::Both, lines.iter())[..] else {
            panic!("one message")
        };
        assert_eq!(
            (blind.content.as_str(), blind.media.len()),
            ("Tom: Look.\nTom: What is it?", 0)
        );
    }

    #[test]
    fn what_was_said_stands_there_as_it_is_heard() {
        let sound = Sound::of_samples(&[0.5; 1_600]).unwrap();
        let tom = Speaker::Human(HumanId::new("tom"));
        let said = Line { sound: Some(sound), ..line(tom.clone(), "Tom", "Hello.") };
        let lines = [said, line(tom, "Tom", "I typed this.")];
        let nora = PersonaId::new("nora");
        for (hears, told, sounds) in [
            (Hears::Transcript, "Tom: Hello.\nTom: I typed this.", 0),
            (Hears::Audio, "Tom: \u{fffc}\nTom: I typed this.", 1),
            (Hears::Both, "Tom: \u{fffc} Hello.\nTom: I typed this.", 1),
        ] {
            let all = conversation(&nora, true, hears, lines.iter());
            assert_eq!((all[0].content.as_str(), all[0].sounds().count()), (told, sounds));
        }
    }

    #[test]
    fn a_human_called_like_the_persona_is_not_the_persona() {
        let nora = PersonaId::new("nora");
        let lines = [line(Speaker::Human(HumanId::new("nora")), "Nora", "Hi.")];
        assert_eq!(conversation(&nora, true, Hears::Both, lines.iter())[0].role, Role::User);
    }

    #[test]
    fn the_system_message_begins_alike_for_the_whole_cast() {
        let persona = Persona {
            id: PersonaId::new("nora"),
            name: "Nora".to_owned(),
            card: " Nora is a botanist.\n".to_owned(),
            voice: VoiceStyle::default(),
            mode: Mode::Open,
            sees: None,
            hears: Hears::default(),
        };
        let alone = system_message(&persona, &["Nora"]).content;
        assert!(alone.contains("Nora is a botanist. Always") && !alone.contains("too"), "{alone}");
        let among = system_message(&persona, &["Ada", "Nora", "Max"]).content;
        assert!(among.contains("Ada and Nora and Max are in the room too."), "{among}");
        let other = Persona { name: "Max".to_owned(), card: "A sailor.".to_owned(), ..persona };
        let other = system_message(&other, &["Ada", "Nora", "Max"]).content;
        let same = among.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
        assert!(among[..same].ends_with("You are "), "{}", &among[..same]);
    }
}
