//! "No, the other one": a line that takes back whom the line before it was put to.

use super::Choice;
use super::lexicon::{Lexicon, Set};
use super::mentions::Who;
use super::reading::Reading;
use super::verdict::{Bearing, Verdict};
use super::words::{Break, Phrases, Word, begins_with, is_question};

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
     um i my nej forlat naw nae anzi whoops hoppla ups verzeihung mi entschuldigen no mb oj ei",
);
/// What opens a sentence that takes the one before it back.
const TAKES_BACK: Set = Set::new(
    "no nope naw nah sorry oops whoops wait actually pardon scusa scusi anzi perdon desculpa \
     desculpe nein nee entschuldigung verzeihung rather apologies hoppla ups desole nao",
);
/// Words that are sorry for something, wherever they stand.
const SORRY: Set = Set::new("sorry sry oops whoops pardon apologies mb mistake desculpa scusa");
/// What takes back what stands before it, within a sentence and without a pause.
const REPAIRS: Phrases = &[
    &["no", "wait"],
    &["wait", "no"],
    &["no", "sorry"],
    &["sorry", "no"],
    &["naw", "sorry"],
    &["scratch", "that"],
    &["strike", "that"],
    &["what", "am", "i", "saying"],
    &["i", "mean"],
    &["i", "meant"],
    &["not", "you"],
];
/// What takes a question back for good, unless somebody else is asked behind it.
const WITHDRAWN: Phrases = &[
    &["scratch", "that"],
    &["strike", "that"],
    &["belay", "that"],
    &["forget", "i"],
    &["forget", "it"],
    &["forget", "that"],
    &["forget", "about"],
    &["ignore", "that"],
    &["disregard", "that"],
    &["never", "mind"],
    &["i", "have", "it"],
    &["i", "found", "it"],
    &["ive", "got", "it"],
    &["ive", "found", "it"],
];
/// So early in a sentence.
const TAKES_BACK_WORDS: usize = 3;
/// What was intended.
const MEANT: Set = Set::new(
    "meant mean meaning wanted want after asking asked intended talking speaking meinte \
     meine voulais queria volevo bedoelde bedoel quise looking addressing calling decir intended",
);

/// What stands before what is not to be minded.
const THINGS: Set = Set::new("the my your his her their this these those about");

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
    "yin",
    "two",
];
/// A line of so many words that has "the other one" in it is about nothing else.
const OTHER_ONE_WORDS: usize = 8;

/// "That was intended for".
const MEANT_FOR: &[&str] =
    &["for", "to", "meant", "intended", "aimed", "directed", "asking", "talking"];

/// Whether a sentence begins as one that takes back what was said just before it.
pub(super) fn takes_back(line: &[Word]) -> bool {
    let opening = line.iter().take(TAKES_BACK_WORDS);
    opening.map(|word| word.text.as_str()).any(|word| TAKES_BACK.has(word))
}

/// Whether the words from `at` on take back what stands before them in their sentence.
pub(super) fn repairs(line: &[Word], at: usize) -> bool {
    let rest = &line[at..];
    let pause = at > 0 && line[at - 1].after != Break::None;
    pause && TAKES_BACK.has(&rest[0].text) && rest[0].text != "wait"
        || at > 0 && begins_with(rest, REPAIRS).is_some()
}

/// Where a question is taken back: the first word behind what says so.
pub(super) fn withdrawn(line: &[Word]) -> Option<usize> {
    (0..line.len()).find_map(|at| {
        let said = begins_with(&line[at..], WITHDRAWN)?;
        // "Could you forget that", "don't forget it".
        let opens = line[..at].iter().rev().take_while(|word| word.after == Break::None).count();
        let clear = matches!(said[0], "scratch" | "strike" | "belay");
        let behind = &line[at + said.len()..];
        // "Never mind the adverbs."
        let of_a_thing = behind.first().is_some_and(|word| THINGS.has(&word.text));
        let clear = clear || opens <= 2 || behind.len() <= 2;
        (clear && !of_a_thing).then_some(at + said.len())
    })
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
    let sorry = words.iter().any(|word| SORRY.has(word));
    let confused = ["mixed", "muddled", "confused"];
    let mixed_up = confused.iter().any(|one| pair(one, &["you", "up"]));
    // "The other yin then."
    let asks = is_question(line);
    let other = pair("other", OTHERS) && words.contains(&"the");
    let only_other = other && words.len() <= OTHER_ONE_WORDS && !asks && !words.contains(&"of");
    if apology && (wrong || foreign || told && meant)
        || wrong && (meant || sorry)
        || mixed_up && !asks
        || only_other
    {
        return Some(Correction::Somebody);
    }
    let not_you = pair("not", &["you"]) && (sorry || apology) && !asks;
    // "It was Hugo I wanted."
    let cleft = pair("it", &["was"]) && pair("i", &["wanted", "meant", "asked"]);
    let aimed = not_you
        || cleft
        || pair("was", MEANT_FOR)
        || pair("i", &["said", "meant"])
        || pair("meant", &["for"])
        || pair("not", &["you", "him", "her"]) && words[0] == "not";
    ((apology && meant || aimed) && !asks_anew).then_some(Correction::Perhaps)
}

impl Choice<'_> {
    /// "No, the other one": the talk was put to somebody else.
    pub(super) fn corrected(&self) -> Option<Verdict> {
        if let Some((before, after)) = self.reading.taken_back() {
            return self.taken_back(&before, &after);
        }
        let found = self.reading.correction()?;
        let mentioned = &self.reading.calls.mentioned;
        // Whoever spoke last is named for being told so.
        let last = self.scene.spoke_last.map(|last| Who::Persona(last.persona));
        let persona = |who: &Who| matches!(who, Who::Persona(_)) && Some(*who) != last;
        let human = mentioned.iter().find_map(Who::human);
        if let (Some(human), false) = (human, mentioned.iter().any(persona)) {
            // "Oh, I was talking to Zoe."
            return Some(self.turned_to(human));
        }
        if mentioned.len() == 1 && mentioned.first().copied() == last {
            // "No, Ada, I want to hear it" is Ada's.
            return None;
        }
        let refused = || match mentioned[..] {
            [Who::Persona(one)] => Some(one),
            _ => None,
        };
        let from = self.scene.partner().or_else(refused)?;
        let instead = self.instead(from, found, self.reading, self.scene.asked_before);
        // "Sorry, I meant six times eight": whoever has just answered is told so.
        let last = self.scene.spoke_last.filter(|last| last.persona == from && self.may(from));
        let somebody = self.reading.refuses_you() || self.reading.wants_somebody_else();
        let anew = last.is_some() && !somebody && mentioned.is_empty();
        instead.or_else(|| anew.then(|| self.goes_on(from, 0.7, "told what was meant")))
    }

    /// What was asked of a persona was meant for a human.
    fn turned_to(&self, human: usize) -> Verdict {
        let nobody = Verdict::nobody(Bearing::Humans, "addressed to a human");
        Verdict { humans: vec![human], takes_back: true, ..nobody }
    }

    /// "Ada, what is it? No, sorry, I mean Hugo": the line corrects itself.
    fn taken_back(&self, before: &Reading<'_>, after: &Reading<'_>) -> Option<Verdict> {
        let from = before.personas_called().first().copied()?;
        let called = after.personas_called().into_iter().filter(|one| *one != from);
        let called: Vec<_> = called.map(|one| (one, 0.8, "meant instead")).collect();
        if !called.is_empty() {
            return Some(self.calls(called));
        }
        let human = after.calls.called.iter().find_map(|call| call.who.human()).map(Who::Human);
        match human.or_else(|| after.meant()) {
            Some(Who::Persona(one)) if one != from => {
                return Some(self.calls(vec![(one, 0.8, "meant instead")]));
            }
            Some(Who::Human(one)) => return Some(self.turned_to(one)),
            _ => {}
        }
        self.instead(from, after.correction()?, after, Some(before.text()))
    }

    /// Who was meant when it was not `from`.
    fn instead(
        &self,
        from: usize,
        found: Correction,
        reading: &Reading<'_>,
        question: Option<&str>,
    ) -> Option<Verdict> {
        let may = |one: &usize| *one != from && !self.is_left_out(*one);
        let named = reading.calls.mentioned.iter().filter_map(Who::persona).find(may);
        let others: Vec<usize> =
            (0..self.scene.cast.len()).filter(|one| *one != from && self.may(*one)).collect();
        let described = || reading.described().filter(|one| others.contains(one));
        let somebody_else = found == Correction::Somebody;
        let by_words = || {
            let fits = || reading.best_fit(&others);
            described().or_else(fits).or_else(|| reading.abbreviated(&others))
        };
        let somebody = || match others.as_slice() {
            [only] => Some(*only),
            _ => self.rank_by_question(question, &others),
        };
        let to = named.or_else(by_words);
        let to = if somebody_else { to.or_else(somebody) } else { to };
        Some(self.calls(vec![(to?, 0.8, "meant instead")]))
    }

    /// "Scratch that": what was asked is not asked any more, but for what stands behind it.
    pub(super) fn withdrawn(&self) -> Option<Verdict> {
        let nobody = || Verdict {
            takes_back: true,
            ..Verdict::nobody(Bearing::Nothing, "the question was withdrawn")
        };
        // "Oh, I meant you": another human was meant.
        if self.scene.after_human && self.reading.means_you() {
            return Some(nobody());
        }
        let rest = self.reading.behind_withdrawal()?;
        if rest.asks() {
            let choice = Choice { reading: &rest, ..*self };
            return Some(Verdict { takes_back: true, ..choice.whole() });
        }
        Some(nobody())
    }
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
