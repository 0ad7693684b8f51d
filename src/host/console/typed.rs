//! What a typed line means.

use crate::admin::state::Command;
use crate::persona::{Mode, Persona};

/// One typed line, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    Nothing,
    Line(String),
    Quit,
    Help,
    Command(Command),
    /// A sentence for the one who typed it.
    Mistake(String),
}

/// The help, a line each.
pub(super) const HELP: [&str; 5] = [
    "a line        says it to everybody",
    "/hush NAME    stops a persona's speech",
    "/mode NAME open|addressed|humans|asleep",
    "/help         shows this",
    "/quit         ends the conversation; so does the end of input",
];

/// Reads a line. A second slash in front says a line that begins with one.
pub(super) fn read(line: &str, cast: &[Persona]) -> Typed {
    let line = line.trim();
    if line.is_empty() {
        return Typed::Nothing;
    }
    let Some(command) = line.strip_prefix('/') else { return Typed::Line(line.to_owned()) };
    if command.starts_with('/') {
        return Typed::Line(command.to_owned());
    }
    let mut words = command.split_whitespace();
    let word = words.next().unwrap_or_default();
    let rest: Vec<&str> = words.collect();
    match (word, &rest[..]) {
        ("quit" | "q", []) => Typed::Quit,
        ("help" | "?", []) => Typed::Help,
        ("hush", name) => match find(&name.join(" "), cast) {
            Ok(persona) => Typed::Command(Command::Hush { persona: persona.id.clone() }),
            Err(mistake) => Typed::Mistake(mistake),
        },
        ("mode", [name @ .., mode]) => match (find(&name.join(" "), cast), self::mode(mode)) {
            (Ok(persona), Some(mode)) => {
                Typed::Command(Command::Mode { persona: persona.id.clone(), mode })
            }
            (Err(mistake), _) => Typed::Mistake(mistake),
            (_, None) => Typed::Mistake(format!(
                "{mode:?} is no mode; use open, addressed, humans or asleep"
            )),
        },
        _ => Typed::Mistake(format!("{line:?} is not understood; /help shows what is")),
    }
}

/// The persona of this name or id, in any case.
fn find<'a>(name: &str, cast: &'a [Persona]) -> Result<&'a Persona, String> {
    let wanted = name.to_lowercase();
    let same = |p: &&Persona| p.name.to_lowercase() == wanted || p.id.as_str() == wanted;
    cast.iter().find(same).ok_or_else(|| {
        let names: Vec<&str> = cast.iter().map(|persona| persona.name.as_str()).collect();
        format!("nobody here is called {name:?}; here are {}", names.join(", "))
    })
}

fn mode(word: &str) -> Option<Mode> {
    let modes = [Mode::Open, Mode::Addressed, Mode::Humans, Mode::Asleep];
    modes.into_iter().find(|mode| mode.as_str() == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PersonaId;
    use crate::persona::{Hears, VoiceStyle};

    fn cast() -> [Persona; 2] {
        ["Ada", "Old Tom"].map(|name| Persona {
            id: PersonaId::new(name.to_lowercase().replace(' ', "-")),
            name: name.to_owned(),
            card: String::new(),
            voice: VoiceStyle::default(),
            mode: Mode::Open,
            sees: None,
            hears: Hears::default(),
        })
    }

    fn hush(id: &str) -> Typed {
        Typed::Command(Command::Hush { persona: PersonaId::new(id) })
    }

    #[test]
    fn lines_and_commands_are_told_apart() {
        let read = |line| read(line, &cast());
        assert_eq!(read("  \t"), Typed::Nothing);
        assert_eq!(read(" Hello, Ada. "), Typed::Line("Hello, Ada.".to_owned()));
        assert_eq!(read("//etc is a folder"), Typed::Line("/etc is a folder".to_owned()));
        assert_eq!(read("/quit"), Typed::Quit);
        assert_eq!(read("/hush ADA"), hush("ada"));
        assert_eq!(read("/hush old tom"), hush("old-tom"));
        let mode = Command::Mode { persona: PersonaId::new("old-tom"), mode: Mode::Asleep };
        assert_eq!(read("/mode Old Tom asleep"), Typed::Command(mode));
    }

    #[test]
    fn a_mistake_says_what_would_be_right() {
        let mistake = |line| match read(line, &cast()) {
            Typed::Mistake(sentence) => sentence,
            other => panic!("{line}: {other:?}"),
        };
        assert!(mistake("/hush Eve").contains("Ada, Old Tom"));
        assert!(mistake("/mode Ada loud").contains("addressed"));
        assert!(mistake("/mode").contains("/help"));
        assert!(mistake("/quiet").contains("/help"));
    }
}
