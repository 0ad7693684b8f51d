//! A persona's own line: whom it hands the talk to, and whether it asks the humans something.

use std::ops::Range;

use super::calls;
use super::expertise::Card;
use super::lexicon::Lexicon;
use super::mentions::{self, Present, Who};
use super::offers;
use super::roles;
use super::silence;
use super::words::{Break, Word, words};
use crate::latency::Reason;

/// What a persona's line obliges others to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spoken {
    /// The persona that may follow it, and why: an index of the cast.
    pub next: Option<(usize, Reason)>,
    /// It asks humans something.
    pub asks: bool,
    /// The one human to whom it puts that: an index of the humans.
    pub asked: Option<usize>,
    /// The other persona to whom its end points.
    pub pointed: Option<usize>,
    /// It hands the talk to that one, or offers to.
    pub handed: bool,
    /// It asks whether it shall do something.
    pub offers: bool,
    /// A sentence that asks speaks to "you".
    pub asks_you: bool,
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

fn asks_you(sentence: &[Word], lexicon: &Lexicon) -> bool {
    sentence.last().is_some_and(|word| word.after == Break::Question)
        && sentence.iter().any(|word| lexicon.second_person.has(&word.text))
}

const CALLED_MIN: f32 = 0.75;
const SET_OFF_MIN: f32 = 0.9;
const HANDED_MIN: f32 = 0.55;

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
    let found = mentions::find(&line, lexicon, &present);
    let calls = calls::find(&line, lexicon, found);
    let asks = line.iter().any(|word| word.after == Break::Question);
    let sentences = silence::sentences(&line);
    let mut end = sentences.iter().rev().take(2).map(|range| &line[range.clone()]);
    let last_asks =
        line.last().is_some_and(|word| word.after == Break::Question) || end.any(requests);
    let is_asked = |call: &&calls::Call| !call.handed || call.confidence >= CALLED_MIN;
    let asked: Vec<usize> = calls
        .called
        .iter()
        .filter(is_asked)
        .filter_map(|call| match call.who {
            Who::Human(one) => Some(one),
            _ => None,
        })
        .collect();
    let human = !asked.is_empty();
    // A persona's line has its marks: a name without a pause behind it calls only in a question.
    let called_min = if asks { CALLED_MIN } else { SET_OFF_MIN };
    let mut next = calls.called.iter().find_map(|call| match call.who {
        Who::Persona(other) if other == speaker => None,
        Who::Persona(other) if call.handed && call.confidence >= HANDED_MIN => {
            Some((other, Reason::Borrowed("handed over by a persona")))
        }
        Who::Persona(other) if !call.handed && call.confidence >= called_min => {
            Some((other, Reason::Borrowed("called by a persona")))
        }
        _ => None,
    });
    let mut handed = calls.called.iter().any(|call| call.handed);
    if next.is_none() && !human {
        let role = roles::handed_role(&line, lexicon, &present.cards).filter(|&one| one != speaker);
        next = role.map(|one| (one, Reason::Borrowed("handed over by a persona")));
        handed |= next.is_some();
        if next.is_none() {
            let called = roles::called_role(&line, lexicon, &present.cards);
            let called = called.filter(|&one| one != speaker);
            next = called.map(|one| (one, Reason::Borrowed("called by a persona")));
        }
    }
    // "Ada would know. And you, Tom?" is Tom's to answer.
    let last = sentences.last().map(|range| &line[range.clone()]).unwrap_or_default();
    let of_last = calls::find(last, lexicon, mentions::find(last, lexicon, &present)).called;
    let to_human = |call: &calls::Call| matches!(call.who, Who::Human(_)) && !call.handed;
    if !of_last.is_empty() && of_last.iter().all(to_human) {
        next = None;
    }
    let to = next.as_ref().map(|(one, _)| *one);
    let pointed = to.or_else(|| offers::pointed(&line, lexicon, &present, speaker));
    if handed && offers::offers(&line) {
        next = None;
    }
    let asked = asked.first().copied().filter(|_| asked.len() == 1);
    let asks = next.is_none() && (last_asks || asks && human);
    // "Ada told you of primes. Do you like them?" asks for itself.
    let offered = offers::offers(&line);
    let pointed = pointed.filter(|_| !asks || offered);
    let to_you = |range: &Range<usize>| asks_you(&line[range.clone()], lexicon);
    let asks_you = sentences.iter().any(to_you);
    Spoken {
        asks,
        next,
        asked,
        handed: pointed.is_some() && (to == pointed || offered),
        pointed,
        offers: offers::offers_itself(&line),
        asks_you,
    }
}
