//! Names in a line, also when they were misheard.

use super::words::{Break, Word, is_title, words};

/// How somebody may be called, the longest name first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names(Vec<Name>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    /// Folded.
    words: Vec<String>,
    sounds: Sounds,
    letters: usize,
}

impl Name {
    fn of(words: Vec<String>) -> Self {
        let joined = words.concat();
        Self { words, sounds: Sounds::of(&joined), letters: joined.chars().count() }
    }
}

/// What may be a name, misheard: the first words of a line, as they sound. A recogniser hears an
/// unknown name as words that it knows, often as two.
pub(super) struct Heard {
    /// The first word, unless it is a common one.
    first: Option<Sounds>,
    /// So many words in one, where no pause divides them.
    joined: Vec<(usize, Sounds)>,
}

impl Heard {
    /// The first words of `line`, which has one at least.
    pub(super) fn of(line: &[Word]) -> Self {
        let common: Vec<bool> =
            line.iter().take(WORDS_MAX).map(|word| is_common(&word.text)).collect();
        let together =
            1 + line.iter().take(WORDS_MAX).take_while(|word| word.after == Break::None).count();
        let lengths = (1..=together.min(common.len())).filter(|length| {
            // Common words are heard as themselves.
            !common[..*length].iter().all(|common| *common)
        });
        let joined = |length: usize| {
            let parts = line[..length].iter();
            let parts =
                parts.flat_map(|word| [word.text.as_str(), if word.owns { "s" } else { "" }]);
            (length, Sounds::of(&parts.collect::<String>()))
        };
        let first = line.first().filter(|_| !common[0]);
        Self {
            first: first.map(|word| Sounds::of(&word.text)),
            joined: lengths.map(joined).collect(),
        }
    }
}

impl Names {
    /// The whole name, its first word that is not a title, and its last one.
    pub(super) fn of(name: &str) -> Self {
        let whole: Vec<String> = words(name).into_iter().map(|word| word.text).collect();
        let first = whole.iter().find(|word| !is_title(word)).cloned();
        let last = whole.last().filter(|word| !is_title(word)).cloned();
        let mut all = vec![whole];
        all.extend(first.map(|first| vec![first]));
        all.extend(last.map(|last| vec![last]));
        all.dedup();
        all.retain(|name| !name.is_empty());
        Self(all.into_iter().map(Name::of).collect())
    }

    /// How many words from the first of `line` on are one of these names, a title before it
    /// included; none when they are not.
    pub(super) fn at(&self, line: &[Word]) -> Option<usize> {
        let from = |skip: usize| {
            self.0.iter().map(|name| &name.words).find_map(|name| {
                let here = line.get(skip..skip + name.len())?;
                here.iter().map(|word| &word.text).eq(name).then_some(skip + name.len())
            })
        };
        let title = |word: &Word| is_title(&word.text) && word.text != "the";
        from(0).or_else(|| line.first().is_some_and(title).then(|| from(1)).flatten())
    }

    /// How far what was heard sounds from one of these names, 0 to 1, and how many words that
    /// takes.
    pub(super) fn sound_at(&self, heard: &Heard) -> Option<(f32, usize)> {
        let mut best: Option<(f32, usize)> = None;
        for name in &self.0 {
            // A short name is never heard as two words.
            let longest = if name.letters < LETTERS_OF_TWO_WORDS {
                1
            } else if name.letters < LETTERS_OF_THREE_WORDS {
                2
            } else {
                WORDS_MAX
            };
            for (length, sounds) in heard.joined.iter().filter(|(length, _)| *length <= longest) {
                let found = name.sounds.distance(sounds);
                if best.is_none_or(|(least, _)| found < least) {
                    best = Some((found, *length));
                }
            }
        }
        best
    }

    /// Whether the first word of what was heard, wherever it stands, may be one of these names.
    pub(super) fn sounds_like(&self, heard: &Heard) -> bool {
        let Some(heard) = &heard.first else { return false };
        let single = |name: &&Name| name.words.len() == 1 && name.letters > 2;
        self.0.iter().filter(single).any(|name| {
            let most = if name.letters <= 3 { SHORT_MAX } else { ANYWHERE_MAX };
            name.sounds.distance(heard) <= most
        })
    }

    /// Whether `sound` is near enough where a name is expected.
    pub(super) fn may_be(&self, sound: f32) -> bool {
        let letters = self.0.iter().map(|name| name.letters).min().unwrap_or(0);
        sound <= if letters <= 3 { SHORT_CALLED_MAX } else { CALLED_MAX }
    }
}

/// A name may be heard as so many words.
const WORDS_MAX: usize = 3;
const LETTERS_OF_TWO_WORDS: usize = 5;
const LETTERS_OF_THREE_WORDS: usize = 7;
/// Shares of the letters that may differ: anywhere in a line, and where somebody is called. Names
/// of up to three letters have more neighbours. Chosen on pairs of names and words misheard.
const ANYWHERE_MAX: f32 = 0.17;
const SHORT_MAX: f32 = 0.10;
const CALLED_MAX: f32 = 0.24;
const SHORT_CALLED_MAX: f32 = 0.19;

/// A word's letters as they sound.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sounds(Vec<char>);

impl Sounds {
    fn of(word: &str) -> Self {
        Self(sounds(word))
    }

    /// How differently two words sound, 0 to 1: an edit distance over letters that stand for
    /// sounds, where letters of one kind replace each other cheaply. Words that begin with sounds
    /// of another kind are as different as can be.
    fn distance(&self, other: &Self) -> f32 {
        let (one, other) = (&self.0, &other.0);
        let (Some(a), Some(b)) = (one.first(), other.first()) else { return 1.0 };
        if kind(*a) != kind(*b) {
            return 1.0;
        }
        let mut row: Vec<f32> = vec![0.0];
        for letter in other {
            row.push(row[row.len() - 1] + left_out(*letter));
        }
        for a in one {
            let mut diagonal = row[0];
            row[0] += left_out(*a);
            for (j, b) in other.iter().enumerate() {
                let replaced = diagonal + replaced(*a, *b);
                diagonal = row[j + 1];
                row[j + 1] = replaced.min(row[j] + left_out(*b)).min(diagonal + left_out(*a));
            }
        }
        row[other.len()] / one.len().max(other.len()) as f32
    }
}

fn left_out(letter: char) -> f32 {
    if is_vowel(letter) { 0.6 } else { 0.8 }
}

fn replaced(one: char, other: char) -> f32 {
    match (one == other, kind(one) == kind(other), is_vowel(one)) {
        (true, ..) => 0.0,
        (_, true, true) => 0.3,
        (_, true, false) => 0.4,
        _ => 1.0,
    }
}

fn is_vowel(letter: char) -> bool {
    matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u')
}

/// Letters that are made at one place of the mouth.
fn kind(letter: char) -> char {
    match letter {
        'a' | 'e' | 'i' | 'o' | 'u' => 'a',
        'b' | 'p' => 'p',
        'd' | 't' => 't',
        'g' | 'k' => 'k',
        'f' | 'v' | 'w' => 'f',
        'j' | 'y' => 'j',
        other => other,
    }
}

/// A word's letters as they sound, roughly: spellings of one sound written alike, runs of a letter
/// or of vowels as one, and without silent letters.
fn sounds(word: &str) -> Vec<char> {
    let spelled = word.replace("ph", "f").replace("ck", "k").replace("qu", "kw");
    let spelled = match spelled.strip_prefix('x') {
        Some(rest) => format!("s{rest}"),
        None => spelled.replace('x', "ks"),
    };
    let mut letters = spelled.chars().peekable();
    let mut sounds: Vec<char> = Vec::new();
    while let Some(letter) = letters.next() {
        let written = match letter {
            'c' if matches!(letters.peek(), Some('e' | 'i' | 'y')) => 's',
            // Gaelic spellings: "Siobhán", "Niamh".
            'b' | 'm' if letters.peek() == Some(&'h') => 'v',
            'c' if is_french(letters.clone()) => 's',
            'c' | 'q' => 'k',
            'z' => 's',
            'h' => continue,
            'y' if !sounds.is_empty() => 'i',
            other => other,
        };
        match sounds.last() {
            Some(&last) if last == written || is_vowel(last) && is_vowel(written) => {}
            _ => sounds.push(written),
        }
    }
    if sounds.len() > 3 && word.ends_with('e') && sounds.last() == Some(&'e') {
        sounds.pop();
    }
    sounds
}

/// "Ch" before a soft vowel, as in "Chevonne".
fn is_french(mut after: impl Iterator<Item = char>) -> bool {
    after.next() == Some('h') && matches!(after.next(), Some('e' | 'i'))
}

fn is_common(word: &str) -> bool {
    COMMON.binary_search(&word).is_ok()
}

/// Words that are heard as themselves, in order: the most common ones with up to six letters that
/// stand at the edges of sentences.
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
        assert_eq!(length("Lovelace?"), Some(1));
        assert_eq!(length("Mrs Lovelace"), Some(2));
        assert_eq!(length("doctor"), None);
        assert_eq!(Names::of("!").at(&words("hello")), None);
    }

    #[test]
    fn common_words_are_in_order() {
        assert!(COMMON.is_sorted());
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
            let line = Heard::of(&words(heard));
            assert!(Names::of(name).sounds_like(&line), "{heard} for {name}");
        }
    }

    #[test]
    fn a_name_that_is_expected_may_be_heard_as_other_words() {
        for (name, heard) in [
            ("Zoltán", "sultan"),
            ("Søren", "soaring"),
            ("Bo", "beau"),
            ("Ezekiel", "easy kill"),
            ("Anansi", "and nancy"),
            ("Constance", "constants"),
            ("Wim", "vim"),
            ("Kenji", "kenny"),
        ] {
            let (names, line) = (Names::of(name), words(heard));
            let (sound, length) = names.sound_at(&Heard::of(&line)).unwrap();
            assert!(names.may_be(sound), "{heard} for {name}: {sound}");
            assert_eq!(length, line.len(), "{heard}");
        }
        for (name, other) in
            [("Nora", "dora"), ("Bo", "bob"), ("Felix", "alex"), ("Pike", "cosmo"), ("Ada", "so")]
        {
            let names = Names::of(name);
            let sound = names.sound_at(&Heard::of(&words(other)));
            assert!(sound.is_none_or(|(sound, _)| !names.may_be(sound)), "{other} for {name}");
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
            let line = Heard::of(&words(heard));
            assert!(!Names::of(name).sounds_like(&line), "{heard} for {name}");
        }
    }
}
