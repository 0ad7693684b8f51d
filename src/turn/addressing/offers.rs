//! What a persona offers in another's name, and how it is taken: "Ada could tell you that", "yes,
//! let's hear it".

use super::handing;
use super::lexicon::{Lexicon, Set};
use super::mentions::{self, Present};
use super::reading::Reading;
use super::roles;
use super::silence;
use super::words::{Phrases, Word, is_question, says};

/// A line of more words says something of its own.
const ACCEPTS_WORDS: usize = 8;
/// So many sentences back from the end a persona points to another.
const POINTS_SENTENCES: usize = 2;
const ACCEPTS: Phrases = &[
    &["go", "on"],
    &["go", "ahead"],
    &["go", "for", "it"],
    &["lets", "hear"],
    &["let", "us", "hear"],
    &["let", "me", "hear"],
    &["lets", "have"],
    &["let", "us", "have"],
    &["yes", "please"],
    &["please", "do"],
    &["carry", "on"],
    &["all", "means"],
    &["id", "love"],
    &["id", "like", "that"],
    &["like", "to", "hear"],
    &["sounds", "good"],
    &["that", "would", "be"],
    &["thatd", "be"],
    &["do", "tell"],
];
const DECLINES: Phrases = &[
    &["not", "now"],
    &["not", "yet"],
    &["were", "good"],
    &["were", "fine"],
    &["im", "good"],
    &["im", "fine"],
    &["no", "need"],
    &["dont", "bother"],
    &["another", "time"],
    &["other", "time"],
    &["maybe", "later"],
    &["maybe", "not"],
    &["lets", "not"],
    &["rather", "not"],
    &["better", "not"],
    &["dont", "think", "so"],
    &["not", "today"],
    &["not", "tonight"],
    &["absolutely", "not"],
    &["id", "rather"],
    &["please", "dont"],
    &["already"],
    &["later"],
];
/// What a question offers that its speaker would do.
const OWN_OFFERS: Phrases = &[
    &["would", "you", "like"],
    &["do", "you", "want"],
    &["you", "care"],
    &["you", "fancy"],
    &["want", "me"],
    &["shall", "i"],
    &["shall", "we"],
    &["should", "i"],
    &["should", "we"],
    &["may", "i"],
    &["may", "we"],
    &["can", "i"],
    &["can", "we"],
    &["could", "i"],
    &["could", "we"],
    &["soll", "ich"],
    &["darf", "ich"],
    &["kann", "ich"],
];
/// First words that decline.
const NO: Set = Set::new("no nah nope naw nein non nao nee nej ei nie");

pub(super) fn is_no(word: &str) -> bool {
    NO.has(word)
}

impl Reading<'_> {
    /// "Yes please", "let's hear it".
    pub(super) fn accepts(&self) -> bool {
        self.line.len() <= ACCEPTS_WORDS && !self.is_marked() && says(&self.line, ACCEPTS)
    }

    /// "No, we're good."
    pub(super) fn declines(&self) -> bool {
        let first = self.line.iter().find(|word| !matches!(word.text.as_str(), "oh" | "ah"));
        first.is_some_and(|word| is_no(&word.text)) || says(&self.line, DECLINES)
    }
}

/// Whether `line`, a persona's, leaves it to the humans whether another persona shall speak: "shall
/// we ask Ada?", "Ada can tell you, if you like".
pub(super) fn offers(line: &[Word]) -> bool {
    let pairs = |words: &[Word], one: &[&str], other: &[&str]| {
        words
            .windows(2)
            .any(|two| one.contains(&two[0].text.as_str()) && other.contains(&two[1].text.as_str()))
    };
    silence::sentences(line).into_iter().any(|range| {
        let sentence = &line[range];
        let asks = is_question(sentence);
        let shall =
            pairs(sentence, &["shall", "should"], &["i", "we", "he", "she", "they", "the", "our"]);
        let wants = pairs(sentence, &["you"], &["like", "want", "wish", "prefer"]);
        let conditional = sentence.iter().any(|word| word.text == "if");
        asks && shall || wants && (asks || conditional)
    })
}

/// Whether `line` ends on what its speaker offers to do: "shall I read on?", "would you like one?",
/// "I could show you one".
pub(super) fn offers_itself(line: &[Word]) -> bool {
    let could = line.windows(3).any(|three| {
        three[0].text == "i"
            && matches!(three[1].text.as_str(), "can" | "could" | "may" | "might")
            && handing::is_speaking(&three[2].text)
    });
    let Some(last) = silence::sentences(line).pop().map(|range| &line[range]) else {
        return false;
    };
    could || is_question(last) && says(last, OWN_OFFERS)
}

/// The persona other than `speaker` to whom the end of its `line` points.
pub(super) fn pointed(
    line: &[Word],
    lexicon: &Lexicon,
    present: &Present<'_>,
    speaker: usize,
) -> Option<usize> {
    let sentences = silence::sentences(line);
    let last = &line[sentences.last()?.clone()];
    // "Shall I go on?" is the speaker's own offer.
    if is_question(last) && last.iter().any(|word| matches!(word.text.as_str(), "i" | "me")) {
        return None;
    }
    let from = sentences[sentences.len().saturating_sub(POINTS_SENTENCES)].start;
    let end = &line[from..];
    let found = mentions::find(end, lexicon, present);
    let other = |one: &usize| *one != speaker;
    let exact = found.iter().rev().filter(|mention| mention.exact);
    let named = exact.flat_map(|mention| &mention.who);
    let named = named.filter_map(mentions::Who::persona).find(other);
    named.or_else(|| roles::meant_role(end, lexicon, &present.cards).filter(other))
}
