//! Who may come in by the join page, and under which identity.

use std::hash::{BuildHasher, RandomState};

use super::state::{Status, Visitor};

const NAME_CHARS_MAX: usize = 40;
/// Letters of the name that the identity keeps, so that logs can be read.
const SLUG_CHARS_MAX: usize = 16;

/// Makes a visitor of a typed name, or says in a sentence why not.
pub(super) fn admit(name: &str, status: &Status) -> Result<Visitor, String> {
    let name = name.trim();
    if name.is_empty() {
        return Err("type a name, so that the others know who speaks".to_owned());
    }
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(format!("the name is too long: {NAME_CHARS_MAX} characters are the most"));
    }
    if name.chars().any(unprintable) {
        return Err("the name has characters that cannot be shown: leave them out".to_owned());
    }
    let lower = name.to_lowercase();
    if let Some(taken) = status.personas.iter().find(|p| p.name.to_lowercase() == lower) {
        return Err(format!("{} is in the cast already: choose another name", taken.name));
    }
    Ok(Visitor { identity: identity(&lower, status), name: name.to_owned() })
}

/// Control characters, and those that turn text round or hide in it.
fn unprintable(c: char) -> bool {
    let hidden = matches!(c, '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}');
    hidden || c.is_control() || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Unlike any other, so that nobody is evicted from the room by somebody of the same name.
fn identity(name: &str, status: &Status) -> String {
    let slug: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let slug = if slug.is_empty() { "guest" } else { &slug[..slug.len().min(SLUG_CHARS_MAX)] };
    loop {
        // A new state is randomly keyed.
        let mark = RandomState::new().hash_one(slug) & 0xff_ffff_ffff;
        let identity = format!("{slug}-{mark:010x}");
        let persona = status.personas.iter().any(|p| p.id.as_str() == identity);
        let human = status.humans.iter().any(|h| h.id.as_str() == identity);
        if !persona && !human {
            return identity;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::PersonaStatus;
    use super::*;
    use crate::id::PersonaId;
    use crate::persona::Mode;

    fn cast() -> Status {
        let nora = PersonaStatus::new(PersonaId::new("nora"), "Nora", Mode::Open);
        Status { personas: vec![nora], ..Status::default() }
    }

    #[test]
    fn a_name_becomes_an_identity_of_its_own() {
        let one = admit("  Tom Ångström ", &cast()).expect("a good name");
        let two = admit("Tom Ångström", &cast()).expect("a good name");
        assert_eq!(one.name, "Tom Ångström");
        assert!(one.identity.starts_with("tomngstrm-"), "{}", one.identity);
        assert_ne!(one.identity, two.identity);
        assert!(admit("王", &cast()).expect("a good name").identity.starts_with("guest-"));
    }

    #[test]
    fn names_that_mislead_are_refused_in_a_sentence() {
        let long = "x".repeat(41);
        for name in ["", "   ", "NORA", "a\u{202e}b", "a\nb", long.as_str()] {
            assert!(admit(name, &cast()).is_err(), "{name:?}");
        }
    }
}
