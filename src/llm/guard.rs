//! What of a model's text may be said aloud.
//!
//! Small models write scripts instead of speaking: they put names before lines, go on as the next
//! speaker, act between asterisks, leak control texts, say again what was said. This core takes the
//! text as it streams and lets through one person's plain speech. It works letter by letter, so its
//! result does not depend on how the text was cut.

mod aside;
mod known;
mod label;

pub use known::Cuts;
pub use label::Names;

use aside::{Aside, Verdict};
use known::Known;
use label::{Label, Labels};

use super::{Message, Role};

/// How much a reply may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub sentences: u32,
    /// Letters, spaces included; the reply ends with the word that passes it.
    pub letters: usize,
}

impl Default for Limits {
    /// Spoken replies: about twenty seconds at most.
    fn default() -> Self {
        Self { sentences: 3, letters: 320 }
    }
}

/// A word that goes on this far beyond [`Limits::letters`] is cut: it is no word.
const LAST_WORD_LETTERS: usize = 40;
/// After these a full stop ends no sentence.
const ABBREVIATIONS: [&str; 10] =
    ["dr", "mr", "mrs", "ms", "st", "vs", "etc", "prof", "e.g", "i.e"];

/// Filters one reply.
#[derive(Debug)]
pub struct Guard<'a> {
    labels: Labels<'a>,
    limits: Limits,
    hold: Hold,
    /// Where the next letter stands.
    place: Place,
    /// A space is due before the next letter.
    space: bool,
    /// The reply came in quotation marks; they all go.
    quoted: bool,
    sentences: u32,
    letters: usize,
    /// The word being written, for abbreviations.
    word: String,
    /// What was said of this sentence.
    phrase: String,
    last: Option<char>,
    /// The last that the text goes through.
    known: Known,
    stopped: bool,
}

/// Text whose meaning is not decided.
#[derive(Debug, Default)]
enum Hold {
    #[default]
    Nothing,
    Label(Label),
    Aside(Aside),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing was said yet.
    Start,
    /// After a line break.
    Line,
    /// After the end of a sentence.
    Sentence,
    Within,
}

impl<'a> Guard<'a> {
    /// `own` is the speaker's name; `names` are all names in the room.
    pub fn new(own: &str, names: &'a Names, limits: Limits) -> Self {
        Self {
            labels: Labels::new(own, names),
            limits,
            hold: Hold::Nothing,
            place: Place::Start,
            space: false,
            quoted: false,
            sentences: 0,
            letters: 0,
            word: String::new(),
            phrase: String::new(),
            last: None,
            known: Known::new(own),
            stopped: false,
        }
    }

    /// Tells what the reply follows, its beginning last. The sentences of the line that it answers
    /// are not said again; those of the speaker's own last line only when there is nothing else.
    pub fn follows(&mut self, messages: &[Message]) {
        for (role, own) in [(Role::User, false), (Role::Assistant, true)] {
            if let Some(line) = last_line(messages, role) {
                self.known.add(line, own);
            }
        }
    }

    /// Takes text and returns what may be said now.
    pub fn push(&mut self, text: &str) -> String {
        let mut out = String::new();
        for letter in text.chars() {
            self.feed(letter, &mut out);
        }
        self.known.push(&out, self.labels.names())
    }

    /// The text is over: what was held and is harmless.
    pub fn finish(&mut self) -> String {
        let mut out = String::new();
        // An aside that is let go may hold a shorter one, so this ends.
        loop {
            match std::mem::take(&mut self.hold) {
                Hold::Nothing => break,
                Hold::Label(label) => self.say_all(label.text(), &mut out),
                Hold::Aside(aside) => self.settle(&aside, aside.unclosed(), &mut out),
            }
        }
        self.stopped = true;
        let names = self.labels.names();
        self.known.push(&out, names) + &self.known.finish(names)
    }

    /// Nothing more will come out; the generation can end.
    pub fn stopped(&self) -> bool {
        self.stopped || self.known.stopped()
    }

    /// What sentences were left out so far.
    pub fn cuts(&self) -> Cuts {
        self.known.cuts()
    }

    fn feed(&mut self, letter: char, out: &mut String) {
        if self.stopped {
            return;
        }
        match std::mem::take(&mut self.hold) {
            Hold::Nothing => self.begin(letter, out),
            // What is never said cannot tell a label from words either.
            Hold::Label(label) if self.goes(letter) => self.hold = Hold::Label(label),
            Hold::Label(mut label) => match self.labels.extend(&mut label, letter) {
                label::Verdict::Open => self.hold = Hold::Label(label),
                label::Verdict::Own => self.space = false,
                label::Verdict::Other => self.stopped = true,
                label::Verdict::Words => {
                    self.say_all(label.text(), out);
                    self.feed(letter, out);
                }
            },
            Hold::Aside(mut aside) => match aside.extend(letter) {
                Verdict::Open => self.hold = Hold::Aside(aside),
                verdict => {
                    self.settle(&aside, verdict, out);
                    if verdict == Verdict::Broken {
                        self.feed(letter, out);
                    }
                }
            },
        }
    }

    /// A letter while nothing is held.
    fn begin(&mut self, letter: char, out: &mut String) {
        let fresh = self.place != Place::Within;
        if let Some(aside) = Aside::open(letter, fresh) {
            self.hold = Hold::Aside(aside);
        } else if fresh && letter.is_alphabetic() {
            let unknown_counts = self.place == Place::Line;
            let mut label = Label::new(self.place == Place::Start, unknown_counts);
            match self.labels.extend(&mut label, letter) {
                label::Verdict::Words => self.say(letter, out),
                _ => self.hold = Hold::Label(label),
            }
        } else {
            self.say(letter, out);
        }
    }

    fn settle(&mut self, aside: &Aside, verdict: Verdict, out: &mut String) {
        match verdict {
            Verdict::Control => self.stopped = true,
            Verdict::Words | Verdict::Broken => {
                let (mark, rest) = aside.words();
                self.say_all(mark, out);
                rest.chars().for_each(|letter| self.feed(letter, out));
            }
            Verdict::Direction | Verdict::Open => {}
        }
    }

    fn say_all(&mut self, text: &str, out: &mut String) {
        for letter in text.chars() {
            self.say(letter, out);
        }
    }

    /// One letter of speech: cleans, counts, and lets it through.
    fn say(&mut self, letter: char, out: &mut String) {
        if self.stopped {
            return;
        }
        if letter.is_whitespace() {
            self.gap(letter == '\n');
            return;
        }
        if self.place != Place::Within && matches!(letter, '"' | '“') {
            self.quoted = true;
        }
        let bullet = matches!(letter, '-' | '–' | '>') && self.place == Place::Line;
        if bullet || self.goes(letter) {
            return;
        }
        if letter == ':' && self.labels.names_another(&self.phrase) {
            // A name that was let through, because something else stood between it and its colon.
            self.stopped = true;
            return;
        }
        if self.space && self.last.is_some() {
            out.push(' ');
            self.letters += 1;
        }
        if self.place != Place::Within {
            self.phrase.clear();
        } else if self.space {
            self.phrase.push(' ');
        }
        self.phrase.push(letter);
        self.space = false;
        out.push(letter);
        self.letters += 1;
        self.place = Place::Within;
        self.last = Some(letter);
        self.word.push(letter);
        self.stopped = self.letters >= self.limits.letters + LAST_WORD_LETTERS;
    }

    /// Markup, what has no sound, and the quotation marks around a whole reply.
    fn goes(&self, letter: char) -> bool {
        let markup = matches!(letter, '*' | '`' | '_' | '#' | '~' | '|' | '•');
        let quote = self.quoted && matches!(letter, '"' | '“' | '”');
        markup || quote || (unspeakable(letter) && !letter.is_whitespace())
    }

    /// White space: the place where words, sentences and the reply may end.
    fn gap(&mut self, line: bool) {
        let ended = self.sentence_ended();
        self.word.clear();
        self.space = true;
        if ended && self.place == Place::Within {
            self.sentences += 1;
            self.place = Place::Sentence;
        }
        if line && self.last.is_some() {
            self.place = Place::Line;
        }
        self.stopped =
            self.sentences >= self.limits.sentences || self.letters >= self.limits.letters;
    }

    fn sentence_ended(&self) -> bool {
        let word = self.word.trim_end_matches(['"', '”', ')', '\'', '’']);
        match word.strip_suffix('.') {
            Some(stem) => {
                let stem = stem.to_lowercase();
                let initial = stem.chars().count() == 1 && stem != "i";
                !initial && !ABBREVIATIONS.contains(&stem.as_str())
            }
            None => word.ends_with(['!', '?', '…', '。']),
        }
    }
}

/// The words of the last line of this role before the reply is begun.
fn last_line(messages: &[Message], role: Role) -> Option<&str> {
    let (_cue, before) = messages.split_last()?;
    let message = before.iter().rev().find(|message| message.role == role)?;
    let line = message.content.lines().next_back()?;
    Some(line.split_once(": ").map_or(line, |(_, text)| text))
}

/// Pictures, arrows, controls, and what stands for a broken character.
fn unspeakable(letter: char) -> bool {
    let picture = matches!(u32::from(letter),
        0x200B..=0x200F | 0x2190..=0x21FF | 0x2300..=0x23FF | 0x2500..=0x27BF | 0x2B00..=0x2BFF
        | 0xFE00..=0xFE0F | 0xFFFD | 0x1_F000..=0x1_FAFF | 0xE_0000..=0xE_007F);
    picture || letter.is_control()
}

#[cfg(test)]
mod tests;
