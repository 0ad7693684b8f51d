//! Names in a line, also when they were misheard.

use super::words::{Word, is_title, words};

/// How somebody may be called: sequences of folded words, the longest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names(Vec<Vec<String>>);

impl Names {
    /// The whole name, and its first word that is not a title.
    pub(super) fn of(name: &str) -> Self {
        let whole: Vec<String> = words(name).into_iter().map(|word| word.text).collect();
        let first = whole.iter().find(|word| !is_title(word)).cloned();
        let mut all = vec![whole];
        all.extend(first.map(|first| vec![first]));
        all.dedup();
        all.retain(|name| !name.is_empty());
        Self(all)
    }

    /// How many words from the first of `line` on are one of these names; none when they are not.
    pub(super) fn at(&self, line: &[Word]) -> Option<usize> {
        self.0.iter().map(|name| (name, name.len())).find_map(|(name, length)| {
            let here = line.get(..length)?;
            here.iter().map(|word| &word.text).eq(name).then_some(length)
        })
    }

    /// Whether `word` may be one of these names, misheard. Only names of one word, of three
    /// letters and more.
    pub(super) fn sounds_like(&self, word: &str) -> bool {
        let single = self.0.iter().filter_map(|name| match name.as_slice() {
            [name] => Some(name.as_str()),
            _ => None,
        });
        !COMMON.contains(&word) && single.into_iter().any(|name| is_misheard(name, word))
    }
}

/// Short names have many neighbours, so they must sound the same as well.
fn is_misheard(name: &str, word: &str) -> bool {
    let letters = name.chars().count();
    if letters < 3 {
        return false;
    }
    let distance = edit_distance(name, word);
    let same_sound = sound(name) == sound(word);
    let same_start = name.chars().next() == word.chars().next();
    match letters {
        3 => distance <= 1 && same_sound,
        4 => distance <= 1 && (same_sound || same_start),
        5 | 6 => distance <= 1 || (distance <= 2 && same_sound),
        _ => distance <= 2,
    }
}

/// Roughly how a word sounds in English: consonant groups that sound alike are written alike, runs
/// of vowels are one, silent letters are left out.
fn sound(word: &str) -> String {
    let spelled = word.replace("ph", "f").replace("ck", "k").replace('x', "ks").replace("qu", "kw");
    let mut letters = spelled.chars().peekable();
    let mut sound = String::new();
    while let Some(letter) = letters.next() {
        let written = match letter {
            'a' | 'e' | 'i' | 'o' | 'u' | 'y' => 'a',
            'c' if matches!(letters.peek(), Some('e' | 'i' | 'y')) => 's',
            'c' | 'q' => 'k',
            'z' => 's',
            'h' => continue,
            other => other,
        };
        if !sound.ends_with(written) {
            sound.push(written);
        }
    }
    sound
}

/// Levenshtein's.
fn edit_distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

/// Words that are heard as themselves: the most common ones with up to six letters that stand at
/// the edges of sentences.
const COMMON: &[&str] = &[
    "a", "about", "actual", "add", "after", "again", "aid", "all", "also", "always", "and", "any",
    "are", "ask", "away", "back", "bad", "be", "begin", "best", "better", "both", "but", "bye",
    "call", "can", "care", "check", "come", "cool", "could", "day", "dear", "did", "do", "does",
    "done", "dont", "down", "each", "else", "end", "even", "ever", "every", "exact", "fact",
    "fair", "fast", "few", "fine", "first", "for", "four", "from", "full", "funny", "get", "give",
    "go", "good", "great", "had", "half", "hang", "happy", "hard", "has", "have", "he", "hear",
    "hello", "help", "her", "here", "hers", "hey", "hi", "high", "him", "his", "hm", "home", "how",
    "huge", "i", "idea", "if", "im", "in", "is", "it", "its", "ive", "just", "keep", "kind",
    "know", "last", "late", "later", "leave", "left", "less", "let", "lets", "life", "like",
    "line", "list", "listen", "little", "long", "look", "lot", "love", "made", "main", "make",
    "man", "many", "may", "maybe", "me", "mean", "might", "mind", "mine", "moment", "more", "most",
    "much", "must", "my", "near", "need", "never", "new", "next", "nice", "night", "no", "none",
    "nor", "not", "note", "now", "of", "off", "oh", "ok", "okay", "old", "on", "once", "one",
    "only", "open", "or", "other", "our", "out", "over", "part", "past", "people", "place", "plan",
    "please", "point", "quick", "quite", "rather", "read", "ready", "real", "really", "right",
    "room", "said", "same", "say", "second", "see", "she", "short", "should", "show", "side",
    "since", "slow", "small", "so", "some", "soon", "sorry", "sort", "sound", "start", "stay",
    "still", "stop", "such", "sure", "take", "talk", "tell", "than", "thank", "thanks", "that",
    "the", "their", "them", "then", "there", "these", "they", "thing", "things", "think", "this",
    "those", "though", "three", "time", "to", "today", "told", "too", "true", "try", "turn", "two",
    "um", "under", "until", "up", "us", "use", "very", "wait", "want", "was", "way", "we", "week",
    "well", "were", "what", "when", "where", "which", "while", "who", "why", "will", "wish",
    "with", "word", "work", "world", "would", "wow", "yeah", "year", "yes", "yet", "you", "young",
    "your", "yours",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_called_by_the_whole_name_or_the_first() {
        let names = Names::of("Dr. Ada Lovelace");
        let length = |line: &str| names.at(&words(line));
        assert_eq!(length("Dr Ada Lovelace, hello"), Some(3));
        assert_eq!(length("ADA!"), Some(1));
        assert_eq!(length("Lovelace"), None);
        assert_eq!(length("doctor"), None);
        assert_eq!(Names::of("!").at(&words("hello")), None);
    }

    #[test]
    fn a_misheard_name_is_known_by_its_sound() {
        for (name, heard) in [
            ("Ada", "aida"),
            ("Ada", "ayda"),
            ("Ada", "eda"),
            ("Nora", "norah"),
            ("Nora", "noura"),
            ("Felix", "phelix"),
            ("Felix", "felex"),
            ("Hugo", "hugho"),
            ("Björn", "bjorn"),
            ("Catherine", "kathrine"),
        ] {
            assert!(Names::of(name).sounds_like(heard), "{heard} for {name}");
        }
    }

    #[test]
    fn other_words_and_other_names_are_not_taken_for_it() {
        for (name, heard) in [
            ("Ada", "idea"),
            ("Ada", "adam"),
            ("Ada", "add"),
            ("Nora", "dora"),
            ("Nora", "more"),
            ("Hugo", "huge"),
            ("Bo", "bob"),
            ("Mark", "make"),
            ("Felix", "alex"),
        ] {
            assert!(!Names::of(name).sounds_like(heard), "{heard} for {name}");
        }
    }
}
