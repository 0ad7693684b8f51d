//! What a persona's seat is told: who it is, and the conversation as it sees it.
//!
//! Every token here is paid for at every persona's warm-up, and a small model drowns in
//! instructions: keep it short.

use crate::id::{PersonaId, Speaker};
use crate::persona::Persona;
use crate::turn::Line;

use super::{Message, Role};

/// The persona's system message. `cast` are all personas' names; its own is left out.
///
/// It depends on nothing that changes while the room is open, so that the seat's prefix stays.
pub fn system_message<S: AsRef<str>>(persona: &Persona, cast: &[S]) -> Message {
    let name = &persona.name;
    let mut text = format!("You are {name}. {}\n", persona.card.trim());
    let others: Vec<&str> = cast.iter().map(AsRef::as_ref).filter(|other| other != name).collect();
    if !others.is_empty() {
        text += &format!("Also in the room: {}.\n", others.join(", "));
    }
    text +=
        &format!("This is a spoken conversation. Answer as {name} in one or two short sentences.");
    Message { role: Role::System, content: text }
}

/// The lines as chat messages: the persona's own are the assistant's, all others are the user's,
/// with their speakers' names; neighbours are merged.
pub fn conversation<'a>(
    persona: &PersonaId,
    lines: impl Iterator<Item = &'a Line>,
) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    for line in lines {
        let own = matches!(&line.speaker, Speaker::Persona(id) if id == persona);
        let (role, said, joint) = if own {
            (Role::Assistant, line.text.trim().to_owned(), ' ')
        } else {
            (Role::User, format!("{}: {}", line.name, line.text.trim()), '\n')
        };
        match messages.last_mut() {
            Some(last) if last.role == role => {
                last.content.push(joint);
                last.content += &said;
            }
            _ => messages.push(Message { role, content: said }),
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{HumanId, LineId};
    use crate::persona::{Mode, VoiceStyle};
    use crate::turn::Manner;

    fn line(speaker: Speaker, name: &str, text: &str) -> Line {
        Line {
            id: LineId(1),
            speaker,
            name: name.to_owned(),
            manner: Manner::Heard,
            text: text.to_owned(),
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
        let messages = conversation(&nora, lines.iter());
        let seen: Vec<(Role, &str)> =
            messages.iter().map(|message| (message.role, message.content.as_str())).collect();
        assert_eq!(
            seen,
            [
                (Role::User, "Tom: Hello all.\nAda: Hi Tom."),
                (Role::Assistant, "Good day. How are you?"),
                (Role::User, "Tom: Fine."),
            ]
        );
    }

    #[test]
    fn a_human_called_like_the_persona_is_not_the_persona() {
        let nora = PersonaId::new("nora");
        let lines = [line(Speaker::Human(HumanId::new("nora")), "Nora", "Hi.")];
        assert_eq!(conversation(&nora, lines.iter())[0].role, Role::User);
    }

    #[test]
    fn the_system_message_names_the_others_only() {
        let persona = Persona {
            id: PersonaId::new("nora"),
            name: "Nora".to_owned(),
            card: " Nora is a botanist.\n".to_owned(),
            voice: VoiceStyle::default(),
            mode: Mode::Open,
        };
        let alone = system_message(&persona, &["Nora"]).content;
        assert!(alone.contains("Nora is a botanist.\n") && !alone.contains("room"), "{alone}");
        let among = system_message(&persona, &["Ada", "Nora", "Max"]).content;
        assert!(among.contains("Also in the room: Ada, Max.\n"), "{among}");
    }
}
