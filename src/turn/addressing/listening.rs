//! What a human says to show that it listens, while somebody else has the floor.

use super::backchannel::{self, is_sound};
use super::lexicon::{Lexicon, Set};
use super::words::words;

/// Whoever says more wants to speak.
const WORDS_MAX: usize = 4;

/// Said alone, such a word does not tell its language.
const YES: Set = Set::new("yes si oui ja sim");

/// Whether `text`, said while a persona speaks, leaves it the floor: "mhm", "yeah", laughter,
/// and what recognisers write for noise. "No", "wait" and questions do not.
pub fn is_listening(text: &str) -> bool {
    let line = words(text);
    if line.is_empty() || backchannel::is_noise(text, &line) {
        return true;
    }
    let lexicon = Lexicon::of(&line);
    let objects = |word: &str| {
        lexicon.negations.has(word)
            || lexicon.wait.has(word)
            || lexicon.hush.has(word)
            || lexicon.questions.has(word)
            || matches!(word, "nope" | "but" | "so" | "well" | "ouch" | "oof" | "whoa")
    };
    let listens =
        |word: &str| YES.has(word) || (lexicon.nods.has(word) || is_sound(word)) && !objects(word);
    line.len() <= WORDS_MAX
        && !text.trim_end().ends_with('?')
        && line.iter().all(|word| listens(&word.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nods_leave_the_floor_and_objections_take_it() {
        for text in [
            "",
            "Mhm.",
            "mm-hmm",
            "Uh-huh.",
            "Yes.",
            "Yeah, right.",
            "Okay.",
            "I see.",
            "Hahaha!",
            "[coughs]",
            "Hmmmm",
            "Thanks for watching.",
            "Genau.",
            "Sí, sí.",
            "d'accord",
        ] {
            assert!(is_listening(text), "{text}");
        }
        for text in [
            "No.",
            "No, no.",
            "Stop.",
            "Wait!",
            "Wait, Nora.",
            "Nora?",
            "Right?",
            "Why?",
            "Nein.",
            "But",
            "Okay, but how hot?",
            "Yes, tell me more.",
            "Sorry, one question.",
            "Shh.",
            "Hold on.",
            "Hello.",
            "Ouch.",
        ] {
            assert!(!is_listening(text), "{text}");
        }
    }
}
