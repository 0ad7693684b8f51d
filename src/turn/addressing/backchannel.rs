//! Sounds of listening, laughter and noise, which want no answer.

use super::lexicon::Lexicon;
use super::words::Word;

/// Longer chains of nods say something.
const WORDS_MAX: usize = 6;

/// What recognisers trained on films write for silence.
const PHANTOMS: &[&str] = &[
    "thanks for watching",
    "thank you for watching",
    "subscribe",
    "subtitles by",
    "next video",
    "like and subscribe",
    "transcribed by",
    "captioned by",
    "untertitel",
    "sous titres",
];

/// Whether `text`, whose words are `line`, is laughter, a mark for a sound, or a phantom.
pub(super) fn is_noise(text: &str, line: &[Word]) -> bool {
    let heard: Vec<&str> = line.iter().map(|word| word.text.as_str()).collect();
    let joined = heard.join(" ");
    let phantom = PHANTOMS.iter().any(|phantom| joined.contains(phantom)) && heard.len() <= 12;
    let (open, close) = (['[', '(', '*', '♪'], [']', ')', '*', '♪']);
    let marked = text.trim().starts_with(open) && text.trim().ends_with(close);
    marked || phantom || heard.iter().all(|word| is_laughter(word))
}

/// Whether it is nothing but words and sounds of listening.
pub(super) fn is_nod(text: &str, line: &[Word], lexicon: &Lexicon) -> bool {
    let nods = line.iter().map(|word| word.text.as_str()).all(|word| {
        let opens = lexicon.openers.has(word) && !is_greeting(word);
        lexicon.nods.has(word) || is_sound(word) || opens
    });
    let question = |word: &Word| lexicon.questions.has(&word.text);
    let asks = text.trim_end().ends_with('?') || line.iter().any(question);
    nods && line.len() <= WORDS_MAX && !asks
}

fn is_laughter(word: &str) -> bool {
    let laughs = matches!(word, "lol" | "lmao" | "rofl" | "xd" | "hehe" | "haha" | "ha" | "jaja");
    let letters = |word: &str| word.chars().all(|one| matches!(one, 'h' | 'a' | 'e' | 'i' | 'o'));
    laughs || word.len() > 4 && word.contains('h') && letters(word)
}

pub(super) fn is_greeting(word: &str) -> bool {
    matches!(
        word,
        "hello"
            | "hi"
            | "hey"
            | "morning"
            | "evening"
            | "goodbye"
            | "bye"
            | "hola"
            | "hallo"
            | "bonjour"
            | "ciao"
            | "ola"
            | "hoi"
            | "salut"
            | "night"
            | "welcome"
            | "then"
            | "say"
            | "look"
            | "excuse"
            | "buongiorno"
            | "listen"
            | "afternoon"
            | "please"
    )
}

/// Laughter, humming, sighs: few letters, many times.
pub(super) fn is_sound(word: &str) -> bool {
    let mut letters: Vec<char> = word.chars().collect();
    let count = letters.len();
    let stretched = letters.windows(3).any(|three| three[0] == three[1] && three[1] == three[2]);
    letters.sort_unstable();
    letters.dedup();
    let numbers = letters.iter().any(char::is_ascii_digit);
    !numbers
        && (stretched
            || count >= 4 && letters.len() <= 2
            || count <= 3 && letters.len() == 1 && count > 1)
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn nods_laughter_and_phantoms_are_nothing() {
        let nothing = |text: &str| {
            let line = words(text);
            is_noise(text, &line) || is_nod(text, &line, Lexicon::of(&line))
        };
        for text in [
            "",
            "mm hm",
            "Uh huh, yep.",
            "Aye. Aye.",
            "Hahahahaha!",
            "lol",
            "hmmmm",
            "[coughs]",
            "right fair enough",
            "ouch. ok",
            "Thanks for watching.",
            "oh wow nice",
            "Ah, okay.",
        ] {
            assert!(nothing(text), "{text}");
        }
        for text in
            ["5 min", "Money, like always.", "Why?", "Hello!", "no i rolled already", "And?"]
        {
            assert!(!nothing(text), "{text}");
        }
    }
}
