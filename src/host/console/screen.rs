//! The conversation as lines of a terminal.

use std::collections::HashMap;

use crate::id::{PersonaId, Speaker};
use crate::persona::Persona;
use crate::room::{AgentState, Caption, Command};

/// What is to be written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// Of the conversation, as it is.
    pub(super) text: String,
    /// Beside it, a line of its own.
    pub(super) note: Option<String>,
}

/// Turns what a room is told into text, in order.
pub(super) struct Screen {
    names: HashMap<PersonaId, String>,
    human: String,
    /// The segment whose line is not ended yet.
    open: Option<String>,
}

impl Screen {
    pub(super) fn new(cast: &[Persona], human: &str) -> Self {
        let names = cast.iter().map(|persona| (persona.id.clone(), persona.name.clone()));
        Self { names: names.collect(), human: human.to_owned(), open: None }
    }

    /// A line stands unfinished.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn show(&mut self, command: &Command) -> Shown {
        match command {
            Command::Caption(caption) => self.caption(caption),
            Command::State { persona, state: AgentState::Thinking } => Shown {
                text: self.end_line(),
                note: Some(format!("{} is thinking", self.name(persona))),
            },
            // What else a persona does is seen by its words; its chat says them again. A console
            // is not recorded.
            Command::State { .. } | Command::Chat { .. } | Command::Recording(_) => {
                Shown::default()
            }
        }
    }

    /// The human's own line, where no keyboard has written it already.
    pub(super) fn own(&mut self, line: &str) -> String {
        format!("{}{}: {line}\n", self.end_line(), self.human)
    }

    /// Ends the line that stands open.
    pub(super) fn end_line(&mut self) -> String {
        self.open.take().map_or(String::new(), |_| "\n".to_owned())
    }

    fn caption(&mut self, caption: &Caption) -> Shown {
        let persona = match &caption.speaker {
            // A human's caption is whole each time, and it comes once.
            Speaker::Human(_) if caption.last => {
                return Shown { text: self.own(caption.text.trim()), note: None };
            }
            Speaker::Human(_) => return Shown::default(),
            Speaker::Persona(persona) => persona,
        };
        let mut text = String::new();
        if self.open.as_ref() == Some(&caption.segment) {
            text.push_str(&printable(&caption.text));
        } else if !caption.text.trim().is_empty() {
            text.push_str(&self.end_line());
            text.push_str(self.name(persona));
            text.push_str(": ");
            text.push_str(printable(&caption.text).trim_start());
            self.open = Some(caption.segment.clone());
        }
        if caption.last && self.open.as_ref() == Some(&caption.segment) {
            text.push_str(&self.end_line());
        }
        Shown { text, note: None }
    }

    fn name<'a>(&'a self, persona: &'a PersonaId) -> &'a str {
        self.names.get(persona).map_or(persona.as_str(), String::as_str)
    }
}

/// A model's text cannot steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::HumanId;
    use crate::persona::{Hears, Mode, VoiceStyle};

    fn screen() -> Screen {
        let cast = ["Ada", "Felix"].map(|name| Persona {
            id: PersonaId::new(name.to_lowercase()),
            name: name.to_owned(),
            card: String::new(),
            voice: VoiceStyle::default(),
            mode: Mode::Open,
            sees: None,
            hears: Hears::default(),
        });
        Screen::new(&cast, "Tom")
    }

    fn caption(who: &str, segment: &str, text: &str, last: bool) -> Command {
        let speaker = match who {
            "you" => Speaker::Human(HumanId::new(who)),
            _ => Speaker::Persona(PersonaId::new(who)),
        };
        let (segment, text) = (segment.to_owned(), text.to_owned());
        Command::Caption(Caption { speaker, segment, text, last })
    }

    fn written(screen: &mut Screen, commands: &[Command]) -> String {
        commands.iter().map(|command| screen.show(command).text).collect()
    }

    #[test]
    fn a_speech_grows_on_its_own_line_under_its_name() {
        let mut screen = screen();
        let text = written(
            &mut screen,
            &[
                caption("you", "u1", "What cooks?", true),
                caption("felix", "t1", " Fish", false),
                caption("felix", "t1", " soup.", false),
                caption("felix", "t1", "", true),
                caption("ada", "t2", "", true),
            ],
        );
        assert_eq!(text, "Tom: What cooks?\nFelix: Fish soup.\n");
        assert!(!screen.is_open());
    }

    #[test]
    fn who_speaks_in_between_gets_a_line_and_the_first_goes_on_below() {
        let text = written(
            &mut screen(),
            &[
                caption("felix", "t1", "Fish", false),
                caption("you", "u2", "Stop!", true),
                caption("felix", "t1", " soup", true),
            ],
        );
        assert_eq!(text, "Felix: Fish\nTom: Stop!\nFelix: soup\n");
    }

    #[test]
    fn thinking_is_a_note_and_a_chat_that_repeats_the_speech_is_nothing() {
        let mut screen = screen();
        let ada = PersonaId::new("ada");
        let thinking = Command::State { persona: ada.clone(), state: AgentState::Thinking };
        let shown = screen.show(&thinking);
        assert_eq!(shown, Shown { text: String::new(), note: Some("Ada is thinking".to_owned()) });
        let chat = Command::Chat { persona: ada, text: "Hello.".to_owned() };
        assert_eq!(screen.show(&chat), Shown::default());
    }

    #[test]
    fn a_text_cannot_steer_the_terminal() {
        let text = written(&mut screen(), &[caption("ada", "t1", "red \u{1b}[31m\nalert", true)]);
        assert_eq!(text, "Ada: red  [31m alert\n");
    }
}
