//! Cuts streamed text into clauses that can be spoken.
//!
//! The first clause comes early, so that sound starts early; later ones are whole sentences, which
//! sound better. A core: text in, clauses out, the same ones however the text was chunked.

use std::mem;

use super::abbreviation::keeps_dot;

/// Words that a first clause must have to end at a comma: fewer sound clipped, and leave too little
/// time to make the sound of the next clause.
const FIRST_WORDS_MIN: usize = 3;
/// Words after which a first clause ends without any mark: about three seconds of speech.
const FIRST_WORDS_MAX: usize = 10;
/// Words that a later clause must have to end at a comma; short sentences stay whole.
const LATER_WORDS_MIN: usize = 14;
/// Words after which any clause ends: about ten seconds of speech, one second of synthesis.
const LATER_WORDS_MAX: usize = 30;
/// Characters after which a clause ends even inside a word (the phonemiser's own limit is 800).
const CHARS_MAX: usize = 400;

/// Feed it text as it comes and call [`Splitter::finish`] at its end. The clauses, concatenated,
/// are the text: white space between two clauses leads the second.
#[derive(Debug, Default)]
pub struct Splitter {
    clause: String,
    chars: usize,
    words: usize,
    in_word: bool,
    /// Byte offset where the last run of non-space characters starts.
    token: usize,
    /// A mark may end the clause; the next visible character decides.
    undecided: Option<usize>,
    /// Clauses with words that are out already.
    spoken: usize,
}

/// How strongly the end of a token ends a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    None,
    /// Comma, semicolon, colon, dash, ellipsis.
    Soft,
    /// Full stop, question or exclamation mark.
    Hard,
    /// An abbreviation's dot, unless no number follows.
    UnlessNumber,
}

impl Splitter {
    pub fn new() -> Self {
        Self::default()
    }

    /// The clauses that `text` completes.
    pub fn push(&mut self, text: &str) -> Vec<String> {
        let mut done = Vec::new();
        for c in text.chars() {
            self.step(c, &mut done);
        }
        done
    }

    /// What is left, at the end of the text. The splitter is then as new.
    pub fn finish(&mut self) -> Option<String> {
        let rest = mem::take(self).clause;
        (!rest.is_empty()).then_some(rest)
    }

    fn step(&mut self, c: char, done: &mut Vec<String>) {
        if let Some(at) = self.undecided
            && !c.is_whitespace()
        {
            self.undecided = None;
            if !c.is_numeric() {
                done.push(self.cut(at));
            }
        }
        if self.ends_before(c) {
            done.push(self.cut(self.clause.len()));
        }
        self.take(c);
    }

    fn take(&mut self, c: char) {
        if c.is_whitespace() {
            self.in_word = false;
            self.clause.push(c);
            self.token = self.clause.len();
        } else {
            if c.is_alphanumeric() && !self.in_word {
                self.in_word = true;
                self.words += 1;
            }
            self.clause.push(c);
        }
        self.chars += 1;
    }

    /// Ends the clause at byte `at`; what follows starts the next.
    fn cut(&mut self, at: usize) -> String {
        let rest = self.clause.split_off(at);
        let clause = mem::take(&mut self.clause);
        *self = Self { spoken: self.spoken + usize::from(self.words > 0), ..Self::default() };
        for c in rest.chars() {
            self.take(c);
        }
        clause
    }

    /// Whether the clause ends where it is, given that `c` follows.
    fn ends_before(&mut self, c: char) -> bool {
        if self.chars >= CHARS_MAX {
            return true;
        }
        if self.words == 0 {
            return false;
        }
        let at_token_end = self.token < self.clause.len();
        if !at_token_end {
            return c == '\n';
        }
        if !c.is_whitespace() {
            return self.clause.ends_with(['—', '–']) && c.is_alphabetic() && self.soft_is_enough();
        }
        let enough = match self.mark() {
            Mark::Hard => true,
            Mark::Soft => self.soft_is_enough(),
            Mark::UnlessNumber => {
                self.undecided = Some(self.clause.len());
                false
            }
            Mark::None => false,
        };
        enough || c == '\n' || self.words >= self.words_max()
    }

    fn soft_is_enough(&self) -> bool {
        self.words >= if self.spoken == 0 { FIRST_WORDS_MIN } else { LATER_WORDS_MIN }
    }

    fn words_max(&self) -> usize {
        if self.spoken == 0 { FIRST_WORDS_MAX } else { LATER_WORDS_MAX }
    }

    /// The mark at the end of the last token, closing quotes and brackets aside.
    fn mark(&self) -> Mark {
        let token = &self.clause[self.token..];
        let bare = token.trim_end_matches(is_closing);
        match bare.chars().next_back() {
            Some('!' | '?' | '。' | '！' | '？') => Mark::Hard,
            Some(',' | ';' | ':' | '…' | '—' | '–') => Mark::Soft,
            Some('-') if bare.chars().all(|c| c == '-') => Mark::Soft,
            Some('.') if bare.ends_with("..") => Mark::Soft,
            Some('.') => self.dot(bare),
            _ => Mark::None,
        }
    }

    fn dot(&self, token: &str) -> Mark {
        let stem = &token[..token.len() - 1];
        // "1." at the start of a list entry.
        let is_number = !stem.is_empty() && stem.chars().all(|c| c.is_ascii_digit());
        if (self.words == 1 && is_number) || keeps_dot(token, None) {
            Mark::None
        } else if keeps_dot(token, Some('1')) {
            Mark::UnlessNumber
        } else {
            Mark::Hard
        }
    }
}

fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | '»' | ')' | ']' | '}' | '*' | '_' | '`')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &str) -> Vec<String> {
        let mut splitter = Splitter::new();
        let mut clauses = splitter.push(text);
        clauses.extend(splitter.finish());
        clauses
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(split(text), expected);
    }

    #[test]
    fn the_first_clause_ends_at_a_comma_and_later_ones_at_full_stops() {
        check(
            "Well, to be honest, I like it. Tom, Ada, and I agree. Do you?",
            &["Well, to be honest,", " I like it.", " Tom, Ada, and I agree.", " Do you?"],
        );
    }

    #[test]
    fn a_short_first_sentence_goes_out_alone() {
        check("Yes. It is, indeed, so.", &["Yes.", " It is, indeed, so."]);
        check("No! Never.", &["No!", " Never."]);
    }

    #[test]
    fn a_first_clause_without_marks_ends_after_ten_words() {
        let text = "one two three four five six seven eight nine ten eleven twelve";
        check(text, &["one two three four five six seven eight nine ten", " eleven twelve"]);
    }

    #[test]
    fn abbreviations_numbers_and_initials_do_not_end_a_sentence() {
        check("Ask Mr. Smith and Dr. Jones.", &["Ask Mr. Smith and Dr. Jones."]);
        check("Pi is 3.14 or 1,000. So.", &["Pi is 3.14 or 1,000.", " So."]);
        check("J. R. R. Tolkien wrote, e.g. this.", &["J. R. R. Tolkien wrote,", " e.g. this."]);
        check("It is No. 5 here. No. Not so.", &["It is No. 5 here.", " No.", " Not so."]);
        check("1. Water it. 2. Wait.", &["1. Water it.", " 2. Wait."]);
    }

    #[test]
    fn quotes_and_brackets_close_with_their_sentence() {
        check(
            "\"Stop!\" she said. (Really.) Yes.",
            &["\"Stop!\"", " she said.", " (Really.)", " Yes."],
        );
        check("He is **so happy.** Fine.", &["He is **so happy.**", " Fine."]);
    }

    #[test]
    fn ellipses_and_dashes_are_as_weak_as_commas() {
        check("Hm... I do not know.", &["Hm... I do not know."]);
        check("I am not sure… maybe so.", &["I am not sure…", " maybe so."]);
        check("I think so—yes - I do", &["I think so—", "yes - I do"]);
        check("It takes about 5–7 days", &["It takes about 5–7 days"]);
    }

    #[test]
    fn links_stay_whole() {
        let text = "See https://a.example/b?c=d,e;f: there. Good.";
        check(text, &["See https://a.example/b?c=d,e;f: there.", " Good."]);
    }

    #[test]
    fn lines_are_sentences() {
        check("First line\n- second\n\n- third", &["First line", "\n- second", "\n\n- third"]);
    }

    #[test]
    fn long_later_sentences_end_at_a_comma_or_after_thirty_words() {
        let text = format!("Hi. {}and so on, then more.", "word ".repeat(15));
        assert_eq!(split(&text).len(), 3);
        let text = format!("Hi. {}", "word ".repeat(65));
        assert_eq!(split(&text).len(), 4);
    }

    #[test]
    fn a_word_without_end_is_cut() {
        let clauses = split(&"a".repeat(1_000));
        assert_eq!(clauses.iter().map(String::len).collect::<Vec<_>>(), [400, 400, 200]);
    }

    #[test]
    fn a_clause_is_out_as_soon_as_the_space_after_its_mark_is_in() {
        let mut splitter = Splitter::new();
        assert!(splitter.push("Yes, I do.").is_empty());
        assert_eq!(splitter.push(" "), ["Yes, I do."]);
        assert_eq!(splitter.finish().as_deref(), Some(" "));
        assert_eq!(splitter.finish(), None);
    }

    fn prose() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[a-zA-Z]{1,8}",
            3 => Just(" ".to_owned()),
            1 => "[.,;:!?—…\"')*-]{1,3}",
            1 => prop::sample::select(vec!["Mr.", "No. ", "3.14", "e.g.", "\n", "é", "👍", "。"])
                .prop_map(str::to_owned),
        ];
        prop::collection::vec(piece, 0..120).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn clauses_concatenated_are_the_text(text in prose()) {
            prop_assert_eq!(split(&text).concat(), text);
        }

        #[test]
        fn any_text_at_all_is_kept(text in ".{0,600}") {
            prop_assert_eq!(split(&text).concat(), text);
        }

        #[test]
        fn chunks_do_not_matter(text in prose(), sizes in prop::collection::vec(1..7usize, 1..20)) {
            let mut splitter = Splitter::new();
            let mut clauses = Vec::new();
            let chars: Vec<char> = text.chars().collect();
            let (mut rest, mut size) = (chars.as_slice(), sizes.iter().cycle());
            while !rest.is_empty() {
                let n = rest.len().min(*size.next().expect("cycles"));
                clauses.extend(splitter.push(&rest[..n].iter().collect::<String>()));
                rest = &rest[n..];
            }
            clauses.extend(splitter.finish());
            prop_assert_eq!(clauses, split(&text));
        }

        #[test]
        fn clauses_are_bounded(text in prose()) {
            for clause in split(&text) {
                prop_assert!(clause.split_whitespace().count() <= LATER_WORDS_MAX * 4);
                prop_assert!(clause.chars().count() <= CHARS_MAX);
            }
        }
    }
}
