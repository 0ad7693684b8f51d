//! The recogniser's text, made tidy.

/// Takes out sound descriptions such as `[BLANK_AUDIO]`, `(music)`, `*sighs*` and `♪`, and makes
/// all white space single.
pub(super) fn clean(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        match closing(character).and_then(|close| after.find(close).map(|at| (close, at))) {
            Some((close, at)) => {
                kept.push(' ');
                rest = &after[at + close.len_utf8()..];
            }
            None => {
                kept.push(if character == '♪' { ' ' } else { character });
                rest = after;
            }
        }
    }
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn closing(open: char) -> Option<char> {
    match open {
        '[' => Some(']'),
        '(' => Some(')'),
        '*' => Some('*'),
        _ => None,
    }
}

/// The words in lower case, without punctuation: "Don't!" is `dont`.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|word| {
            word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        })
        .filter(|word: &String| !word.is_empty())
        .collect()
}

/// A phrase is looked for up to this length.
const PHRASE_WORDS_MAX: usize = 16;
/// People do say "no, no, no" and "very, very, very, very"; hardly anybody says it five times.
const REPEATS_MAX: usize = 4;
/// A phrase of so many words nobody says that often; a loop over a sentence is cut off early.
const LONG_PHRASE_WORDS: usize = 4;
const LONG_REPEATS_MAX: usize = 3;

/// Is most of it one phrase, again and again?
pub(super) fn repeats(words: &[String]) -> bool {
    (1..=PHRASE_WORDS_MAX).any(|length| {
        let run = longest_run(words, length);
        let most = if length < LONG_PHRASE_WORDS { REPEATS_MAX } else { LONG_REPEATS_MAX };
        run > most && run * length * 2 > words.len()
    })
}

/// How often a phrase of `length` words follows on itself at most.
fn longest_run(words: &[String], length: usize) -> usize {
    let mut longest = 0;
    let mut same = 0;
    for index in length..words.len() {
        same = if words[index] == words[index - length] { same + 1 } else { 0 };
        longest = longest.max(same / length + 1);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_descriptions_and_spare_space_go() {
        for (text, clean_text) in [
            ("  Hello   there. ", "Hello there."),
            ("[BLANK_AUDIO]", ""),
            ("(music) Hello (door closes) Ada", "Hello Ada"),
            ("*sighs* fine", "fine"),
            ("♪ la la ♪", "la la"),
            ("2 * 3 is (six", "2 * 3 is (six"),
            ("é[x]ü", "é ü"),
        ] {
            assert_eq!(clean(text), clean_text, "{text}");
        }
    }

    #[test]
    fn only_long_runs_are_repetition() {
        let is_repetition = |text: &str| repeats(&words(text));
        assert!(!is_repetition("No, no, no, no!"));
        assert!(is_repetition("no no no no no no"));
        assert!(is_repetition("I am here. I am here. I am here. I am here. I am here."));
        assert!(!is_repetition("a b c d e f g h i j k l m no no no no no"));
        assert!(!is_repetition("I don't know, I don't know, I don't know."));
        let sentence = "The quick brown fox jumps over the lazy dog. ";
        assert!(is_repetition(&(sentence.repeat(4) + "The quick brown fox")));
        assert!(!is_repetition(&sentence.repeat(2)));
        assert!(!is_repetition(""));
    }
}
