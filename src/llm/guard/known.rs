//! Sentences that are not to be said: what was said just before, and that one is somebody else.
//!
//! Small models say again what they read last, or take the part of whoever they read about. A
//! sentence is held while it may still become one of these, which most cease to be with their first
//! or second word.

use serde::Serialize;

/// Shorter sentences ("Yes, it is.") may be said by two people, and twice.
const WORDS_MIN: usize = 4;
/// How one says who one is, as it is compared.
const CLAIMS: [&str; 3] = ["i am ", "im ", "my name is "];

/// Lets a reply through without its sentences that are known.
///
/// What is compared are [`words`].
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Sentences that were said by anybody.
    said: Vec<String>,
    /// Those of them that the speaker said itself, before this reply.
    own: Vec<String>,
    /// The speaker's name.
    name: String,
    /// Of the sentence, the words so far, and what there is of the one being written.
    sentence: String,
    /// Where in `sentence` the clause began.
    clause: usize,
    /// What may still become known, and is not let through.
    held: String,
    /// Some of this sentence was let through.
    begun: bool,
    /// Some of the reply was.
    any: bool,
    /// What of the speaker's own words was kept back: it is said again when there is nothing else,
    /// since whoever is asked again may answer the same.
    spare: String,
    state: State,
    last: Option<char>,
    cuts: Cuts,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Holds,
    /// The rest of the clause goes through.
    Passes,
    /// Nothing more goes through.
    Stopped,
}

/// How far a clause says that its speaker is somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    None,
    /// It may yet.
    Open,
    Made,
}

/// What was taken out of a reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cuts {
    /// Sentences that were said before.
    pub repeated: u64,
    /// The reply ended where it was to be somebody else's.
    pub claimed: u64,
}

impl std::ops::AddAssign for Cuts {
    fn add_assign(&mut self, other: Self) {
        self.repeated += other.repeated;
        self.claimed += other.claimed;
    }
}

impl Known {
    pub(super) fn new(own: &str) -> Self {
        Self { name: words(own), ..Self::default() }
    }

    /// Takes a line that was said before, by the speaker itself or by another.
    pub(super) fn add(&mut self, line: &str, own: bool) {
        let said = if own { &mut self.own } else { &mut self.said };
        let mut sentence = String::new();
        let mut words = line.split_whitespace().peekable();
        while let Some(word) = words.next() {
            add_words(&mut sentence, word);
            if word.ends_with(ends_sentence) || words.peek().is_none() {
                said.extend(Some(std::mem::take(&mut sentence)).filter(|one| is_long(one)));
            }
        }
    }

    /// `others` are the names of all others in the room.
    pub(super) fn push(&mut self, text: &str, others: &[String]) -> String {
        let mut out = String::new();
        for letter in text.chars() {
            self.feed(letter, others, &mut out);
        }
        out
    }

    /// The text is over: what was held and is not known.
    pub(super) fn finish(&mut self, others: &[String]) -> String {
        let mut out = String::new();
        if self.state != State::Stopped {
            self.word_ends(others, &mut out);
            self.sentence_ends(&mut out);
        }
        if !self.any && self.cuts.claimed == 0 {
            out.push_str(&std::mem::take(&mut self.spare));
        }
        self.state = State::Stopped;
        out
    }

    pub(super) fn stopped(&self) -> bool {
        self.state == State::Stopped
    }

    pub(super) fn cuts(&self) -> Cuts {
        self.cuts
    }

    fn feed(&mut self, letter: char, others: &[String], out: &mut String) {
        if self.state == State::Stopped {
            return;
        }
        let inside = is_of_word(letter);
        if !inside {
            self.word_ends(others, out);
        }
        if letter.is_whitespace() && self.last.is_some_and(ends_sentence) {
            self.sentence_ends(out);
        }
        self.last = Some(letter);
        match self.state {
            State::Stopped => return,
            State::Holds => self.held.push(letter),
            State::Passes => {
                self.any = true;
                out.push(letter);
            }
        }
        if inside {
            add_letter(&mut self.sentence, letter);
            self.decide(others, out);
        } else if matches!(letter, ',' | ';' | '—') {
            self.clause = self.sentence.len();
            self.begun |= self.state == State::Passes;
            self.state = State::Holds;
        }
    }

    fn word_ends(&mut self, others: &[String], out: &mut String) {
        if !self.sentence.is_empty() && !self.sentence.ends_with(' ') {
            self.sentence.push(' ');
            self.decide(others, out);
        }
    }

    /// Of what is held: it goes through once it cannot become known any more, and the reply ends
    /// where it is somebody else's.
    fn decide(&mut self, others: &[String], out: &mut String) {
        if self.state != State::Holds {
            return;
        }
        match self.claims(others) {
            Claim::Made => {
                self.cuts.claimed += 1;
                self.held.clear();
                self.state = State::Stopped;
            }
            Claim::None if !self.may_be_again() => {
                self.state = State::Passes;
                self.release(out);
            }
            Claim::None | Claim::Open => {}
        }
    }

    /// Whether the sentence begins one that was said.
    fn may_be_again(&self) -> bool {
        let mut said = self.said.iter().chain(&self.own);
        !self.begun && said.any(|said| said.starts_with(&self.sentence))
    }

    /// Whether the clause says that its speaker is one of `others`.
    fn claims(&self, others: &[String]) -> Claim {
        let clause = &self.sentence[self.clause..];
        let mut found = Claim::None;
        for claim in CLAIMS {
            let Some(said) = clause.strip_prefix(claim) else {
                if claim.starts_with(clause) {
                    found = Claim::Open;
                }
                continue;
            };
            for name in others {
                match self.names(said, name) {
                    Claim::Made => return Claim::Made,
                    Claim::Open => found = Claim::Open,
                    Claim::None => {}
                }
            }
        }
        found
    }

    /// How far `said` is a name or its first word.
    fn names(&self, said: &str, name: &str) -> Claim {
        let short = name.split_inclusive(' ').next();
        let forms = [short, Some(name)].into_iter().flatten();
        let mut found = Claim::None;
        for form in forms.filter(|form| !self.name.starts_with(form)) {
            if said == form {
                return Claim::Made;
            }
            if form.starts_with(said) {
                found = Claim::Open;
            }
        }
        found
    }

    fn sentence_ends(&mut self, out: &mut String) {
        let sentence = std::mem::take(&mut self.sentence);
        let whole = self.state == State::Holds && !self.begun;
        self.begun = false;
        self.clause = 0;
        self.state = State::Holds;
        if whole && self.said.contains(&sentence) {
            self.held.clear();
            self.cuts.repeated += 1;
            // Whoever begins to say everything again does not come to an end.
            if self.cuts.repeated > 1 {
                self.state = State::Stopped;
            }
        } else if whole && self.own.contains(&sentence) {
            self.cuts.repeated += 1;
            self.spare.push_str(&std::mem::take(&mut self.held));
            self.said.push(sentence);
        } else {
            self.release(out);
            self.said.extend(Some(sentence).filter(|sentence| is_long(sentence)));
        }
    }

    fn release(&mut self, out: &mut String) {
        self.any |= !self.held.trim().is_empty();
        out.push_str(&std::mem::take(&mut self.held));
    }
}

fn is_long(sentence: &str) -> bool {
    sentence.split_inclusive(' ').count() >= WORDS_MIN
}

fn ends_sentence(letter: char) -> bool {
    matches!(letter, '.' | '!' | '?' | '…' | '。')
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '\'' | '’' | '-')
}

/// Adds a letter as it is compared: "I'm" and "i’m" are one word.
fn add_letter(words: &mut String, letter: char) {
    if letter.is_ascii_alphanumeric() {
        words.push(letter.to_ascii_lowercase());
    } else {
        words.extend(letter.to_lowercase().filter(|letter| letter.is_alphanumeric()));
    }
}

/// The words of a text as they are compared, a space after each.
pub(super) fn words(text: &str) -> String {
    let mut words = String::with_capacity(text.len() + 1);
    add_words(&mut words, text);
    words
}

fn add_words(words: &mut String, text: &str) {
    for word in text.split(|letter| !is_of_word(letter)) {
        let begin = words.len();
        word.chars().for_each(|letter| add_letter(words, letter));
        if words.len() > begin {
            words.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(before: &[&str], text: &str) -> (String, Cuts) {
        let others = [words("Tom"), words("Ada Byron")];
        let mut known = Known::new("Nora");
        before.iter().for_each(|line| known.add(line, false));
        // Letter by letter: nothing depends on how the text is cut.
        let mut out: String = text
            .chars()
            .map(|letter| known.push(letter.encode_utf8(&mut [0; 4]), &others))
            .collect();
        out += &known.finish(&others);
        (out, known.cuts())
    }

    #[test]
    fn what_was_said_just_before_is_not_said_again() {
        let before = ["The sea is calm today. Shall we sail?", "Do you like the sea, Nora?"];
        let cut = |text| said(&before, text);
        let repeated = |count| Cuts { repeated: count, claimed: 0 };
        assert_eq!(cut("the sea is calm, today! I do."), (" I do.".into(), repeated(1)));
        assert_eq!(cut("Do you like the sea Nora"), (String::new(), repeated(1)));
        assert_eq!(cut("The sea is calm today, and blue."), {
            ("The sea is calm today, and blue.".into(), repeated(0))
        });
        assert_eq!(cut("Shall we sail?"), ("Shall we sail?".into(), repeated(0)));
        // Itself, and without an end.
        let loops = "I love the old harbour. I love the old harbour. I love the old harbour. So.";
        assert_eq!(cut(loops), ("I love the old harbour.".into(), repeated(2)));
    }

    #[test]
    fn ones_own_words_come_again_only_when_there_are_no_others() {
        let mine = |text: &str| {
            let mut known = Known::new("Nora");
            known.add("I live by the sea. It is loud there.", true);
            let out = known.push(text, &[]) + &known.finish(&[]);
            (out, known.cuts().repeated)
        };
        assert_eq!(mine("I live by the sea. And I like it."), (" And I like it.".into(), 1));
        let again = "I live by the sea. It is loud there.";
        assert_eq!(mine(again), (again.into(), 2));
        let twice = "I live by the sea. I live by the sea.";
        assert_eq!(mine(twice), ("I live by the sea.".into(), 2));
    }

    #[test]
    fn nobody_says_to_be_somebody_else() {
        let claimed = Cuts { repeated: 0, claimed: 1 };
        for (text, out) in [
            ("I am Tom.", ""),
            ("Hello, I'm Ada, and I count.", "Hello,"),
            ("Well. My name is Ada Byron.", "Well."),
        ] {
            assert_eq!(said(&[], text), (out.to_owned(), claimed), "{text}");
        }
        for text in [
            "I am Nora.",
            "I am Tom's friend.",
            "I am tomorrow's cook.",
            "I'm adamant.",
            "Tom says: I am late.",
            "I am",
            "My name is Nora, I am glad.",
        ] {
            assert_eq!(said(&[], text), (text.to_owned(), Cuts::default()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_known_any_more_goes_on_at_once() {
        let mut known = Known::new("Nora");
        known.add("The sea is calm.", false);
        assert_eq!(known.push("T", &[]), "");
        assert_eq!(known.push("o", &[]), "To");
        assert_eq!(known.push(" me. ", &[]), " me.");
        assert_eq!(known.push("The s", &[]), "");
        assert_eq!(known.push("un", &[]), " The sun");
        assert!(!known.stopped());
    }
}
