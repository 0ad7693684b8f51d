//! Whether a line says a whole thing, or its speaker only drew breath.

use super::lexicon::{Lexicon, Set};
use super::words::Word;

/// Verbs of thinking, which want their "that" followed.
const THINKING: &[&str] = &[
    "think",
    "thinking",
    "thought",
    "say",
    "said",
    "saying",
    "know",
    "mean",
    "means",
    "told",
    "tell",
    "wondering",
    "guess",
    "hope",
    "believe",
    "so",
    "is",
];

/// What a speaker says who looks for a word: it is no part of the sentence.
const SEARCHES: &[&[&str]] = &[
    &["how", "do", "you", "say", "it"],
    &["how", "do", "you", "say"],
    &["how", "do", "you", "call", "it"],
    &["how", "you", "say"],
    &["how", "to", "say"],
    &["how", "you", "call", "it"],
    &["what", "do", "you", "call", "it"],
    &["what", "is", "the", "word"],
    &["whats", "the", "word"],
    &["whats", "it", "called"],
    &["what", "was", "it", "called"],
    &["you", "know"],
    &["wie", "sagt", "man"],
    &["comment", "dire"],
    &["como", "se", "dice"],
    &["come", "si", "dice"],
];

/// Whether its end is written as one that is none.
pub(super) fn dangles(text: &str) -> bool {
    ["...", "…", "-", "–", "—", ","].iter().any(|end| text.trim_end().ends_with(end))
}

/// The sentence without its searches for a word.
fn without_searches<'a>(sentence: &[&'a str]) -> Vec<&'a str> {
    let mut kept = Vec::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some((first, behind)) = rest.split_first() {
        let search = SEARCHES.iter().find(|words| !kept.is_empty() && rest.starts_with(words));
        match search {
            Some(words) => rest = &rest[words.len()..],
            None => {
                kept.push(*first);
                rest = behind;
            }
        }
    }
    kept
}

/// Whether `text`, whose words are `line`, breaks off.
pub(super) fn is_unfinished(text: &str, line: &[Word], lexicon: &Lexicon) -> bool {
    let text = text.trim_end();
    let dangles = dangles(text);
    let closed = text.ends_with(['.', '!', '?', '。', '？', '！', ')', '"', '”']);
    let from = line.iter().rposition_before(|word| word.after.ends_sentence());
    let sentence: Vec<&str> = line[from..].iter().map(|word| word.text.as_str()).collect();
    if sentence.len() < 2 && !dangles {
        return false;
    }
    if dangles {
        return sentence.len() > 1;
    }
    let whole = sentence.len();
    let sentence = without_searches(&sentence);
    if sentence.len() < 2 {
        return false;
    }
    let last = sentence[sentence.len() - 1];
    if sentence.len() < whole && lexicon.determiners.has(last) && !closed {
        return true;
    }
    !closed && (ends_open(&sentence, lexicon) || wants_a_main_clause(&sentence, lexicon))
}

trait LastSentence {
    fn rposition_before(self, ends: impl Fn(&Word) -> bool) -> usize;
}

impl<'a, I: ExactSizeIterator<Item = &'a Word> + DoubleEndedIterator> LastSentence for I {
    /// Where the last sentence begins; the last word's own end does not count.
    fn rposition_before(self, ends: impl Fn(&Word) -> bool) -> usize {
        let count = self.len();
        let mut begins = 0;
        for (at, word) in self.enumerate() {
            if ends(word) && at + 1 < count {
                begins = at + 1;
            }
        }
        begins
    }
}

/// Pronouns that may end a sentence as its object.
const OBJECTS: Set = Set::new(
    "you it that this her us u there these those any some each no me his one ihr dir das \
     dit dat esto eso questo quello isto isso ella lui lei loro vous nous cela ca moi jou \
     voi noi anybody anyone somebody someone her's mine its c si alle jij u' te ti tu \
     usted ustedes sie du ela ele elas eles voces voce jullie la",
);
/// Sounds of search for a word.
const HESITATIONS: Set = Set::new("um uh er erm uhm euh ehm ahm eh");
/// Before a last "this" these leave it open.
const BEFORE_THIS: Set = Set::new("had has was have got like");
/// Before a last "so" these make it whole.
const BEFORE_SO: Set =
    Set::new("think hope say guess suppose not or believe said do why if ever even just thought");
/// Adverbs that need what they stress.
const ADVERBS: Set = Set::new("very really quite maybe basically actually whether");
/// A helper behind these answers in short.
const SUBJECTS: Set = Set::new("you i we they he she it that there us to dont thing what please");
/// Helpers that need their complement even so.
const BARE_HELPERS: Set = Set::new("is was are were be have has had");
/// Behind these the bare helpers are whole.
const SUBJECTS_OF_BARE: Set = Set::new("it he she they i you we that there");
/// Behind these a last question word is whole.
const BEFORE_QUESTION: Set =
    Set::new("know so say guess but and or tell sure it wonder no idea ideas clue");

/// The last word is of a class that needs another word behind it.
fn ends_open(sentence: &[&str], lexicon: &Lexicon) -> bool {
    let last = sentence[sentence.len() - 1];
    let before = sentence[sentence.len() - 2];
    let clause = ["when", "where", "which", "that", "que", "who", "was", "wo", "als"];
    let asks = |word: &&str| lexicon.questions.has(word) && !clause.contains(word);
    let asked =
        sentence.iter().take(sentence.len() - 1).any(asks) || lexicon.questions.has(sentence[0]);
    // "What I wanted to ask is": it tells, and does not ask.
    let cleft = lexicon.questions.has(sentence[0]) && lexicon.subjects.has(sentence[1]);
    let asked = asked && !(cleft && lexicon.helpers.has(last) && sentence.len() > 3);
    let object = OBJECTS.has(last);
    if HESITATIONS.has(last) {
        return sentence.len() > 2;
    }
    if matches!(last, "this" | "these" | "that") && BEFORE_THIS.has(before) {
        return before != "like" || last == "this";
    }
    if last == "that" {
        return THINKING.contains(&before) && sentence.len() > 3 && !asked;
    }
    if last == "so" {
        return !BEFORE_SO.has(before);
    }
    if ADVERBS.has(last) {
        return !matches!(before, "not" | "no" | "oh" | "well");
    }
    if lexicon.joins.has(last) || lexicon.subordinators.has(last) {
        return true;
    }
    if lexicon.prepositions.has(last) {
        // "What is it for": the question has its object in front.
        let idiom = matches!((before, last), ("think", "about") | ("that" | "it" | "this", "like"));
        return !asked && !idiom;
    }
    if lexicon.determiners.has(last) && !object {
        return true;
    }
    if lexicon.helpers.has(last) {
        return helper_is_open(sentence, lexicon, asked);
    }
    if lexicon.subjects.has(last) && !object {
        // "Then we", "and I": a subject without its verb; "did they" is whole.
        return !lexicon.helpers.has(before) && !lexicon.prepositions.has(before);
    }
    lexicon.questions.has(last) && !asked && sentence.len() > 2 && !BEFORE_QUESTION.has(before)
}

/// Whether a sentence that ends on an auxiliary wants its verb.
fn helper_is_open(sentence: &[&str], lexicon: &Lexicon, asked: bool) -> bool {
    let last = sentence[sentence.len() - 1];
    let before = sentence[sentence.len() - 2];
    // "Might have been", "yes it is": a short answer leaves out what was said before.
    let elliptic = |word: &&str| {
        lexicon.helpers.has(word)
            || lexicon.subjects.has(word)
            || lexicon.nods.has(word)
            || lexicon.negations.has(word)
            || lexicon.second_person.has(word)
    };
    if asked || sentence.len() <= 5 && sentence.iter().all(elliptic) {
        return false;
    }
    let leans = sentence.iter().any(|word| matches!(*word, "whether" | "if" | "because" | "ob"));
    let thinks = sentence[..sentence.len() - 2].iter().any(|word| THINKING[..6].contains(word));
    let bare = BARE_HELPERS.has(last) && !SUBJECTS_OF_BARE.has(before);
    leans || thinks && sentence.len() > 3 || !SUBJECTS.has(before) || bare
}

/// "If we take the northern passage": a clause that leans on one that is not there.
fn wants_a_main_clause(sentence: &[&str], lexicon: &Lexicon) -> bool {
    let start = sentence.iter().take(4).position(|word| lexicon.subordinators.has(word));
    let Some(start) = start else { return false };
    let opens = sentence[..start].iter().filter(|word| !lexicon.openers.has(word)).count() <= 1;
    let asks = sentence.iter().any(|word| lexicon.questions.has(word) && *word != "when");
    let rest = &sentence[start + 1..];
    let subject = |word: &&&str| {
        lexicon.subjects.has(word) || lexicon.determiners.has(word) || lexicon.helpers.has(word)
    };
    let order = rest.iter().any(|word| matches!(*word, "tell" | "let" | "please" | "then"));
    opens && !asks && !order && rest.iter().filter(subject).count() <= 2 && rest.len() <= 9
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn what_breaks_off_and_what_is_whole() {
        let open = [
            "so ezekiel if we take the northern passage and then we",
            "Ute, yesterday I was in the office for, how to say, for the",
            "grant, what if we drop the export feature and",
            "Kenji, so when I pull the clutch in it kind of",
            "Robin, what if there was a dragon and it, um, and it had this",
            "I was wondering whether you could",
            "Can you tell me what the",
            "The thing is...",
            "Ich wollte fragen, ob",
            "je voudrais savoir si le",
            "ada do you remember when we went to",
            "because i was",
        ];
        let whole = [
            "What is it for",
            "who did you go with",
            "ada do you like that",
            "i think so",
            "yes it is",
            "What about you, Bo?",
            "tell me what it was like",
            "how are you",
            "do you want some",
            "come in",
            "Because I said so.",
            "what should i do if the starter smells",
        ];
        let unfinished = |line: &str| {
            let line_words = words(line);
            is_unfinished(line, &line_words, Lexicon::of(&line_words))
        };
        let wrong: Vec<_> = open.iter().filter(|line| !unfinished(line)).collect();
        assert!(wrong.is_empty(), "whole: {wrong:?}");
        let wrong: Vec<_> = whole.iter().filter(|line| unfinished(line)).collect();
        assert!(wrong.is_empty(), "open: {wrong:?}");
    }
}
