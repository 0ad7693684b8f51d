//! Names of those who are not to answer: "not Ada", "Ada, let somebody else", "Ada, don't help".

use super::lexicon::Set;
use super::sentence::Sentence;
use super::words::{Break, Phrases};

/// A helper that is denied: "wasn't".
pub(super) fn is_negated(word: &str) -> bool {
    matches!(
        word,
        "dont"
            | "didnt"
            | "wasnt"
            | "isnt"
            | "arent"
            | "werent"
            | "wouldnt"
            | "wont"
            | "cant"
            | "couldnt"
            | "never"
            | "aint"
            | "doesnt"
            | "shouldnt"
            | "neednt"
    )
}

/// What lets off whom it is said to.
const LET_OFF: Phrases = &[
    &["nobody", "asked"],
    &["noone", "asked"],
    &["no", "one", "asked"],
    &["not", "for", "you"],
    &["rather", "you", "didnt"],
    &["neednt"],
    &["you", "dont", "need", "to"],
    &["you", "dont", "have", "to"],
    &["i", "want", "to", "hear", "what"],
    &["sit", "tight"],
    &["stay", "out"],
    &["keep", "out"],
    &["turn", "is", "over"],
    &["had", "your"],
    &["said", "enough"],
    &["no", "need"],
    &["not", "helping"],
    &["got", "this"],
    &["ill", "pass"],
    &["wasnt", "a", "question"],
    &["isnt", "a", "question"],
    &["not", "a", "question"],
    &["were", "talking"],
    &["are", "talking"],
    &["middle", "of"],
];
/// What nobody forbids who wants to hear more.
const NOT_FORBIDDEN: Set = Set::new("stop hold forget be hesitate worry think you know mind");
/// What may stand behind "don't you" that forbids.
const FORBIDDEN: Set = Set::new("dare start bother tell say answer even");
/// Verbs of asking somebody, before a name and before "you".
const ASKING: Set = Set::new("asking ask asked need want mean meant calling addressing hear");

impl Sentence<'_> {
    pub(super) fn excludes(&self) -> bool {
        let negated: &[&[&str]] = &[
            &["except"],
            &["besides"],
            &["without"],
            &["other", "than"],
            &["instead", "of"],
            &["apart", "from"],
            &["except", "for"],
            &["sauf"],
            &["excepto"],
            &["ausser"],
            &["behalve"],
            &["tranne"],
            &["exceto"],
            &["rather", "than"],
            &["bar"],
            &["benching"],
            &["skipping"],
            &["excluding"],
            &["minus"],
        ];
        let article = usize::from(matches!(self.previous(), "the" | "our" | "that" | "le" | "la"));
        let lead = &self.lead[..self.lead.len() - article];
        let not = |word: &str| word != "no" && self.lexicon.negations.has(word);
        let near = self.lead.iter().rev().take(2).any(|word| not(word));
        let second = self.lexicon.second_person.has(self.previous());
        let denied = not(self.previous()) || second && near;
        // "Ada, not you", "Ada, you may rest": spoken to, and let off.
        let last = self.tail.last().copied().unwrap_or_default();
        let out = self.tail.contains(&"out")
            && self.tail.iter().any(|word| matches!(*word, "stay" | "sit" | "sits" | "stays"));
        let rests = matches!(last, "rest" | "skip" | "excused" | "off");
        let let_off = out || rests && self.lexicon.second_person.has(self.next());
        let refused = self.previous() == "from" && self.lead.iter().any(|word| not(word));
        let you = self.tail.get(1).is_some_and(|word| self.lexicon.second_person.has(word));
        let after = you && not(self.next()) && self.tail.len() == 2
            || self.tail_is(&["not", "this", "time"]);
        // "Anyone but not Ada again": what was heard enough of.
        let refused = refused || self.refuses_you() || self.is_not_asked();
        let but = lead.last() == Some(&"but") && lead.len() > 1;
        denied
            || but
            || let_off
            || refused
            || after
            || negated.iter().any(|words| lead.ends_with(words))
    }

    /// "I wasn't asking you, Ada", "Ada, I don't want it from you".
    fn refuses_you(&self) -> bool {
        let refuses = |words: &[&str]| {
            (0..words.len()).any(|at| {
                let rest = &words[at..];
                let asks = |word: &&str| {
                    ASKING.has(word) || matches!(*word, "talking" | "speaking" | "meaning")
                };
                let reach = &rest[1..rest.len().min(6)];
                let asked = reach.iter().position(asks);
                self.denies(rest[0])
                    && asked.is_some_and(|asked| {
                        let behind = &reach[asked + 1..];
                        let from = matches!(reach[asked], "want" | "need" | "hear");
                        let you =
                            |word: &&str| matches!(*word, "you" | "yours" | "dich" | "te" | "toi");
                        behind.iter().take(3).any(you)
                            && (!from
                                || behind.iter().any(|word| matches!(*word, "from" | "yours")))
                    })
            })
        };
        // A name in front is called; what follows is said to its bearer.
        let called = self.opens() || self.tail.is_empty() || self.before == Break::Comma;
        called && (refuses(&self.lead) || refuses(&self.tail))
    }

    /// What is said to its bearer forbids an answer, or says that none is needed: "Ada, don't help
    /// him", "I'll pass, Ada", "no, Ada".
    pub(super) fn lets_off(&self) -> bool {
        if self.is_question {
            return false;
        }
        let said = match (self.opens(), self.tail.is_empty()) {
            (true, false) => &self.tail,
            (_, true) => &self.lead,
            _ => return false,
        };
        let denies = |word: &&str| *word == "no" || self.lexicon.negations.has(word);
        // "Don't apologise, just tell me", "don't let him, what would you do".
        let asks = |word: &&str| self.lexicon.questions.has(word) || *word == "just";
        let goes_on = said.len() > 3 && said[2..].iter().any(asks)
            || said.starts_with(&["dont", "tell", "me", "you"]);
        if goes_on {
            return false;
        }
        let bare = !said.is_empty() && said.len() <= 2 && said.iter().all(denies);
        let polite = |word: &&&str| matches!(**word, "please" | "no" | "oh" | "now");
        let order = &said[said.iter().take_while(polite).count()..];
        let forbids = match order {
            ["dont", "you", verb, ..] | ["do", "not", "you", verb, ..] => FORBIDDEN.has(verb),
            ["dont", verb, ..] | ["do", "not", verb, ..] => !NOT_FORBIDDEN.has(verb),
            _ => false,
        };
        let said_so =
            LET_OFF.iter().any(|words| said.windows(words.len()).any(|part| part == *words));
        bare || forbids || said_so
    }

    /// "I'm not asking Ada", "we don't need Ada for that".
    fn is_not_asked(&self) -> bool {
        let reach = self.lead.len().saturating_sub(4);
        let mut near = self.lead[reach..].iter();
        ASKING.has(self.previous()) && near.any(|word| self.denies(word)) && !self.is_question
    }

    /// A word that denies what stands with it, as "no" by itself does not.
    fn denies(&self, word: &str) -> bool {
        is_negated(word) || word != "no" && self.lexicon.negations.has(word)
    }
}
