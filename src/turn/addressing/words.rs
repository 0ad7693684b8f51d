//! A line as words, folded so that spelling, case and accents do not matter.

/// What stands between two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Break {
    None,
    Comma,
    /// The end of a sentence, or of the line.
    Stop,
    /// The same, of a question.
    Question,
}

impl Break {
    pub(super) fn ends_sentence(self) -> bool {
        self >= Self::Stop
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Lower case, without accents, apostrophes and a final "'s".
    pub text: String,
    /// It ended in "'s": of somebody, or "is".
    pub owns: bool,
    /// It begins with a capital letter.
    pub capital: bool,
    /// It is written as "@name".
    pub at: bool,
    /// What follows it.
    pub after: Break,
}

/// Titles whose full stop ends nothing.
const TITLES: [&str; 9] = ["dr", "mr", "mrs", "ms", "prof", "st", "capt", "sgt", "jr"];

/// Whether `word` is a title, which nobody is called by alone.
pub(super) fn is_title(word: &str) -> bool {
    TITLES.contains(&word) || matches!(word, "doctor" | "professor" | "captain" | "the")
}

/// Whether `sentence` ends on a question mark.
pub(super) fn is_question(sentence: &[Word]) -> bool {
    sentence.last().is_some_and(|word| word.after == Break::Question)
}

/// Turns of phrase, word by word.
pub(super) type Phrases = &'static [&'static [&'static str]];

/// The one of `phrases` that `line` begins with.
pub(super) fn begins_with(line: &[Word], phrases: Phrases) -> Option<&'static [&'static str]> {
    let begins = |words: &&&[&str]| {
        words.len() <= line.len() && words.iter().zip(line).all(|(one, word)| *one == word.text)
    };
    phrases.iter().find(begins).copied()
}

/// Whether one of `phrases` stands somewhere in `line`.
pub(super) fn says(line: &[Word], phrases: Phrases) -> bool {
    (0..line.len()).any(|at| begins_with(&line[at..], phrases).is_some())
}

pub(super) fn words(line: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut raw = String::new();
    for letter in line.chars() {
        if letter.is_alphanumeric() || is_apostrophe(letter) || letter == '@' && raw.is_empty() {
            raw.push(letter);
            continue;
        }
        words.extend(word(&raw));
        raw.clear();
        let Some(last) = words.last_mut() else { continue };
        let found = break_of(letter);
        if !(found == Break::Stop && TITLES.contains(&last.text.as_str())) {
            last.after = last.after.max(found);
        }
    }
    words.extend(word(&raw));
    if let Some(last) = words.last_mut() {
        last.after = last.after.max(Break::Stop);
    }
    words
}

fn word(raw: &str) -> Option<Word> {
    let (raw, at) = raw.strip_prefix('@').map_or((raw, false), |name| (name, true));
    let folded: String = raw.chars().flat_map(char::to_lowercase).map(fold).collect();
    let stem = folded.strip_suffix("'s").filter(|stem| !stem.is_empty());
    let text: String = stem.unwrap_or(&folded).chars().filter(|&letter| letter != '\'').collect();
    let (capital, owns) = (raw.chars().next().is_some_and(char::is_uppercase), stem.is_some());
    let word = Word { text, owns, capital, at, after: Break::None };
    (!word.text.is_empty()).then_some(word)
}

fn break_of(letter: char) -> Break {
    match letter {
        ',' | '，' | '、' => Break::Comma,
        '?' | '？' => Break::Question,
        '.' | '!' | ';' | ':' | '…' | '—' | '–' | '。' | '！' | '\n' => Break::Stop,
        _ => Break::None,
    }
}

fn is_apostrophe(letter: char) -> bool {
    matches!(letter, '\'' | '’')
}

/// The plain letter under an accent, for the Latin alphabets of Europe.
fn fold(letter: char) -> char {
    match letter {
        '’' => '\'',
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'ď' | 'đ' | 'ð' => 'd',
        'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => 'e',
        'ğ' => 'g',
        'ì'..='ï' | 'ī' | 'ı' => 'i',
        'ł' | 'ľ' => 'l',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
        'ř' => 'r',
        'ś' | 'š' | 'ş' | 'ș' => 's',
        'ť' | 'ț' | 'ţ' => 't',
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_know_what_follows_them() {
        let found: Vec<(String, Break)> = words("Hey Zoltán — it’s O'Hara's, right?")
            .into_iter()
            .map(|w| (w.text, w.after))
            .collect();
        let want = [
            ("hey", Break::None),
            ("zoltan", Break::Stop),
            ("it", Break::None),
            ("ohara", Break::Comma),
            ("right", Break::Question),
        ];
        assert_eq!(found, want.map(|(text, after)| (text.to_owned(), after)));
    }

    #[test]
    fn phrases_are_found_where_they_stand() {
        let line = words("Well, never mind the rest.");
        const PHRASES: Phrases = &[&["mind", "me"], &["never", "mind"], &["rest", "well"]];
        assert_eq!(begins_with(&line[1..], PHRASES), Some(PHRASES[1]));
        assert_eq!(begins_with(&line, PHRASES), None);
        assert!(says(&line, PHRASES) && !says(&line[2..], PHRASES));
    }

    #[test]
    fn a_title_ends_no_sentence() {
        let found = words("Dr. Grace, please");
        assert_eq!(found[0].after, Break::None);
        assert_eq!(found[1].after, Break::Comma);
    }

    #[test]
    fn nothing_is_no_words() {
        assert_eq!(words(" …'’ ?"), []);
    }
}
