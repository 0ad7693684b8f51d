//! "No, the other one": a line that takes back whom the line before it was put to.

use super::lexicon::{Lexicon, Set};
use super::words::Word;

/// How surely a line says that somebody else was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Correction {
    /// Somebody else was meant, whoever that is.
    Somebody,
    /// Something else was meant; somebody only if one is named.
    Perhaps,
}

const APOLOGIES: Set = Set::new(
    "no nope nah nay sorry sry oops whoops actually wait excuse pardon apologies nein non \
     perdon desculpa scusa nee entschuldigung oh hang erm not nicht ach desole er ah yeah \
     um i my nej forlat naw nae anzi whoops hoppla ups verzeihung mi entschuldigen no",
);
/// What opens a sentence that takes the one before it back.
const TAKES_BACK: Set = Set::new(
    "no nope naw nah sorry oops whoops wait actually pardon scusa scusi anzi perdon desculpa \
     desculpe nein nee entschuldigung verzeihung rather apologies hoppla ups desole",
);
/// So early in a sentence.
const TAKES_BACK_WORDS: usize = 3;
/// What was intended.
const MEANT: Set = Set::new(
    "meant mean meaning wanted want after asking asked intended talking speaking meinte \
     meine voulais queria volevo bedoelde bedoel quise looking addressing calling decir intended",
);

/// What the other one may be called.
const OTHERS: &[&str] = &[
    "one",
    "guy",
    "person",
    "man",
    "woman",
    "fella",
    "lady",
    "expert",
    "fellow",
    "bloke",
    "chap",
    "lad",
    "lass",
    "gentleman",
    "gent",
];

/// "That was intended for".
const MEANT_FOR: &[&str] =
    &["for", "to", "meant", "intended", "aimed", "directed", "asking", "talking"];

/// Whether a sentence begins as one that takes back what was said just before it.
pub(super) fn takes_back(line: &[Word]) -> bool {
    let opening = line.iter().take(TAKES_BACK_WORDS);
    opening.map(|word| word.text.as_str()).any(|word| TAKES_BACK.has(word))
}

/// Whether `line` corrects whom the talk was put to.
pub(super) fn find(line: &[Word], lexicon: &Lexicon) -> Option<Correction> {
    let words: Vec<&str> = line.iter().map(|word| word.text.as_str()).collect();
    let pair = |one: &str, others: &[&str]| {
        words.windows(2).any(|two| two[0] == one && others.contains(&two[1]))
    };
    let apology = words.first().is_some_and(|first| APOLOGIES.has(first));
    let wrong = pair("wrong", &["one", "person", "name", "guy", "expert", "man", "woman", "lady"])
        || pair("other", OTHERS)
        || pair("someone", &["else"])
        || pair("somebody", &["else"])
        || pair("the", &["other"]) && words.last() == Some(&"other");
    let another =
        ["otro", "otra", "outro", "outra", "altro", "altra", "autre", "andere", "anderen"];
    let foreign = another.iter().any(|other| words.contains(other));
    let meant = words.iter().any(|word| MEANT.has(word));
    let told = words.iter().any(|word| matches!(*word, "muddled" | "mixed" | "confused"));
    let asks_anew = words.len() > 14 || lexicon.questions.has(words.first().unwrap_or(&""));
    if apology && (wrong || foreign || told && meant) || wrong && meant {
        return Some(Correction::Somebody);
    }
    let aimed = pair("was", MEANT_FOR)
        || pair("i", &["said", "meant"])
        || pair("meant", &["for"])
        || pair("not", &["you", "him", "her"]) && words[0] == "not";
    ((apology && meant || aimed) && !asks_anew).then_some(Correction::Perhaps)
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn corrections_are_told_from_questions() {
        use Correction::{Perhaps, Somebody};
        for (line, want) in [
            ("sry wrong one, meant the db one", Some(Somebody)),
            ("Yeah no, I meant the other one.", Some(Somebody)),
            ("No, no, excuse me, I wanted the other one, the singer.", Some(Somebody)),
            ("Nay, sorry lass, it were Winston I were after.", Some(Perhaps)),
            ("No, I meant the red one.", Some(Perhaps)),
            ("What did you mean by that?", None),
            ("No, it is raining.", None),
        ] {
            let line_words = words(line);
            assert_eq!(find(&line_words, Lexicon::of(&line_words)), want, "{line}");
        }
    }
}
