//! A persona's own line: whom it hands the talk to, and whether it asks the humans something.

use super::SpokeLast;
use super::calls;
use super::expertise::Card;
use super::lexicon::Lexicon;
use super::mentions::{self, Present};
use super::offers;
use super::roles;
use super::silence;
use super::words::{Break, Word, is_question, words};
use crate::latency::Reason;

/// What a persona's line obliges others to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spoken {
    /// The persona that may follow it, and why: an index of the cast.
    pub next: Option<(usize, Reason)>,
    /// What lines after it are judged by.
    pub spoke: SpokeLast,
    /// The one human to whom it puts what it asks: an index of the humans.
    pub asked: Option<usize>,
}

/// "Tell me more", "name one": a sentence that wants words from whoever hears it.
fn requests(sentence: &[Word]) -> bool {
    let first = sentence.iter().find(|word| word.after != Break::Comma);
    let told = sentence.windows(2).any(|two| {
        let pair = (two[0].text.as_str(), two[1].text.as_str());
        matches!(pair, ("tell" | "show" | "give", "me" | "us") | ("me" | "us", "know"))
    });
    told || first.is_some_and(|first| {
        matches!(
            first.text.as_str(),
            "tell" | "describe" | "guess" | "name" | "choose" | "pick" | "say" | "try" | "count"
        )
    })
}

const CALLED_MIN: f32 = 0.75;
const SET_OFF_MIN: f32 = 0.9;
const HANDED_MIN: f32 = 0.55;
/// A request in one of so many last sentences asks: "name one. Just one."
const ASKING_SENTENCES: usize = 2;

/// Reads what `speaker` of the `cast` said; `humans` are those who are there.
pub fn spoken<'a>(
    text: &str,
    cast: impl Iterator<Item = &'a Card>,
    humans: &[&str],
    speaker: usize,
) -> Spoken {
    let line = words(text);
    let lexicon = Lexicon::of(&line);
    let present = Present::of(cast, humans);
    let calls = calls::find(&line, lexicon, mentions::find(&line, lexicon, &present));
    let said = Said { line: &line, lexicon, present: &present, calls, speaker };
    let to = said.hands_to().filter(|_| !said.ends_with_a_human());
    let offered = offers::offers(&line);
    // "Shall Ada tell you?" waits for the humans' word.
    let waits = offered && to.as_ref().is_some_and(|to| to.handed);
    let asked = said.humans_asked();
    let asks = (to.is_none() || waits) && said.asks(!asked.is_empty());
    let handed = to.as_ref().map(|to| to.persona);
    // "Ada told you of primes. Do you like them?" asks for itself.
    let points = || offers::pointed(&line, lexicon, &present, speaker);
    let pointed = handed.or_else(points).filter(|_| !asks || offered);
    Spoken {
        next: to.filter(|_| !waits).map(|to| (to.persona, to.reason())),
        spoke: SpokeLast {
            persona: speaker,
            asked: asks,
            pointed,
            handed: pointed.is_some() && (handed == pointed || offered),
            offered: offers::offers_itself(&line),
            asked_you: said.sentences().any(|sentence| asks_you(sentence, lexicon)),
        },
        asked: asked.first().copied().filter(|_| asked.len() == 1),
    }
}

fn asks_you(sentence: &[Word], lexicon: &Lexicon) -> bool {
    is_question(sentence) && sentence.iter().any(|word| lexicon.second_person.has(&word.text))
}

/// A persona's line.
struct Said<'a> {
    line: &'a [Word],
    lexicon: &'a Lexicon,
    present: &'a Present<'a>,
    calls: calls::Calls,
    speaker: usize,
}

/// To whom it gives the word.
struct To {
    persona: usize,
    /// Called upon without being spoken to.
    handed: bool,
}

impl To {
    fn reason(&self) -> Reason {
        let reason = if self.handed { "handed over by a persona" } else { "called by a persona" };
        Reason::Borrowed(reason)
    }
}

impl<'a> Said<'a> {
    fn sentences(&self) -> impl DoubleEndedIterator<Item = &'a [Word]> {
        silence::sentences(self.line).into_iter().map(|range| &self.line[range])
    }

    /// The humans to whom it puts a question or a request.
    fn humans_asked(&self) -> Vec<usize> {
        let spoken_to = |call: &&calls::Call| !call.handed || call.confidence >= CALLED_MIN;
        let called = self.calls.called.iter().filter(spoken_to);
        called.filter_map(|call| call.who.human()).collect()
    }

    /// It asks something, at its end or of a human by name.
    fn asks(&self, calls_a_human: bool) -> bool {
        let mut end = self.sentences().rev().take(ASKING_SENTENCES);
        is_question(self.line) || end.any(requests) || calls_a_human && self.has_a_question()
    }

    fn has_a_question(&self) -> bool {
        self.line.iter().any(|word| word.after == Break::Question)
    }

    fn hands_to(&self) -> Option<To> {
        // It has its marks: a name without a pause behind it calls only in a question.
        let called_min = if self.has_a_question() { CALLED_MIN } else { SET_OFF_MIN };
        let by_name = self.calls.called.iter().find_map(|call| {
            let persona = call.who.persona().filter(|one| *one != self.speaker)?;
            let least = if call.handed { HANDED_MIN } else { called_min };
            (call.confidence >= least).then_some(To { persona, handed: call.handed })
        });
        if by_name.is_some() || !self.humans_asked().is_empty() {
            return by_name;
        }
        let (line, lexicon, cards) = (self.line, self.lexicon, &self.present.cards);
        let other = |one: &usize| *one != self.speaker;
        let handed = roles::handed_role(line, lexicon, cards).filter(other);
        let handed = handed.map(|persona| To { persona, handed: true });
        handed.or_else(|| {
            let called = roles::called_role(line, lexicon, cards).filter(other);
            called.map(|persona| To { persona, handed: false })
        })
    }

    /// "Ada would know. And you, Tom?" is Tom's to answer.
    fn ends_with_a_human(&self) -> bool {
        let Some(last) = self.sentences().next_back() else { return false };
        let mentions = mentions::find(last, self.lexicon, self.present);
        let called = calls::find(last, self.lexicon, mentions).called;
        let human = |call: &calls::Call| call.who.human().is_some() && !call.handed;
        !called.is_empty() && called.iter().all(human)
    }
}
