//! Words for all who are there, and for whoever knows.

use super::handing;
use super::lexicon::{Lexicon, Set};
use super::words::{Break, Word};

/// Nouns for the cast as a whole, where a name could stand.
const COLLECTIVES: Set = Set::new(
    "folks guys gang team crew panel people friends experts group room table council \
     class company cast squad all lads ladies gentlemen channel here leute freunde amis \
     amigos amici gente mensen mates party professionals guides specialists members",
);
/// What stands between a greeting and them.
const WHOLE: Set = Set::new("to the our this my whole entire dear lovely");
const NUMBERS: Set = Set::new("two three four five six seven eight lot of");

/// "The four of us": the humans are meant by what would be for everybody else.
pub(super) fn is_of_us(line: &[Word]) -> bool {
    line.windows(3)
        .any(|three| NUMBERS.has(&three[0].text) && three[1].text == "of" && three[2].text == "us")
}

/// How many words from `start` on speak to everybody; none when they do not.
pub(super) fn everybody_at(line: &[Word], start: usize, lexicon: &Lexicon) -> Option<usize> {
    let place = Place { line, start, lexicon };
    let word = place.word(0);
    if line[start].at && (word == "all" || word == "everyone" || COLLECTIVES.has(word)) {
        return Some(1);
    }
    match place.counted() {
        Some(found) => (found > 0).then_some(found),
        None => place.by_phrase().or_else(|| place.collective()),
    }
}

/// A word of a line, from which on everybody may be spoken to.
struct Place<'a> {
    line: &'a [Word],
    start: usize,
    lexicon: &'a Lexicon,
}

impl<'a> Place<'a> {
    /// So many words behind it.
    fn word(&self, behind: usize) -> &'a str {
        self.line.get(self.start + behind).map_or("", |word| word.text.as_str())
    }

    fn previous(&self) -> &'a str {
        self.start.checked_sub(1).map_or("", |at| self.line[at].text.as_str())
    }

    fn is_pronoun(&self, behind: usize) -> bool {
        let word = self.word(behind);
        self.lexicon.second_person.has(word) || word == "us"
    }

    fn begins(&self) -> bool {
        self.start == 0 || self.line[self.start - 1].after != Break::None
    }

    fn is_number(&self, behind: usize) -> bool {
        NUMBERS.has(self.word(behind))
    }

    /// "All three of you", "each of our four officers", "from both our guides". 0 where such words
    /// surely speak to nobody, none where it is not told by counting.
    fn counted(&self) -> Option<usize> {
        let left = self.line.len() - self.start;
        if matches!(self.word(0), "all" | "each" | "both" | "everyone" | "every") {
            // "All three of you", "each of you", "every one of you", "all on yer".
            let end = (1..4).find(|&at| self.is_pronoun(at) || is_article(self.word(at)));
            let between = |end: usize| (1..end).all(|at| is_filler(self.word(at)));
            let whole = |end: &usize| *end > 1 && between(*end) && self.is_pronoun(*end);
            if let Some(end) = end.filter(whole) {
                return Some(end + 1);
            }
            let free = self.line[self.start].after == Break::None;
            if matches!(self.previous(), "from" | "to" | "for") && free {
                return Some(usize::from(left > 1 && self.previous() == "from"));
            }
        }
        let of = (1..3).find(|&at| self.word(at) == "of");
        let of = of.filter(|&of| (1..of).all(|at| self.is_number(at)))?;
        let all = matches!(self.word(0), "each" | "all" | "both");
        if !all || !matches!(self.word(of + 1), "our" | "these" | "those" | "my") {
            return None;
        }
        let numbers = (of + 2..left).take_while(|&at| self.is_number(at)).count();
        let end = of + 2 + numbers;
        Some(if end < left { end + 1 } else { 0 })
    }

    fn by_phrase(&self) -> Option<usize> {
        let [word, next, third] = [0, 1, 2].map(|behind| self.word(behind));
        // "All stations report."
        let every = matches!(word, "all" | "each" | "every") && !self.lexicon.is_function(next);
        if every && self.begins() && handing::is_speaking(third) {
            return Some(2);
        }
        // "Any of our experts", "the three of you".
        if (word, next, third) == ("any", "of", "our") && COLLECTIVES.has(self.word(3)) {
            return Some(4);
        }
        let you = next == "of" && self.lexicon.second_person.has(third);
        // "Right round the panel."
        let round = matches!(word, "round" | "around") && next == "the" && COLLECTIVES.has(third);
        if self.is_number(0) && you || round || (word, next) == ("rest", "of") && self.is_pronoun(2)
        {
            return Some(3);
        }
        // "Let's do a round."
        let goes = matches!(self.previous(), "do" | "have" | "go" | "make" | "start");
        let others = self.previous().is_empty()
            || self.begins()
            || matches!(
                self.previous(),
                "from" | "and" | "for" | "to" | "about" | "hear" | "now" | "then"
            );
        match (word, next) {
            ("a", "round") if goes => Some(2),
            ("the", "others") if others => Some(2),
            ("you", "others" | "all" | "both" | "guys" | "two" | "three" | "lot")
            | ("in", "turn")
            | ("take", "turns")
            | ("go" | "going" | "once", "round" | "around")
            | ("quick", "round")
            | ("one", "by")
            | ("per", "person")
            | ("each", "one") => Some(2),
            _ => None,
        }
    }

    fn collective(&self) -> Option<usize> {
        let (line, start, word) = (self.line, self.start, self.word(0));
        // "One word each."
        let number = |word: &Word| {
            let word = word.text.as_str();
            matches!(word, "one" | "a" | "an" | "two" | "three" | "five" | "ten" | "single")
        };
        let set_off = line[start].after != Break::None;
        let counted = line[start.saturating_sub(3)..start].iter().any(number);
        let each = word == "each" && start > 1 && (set_off || counted);
        if each || word != "all" && self.lexicon.everybody.has(word) {
            return Some(1);
        }
        let opens = |word: &Word| self.lexicon.openers.has(&word.text);
        let greets = |end: usize| end > 0 && line[..end].iter().all(opens);
        let begins = self.begins() || greets(start);
        match (word, self.word(1), self.word(2)) {
            ("ladies", "and", "gentlemen") if begins => return Some(3),
            ("tout", "le", "monde") if greets(start) => return Some(3),
            ("zusammen", ..) if greets(start) && set_off => return Some(1),
            _ => {}
        }
        // "Hello to the whole table."
        let lead = line[..start].iter().rposition(|word| !WHOLE.has(&word.text));
        let lead = lead.map_or(0, |at| at + 1);
        let collective = COLLECTIVES.has(word)
            && set_off
            && (greets(lead) || begins && word != "all" && word != "here")
            || word == "all" && line.len() == 1;
        collective.then_some(1)
    }
}

/// How many a word counts; none when it counts nobody.
pub(super) fn number(word: &str) -> Option<usize> {
    const COUNTED: [&str; 7] = ["two", "three", "four", "five", "six", "seven", "eight"];
    COUNTED.iter().position(|one| *one == word).map(|at| at + 2)
}

pub(super) fn is_collective(word: &str) -> bool {
    COLLECTIVES.has(word)
}

fn is_article(word: &str) -> bool {
    matches!(word, "the" | "our" | "these")
}

fn is_filler(word: &str) -> bool {
    NUMBERS.has(word) || matches!(word, "on" | "o" | "one" | "single" | "the")
}

/// Whether the line is put to whoever knows: "does anybody know", "a question to the experts".
pub(super) fn asks_whoever(line: &[Word], lexicon: &Lexicon) -> bool {
    let text: Vec<&str> = line.iter().map(|word| word.text.as_str()).collect();
    let put = text.windows(3).any(|three| {
        matches!(three[0], "for" | "to" | "ask" | "pour" | "para" | "fur" | "an" | "voor" | "per")
            && (COLLECTIVES.has(three[1]) || COLLECTIVES.has(three[2]))
    });
    let who = text.windows(2).any(|two| {
        matches!(two[0], "who" | "whos" | "which")
            && matches!(
                two[1],
                "can" | "knows" | "could" | "here" | "of" | "would" | "wants" | "has"
            )
    });
    let of_you = text.windows(3).any(|three| {
        matches!(three[0], "any" | "one" | "some" | "either" | "which")
            && three[1] == "of"
            && lexicon.second_person.has(three[2])
    });
    put || who || of_you || text.iter().any(|word| lexicon.somebody.has(word))
}
