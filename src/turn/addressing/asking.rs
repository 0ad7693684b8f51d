//! Whether a line asks for something: questions and requests, also those without a mark.

use std::ops::Range;

use super::calls::Call;
use super::handing;
use super::lexicon::Set;
use super::reading::Reading;
use super::sentence::Sentence;
use super::silence;
use super::words::{Break, Word, is_question};

/// What is asked for without a verb: "any idea why".
const WANTED: Set = Set::new(
    "idea ideas thoughts thought tips tip clue clues advice suggestions suggestion opinion \
     opinions recommendations guess guesses views volunteers takers chance news luck experience",
);
/// Verbs that ask for a turn when a sentence begins with them.
const REQUESTS: Set = Set::new(
    "tell explain describe show give say name list go continue help please sing play read \
     teach walk remind suggest recommend compare convince imagine try guess keep carry \
     summarize summarise repeat define pick choose lets check make write calculate talk \
     speak tells advise elaborate translate spell erzahl sag erklare dis raconte cuenta \
     dime dimmi conta diz vertel racconta explica",
);

impl Reading<'_> {
    /// It is a question or a request.
    pub(super) fn asks(&self) -> bool {
        let sentences = silence::sentences(&self.line);
        if self.quotes(&sentences) {
            return false;
        }
        sentences.into_iter().any(|range| self.asks_in(&self.line[range]))
    }

    fn asks_in(&self, sentence: &[Word]) -> bool {
        is_question(sentence) || self.asks_without_a_mark(sentence)
    }

    /// It asks something in another sentence than those that let somebody off.
    pub(super) fn asks_beside(&self) -> bool {
        let lets_off =
            |range: &Range<usize>| self.calls.let_off.iter().any(|at| range.contains(at));
        let sentences = silence::sentences(&self.line).into_iter();
        let mut others = sentences.filter(|range| !lets_off(range));
        others.any(|range| self.asks_in(&self.line[range]))
    }

    /// "What helps? That's the title of it": its only question is talked about.
    pub(super) fn is_quoted(&self) -> bool {
        self.quotes(&silence::sentences(&self.line))
    }

    fn quotes(&self, sentences: &[Range<usize>]) -> bool {
        let is_marked = |range: &Range<usize>| self.line[range.end - 1].after == Break::Question;
        let mut marked = sentences.iter().enumerate().filter(|(_, range)| is_marked(range));
        let (Some((nth, _)), None) = (marked.next(), marked.next()) else { return false };
        let next = sentences.get(nth + 1).map(|range| &self.line[range.clone()]);
        let next = next.unwrap_or_default();
        let thats = next
            .first()
            .is_some_and(|word| word.text == "thats" || word.text == "that" && word.owns);
        thats && !next.iter().any(|word| self.lexicon.questions.has(&word.text))
    }

    /// A question is put to whom `call` names: the name is at an end of the sentence that asks or
    /// between pauses in it, alone beside it, or before a turned sentence ("Ada, will it hold").
    pub(super) fn is_put_to(&self, call: &Call) -> bool {
        let Some(mention) = self.mention_of(call.who) else { return false };
        let sentence = Sentence::around(&self.line, self.lexicon, mention);
        if call.handed {
            // "I want to hear Ada's opinion."
            let owned = self.line[mention.end - 1].owns
                && matches!(sentence.previous(), "want" | "hear" | "like" | "need" | "have");
            return sentence.announces() || owned;
        }
        let (opens, ends) = (sentence.opens(), sentence.tail.is_empty());
        // "Hamlet is a bit of a fool" is turned only where a pause stands behind the name.
        let turned = match sentence.after {
            Break::None => {
                let subject = sentence.tail.get(1);
                self.lexicon.helpers.has(sentence.next())
                    && subject.is_some_and(|word| self.lexicon.subjects.has(word))
            }
            _ => sentence.turns_to_somebody(),
        };
        // "Ada, take it from there", "the floor is yours, Ada".
        let told = opens
            && sentence.after != Break::None
            && (REQUESTS.has(sentence.next()) || handing::is_speaking(sentence.next()));
        opens && turned
            || told
            || sentence.announces()
            || sentence.gives_the_floor() && (opens || ends || sentence.is_set_off())
            || opens && ends && self.is_marked()
            || sentence.is_question && (opens || ends || sentence.is_set_off())
    }

    /// A question mark stands in it.
    pub(super) fn is_marked(&self) -> bool {
        self.line.iter().any(|word| word.after == Break::Question)
    }

    /// "Any idea why", "I do wonder how", "I was curious whether".
    pub(super) fn wonders(&self, sentence: &[Word]) -> bool {
        let text = |at: usize| sentence.get(at).map_or("", |word| word.text.as_str());
        let own = |word: &Word| matches!(word.text.as_str(), "i" | "im" | "id" | "ive" | "we");
        let wonder = |word: &Word| {
            matches!(word.text.as_str(), "wonder" | "wondering" | "wondered" | "curious")
        };
        let needs = matches!((text(0), text(1)), ("i" | "we", "need" | "want"));
        let thing = matches!(text(2), "that" | "it" | "this" | "these" | "those" | "one" | "to");
        sentence.iter().position(own).is_some_and(|at| sentence[at..].iter().take(5).any(wonder))
            || (0..sentence.len()).any(|at| text(at) == "any" && WANTED.has(text(at + 1)))
            || needs && !thing
            || self.turns(sentence)
            || needs && text(2) == "to" && matches!(text(3), "know" | "ask" | "hear" | "find")
    }

    /// "It smells sour does that want medicine": a turned clause in a line without pauses.
    pub(super) fn turns(&self, sentence: &[Word]) -> bool {
        const HELPERS: Set = Set::new(
            "does do did is are was were can could should would will has have isnt doesnt",
        );
        const SUBJECTS: Set = Set::new("i we it that this they you he she there");
        const BEFORE: Set = Set::new(
            "so neither nor as than what whatever all thing i we they you he she it who that if",
        );
        let pauses = sentence[..sentence.len() - 1].iter().any(|word| word.after != Break::None);
        let marked = self.text.trim_end().ends_with(['.', '!']);
        !pauses
            && !marked
            && sentence.windows(3).enumerate().any(|(at, three)| {
                at > 0
                    && HELPERS.has(&three[1].text)
                    && SUBJECTS.has(&three[2].text)
                    && !BEFORE.has(&three[0].text)
            })
    }

    pub(super) fn asks_without_a_mark(&self, sentence: &[Word]) -> bool {
        let closed =
            self.text.trim_end().ends_with(['.', '!']) && self.line.iter().any(|w| w.capital);
        let text = |at: usize| sentence.get(at).map_or("", |word| word.text.as_str());
        let skip = sentence
            .iter()
            .take_while(|word| {
                self.lexicon.openers.has(&word.text) && !REQUESTS.has(word.text.as_str())
                    || self.lexicon.joins.has(&word.text)
            })
            .count();
        let first = text(skip);
        let polite = |word: &Word| matches!(word.text.as_str(), "please" | "pls" | "plz" | "bitte");
        let should = ["should", "can", "could", "must", "may"];
        let whoever = self.lexicon.somebody.has(first)
            && sentence.iter().any(|word| should.contains(&word.text.as_str()));
        if sentence.iter().any(polite) || whoever || self.wonders(sentence) {
            return true;
        }
        let asked = self.lexicon.questions.has(first);
        let turned = self.lexicon.helpers.has(first)
            && (self.lexicon.subjects.has(text(skip + 1))
                || self.lexicon.determiners.has(text(skip + 1)));
        let requested = REQUESTS.has(first) && text(skip + 1) != "to";
        let wish = matches!(
            (first, text(skip + 1)),
            ("i", "would") if matches!(text(skip + 2), "like" | "love" | "appreciate")
        ) || matches!(
            (first, text(skip + 1)),
            ("i", "should") | ("id", "like") | ("any", _) | ("need", _) | ("im", "looking")
        );
        let somewhere = !closed
            && sentence.iter().any(|word| {
                self.lexicon.questions.has(&word.text)
                    && !matches!(
                        word.text.as_str(),
                        "who"
                            | "which"
                            | "that"
                            | "que"
                            | "when"
                            | "where"
                            | "das"
                            | "was"
                            | "as"
                            | "whose"
                    )
            })
            && !matches!(text(0), "i" | "im" | "thats");
        asked && !(closed && matches!(first, "what" | "when"))
            || turned
            || requested
            || wish
            || somewhere
    }
}
