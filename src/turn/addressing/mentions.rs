//! The names in a line: whose, where, and how surely they are names and not words.

use std::cmp::Reverse;

use super::expertise::Card;
use super::group;
use super::lexicon::Lexicon;
use super::names::{Heard, Names};
use super::words::{Break, Word};

/// Several words that sound so near a name are the name, however it is written.
const SAME_SOUND_MAX: f32 = 0.1;

/// Somebody who can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Persona(usize),
    /// Another human in the room.
    Human(usize),
    Everybody,
}

impl Who {
    pub(super) fn persona(&self) -> Option<usize> {
        match self {
            Self::Persona(one) => Some(*one),
            Self::Human(_) | Self::Everybody => None,
        }
    }

    pub(super) fn human(&self) -> Option<usize> {
        match self {
            Self::Human(one) => Some(*one),
            Self::Persona(_) | Self::Everybody => None,
        }
    }
}

/// Those who are there, the speaker left out.
#[derive(Debug)]
pub(super) struct Present<'a> {
    pub cards: Vec<&'a Card>,
    pub humans: Vec<Names>,
    /// Of several who are called the same, this one is meant: whose talk it was.
    pub partner: Option<usize>,
}

impl<'a> Present<'a> {
    pub(super) fn of(cast: impl Iterator<Item = &'a Card>, humans: &[&str]) -> Self {
        let humans = humans.iter().map(|name| Names::of(name)).collect();
        Self { cards: cast.collect(), humans, partner: None }
    }

    fn personas(&self) -> impl Iterator<Item = &Names> {
        self.cards.iter().map(|card| &card.names)
    }
}

/// Names in a row, joined by commas, "and" or "or".
#[derive(Clone, Debug)]
pub(super) struct Mention {
    pub who: Vec<Who>,
    pub start: usize,
    pub end: usize,
    /// Spelled as the names are; else some of it may have been misheard.
    pub exact: bool,
    /// It looks like a word that is a name as well: it must be set off to be one.
    pub doubtful: bool,
}

/// The names of those who are `present` in `line`, in order.
pub(super) fn find(line: &[Word], lexicon: &Lexicon, present: &Present<'_>) -> Vec<Mention> {
    let of_us = group::is_of_us(line);
    let finder = Finder { line, lexicon, present, cased: is_cased(line), of_us };
    let mut mentions: Vec<Mention> = Vec::new();
    let mut at = 0;
    while at < line.len() {
        match finder.at(at) {
            Some(mention) => {
                at = mention.end;
                match mentions.last_mut() {
                    Some(last) if finder.joins(last, &mention) => last.take_in(mention),
                    _ => mentions.push(mention),
                }
            }
            None => at += 1,
        }
    }
    mentions
}

/// Whether the line's author uses capital letters: then a name has one.
fn is_cased(line: &[Word]) -> bool {
    line.iter().any(|word| word.capital)
}

/// Whose name `line` begins with, and how many words it takes: the longest one, and of equals
/// `first` or the first.
fn longest<'a>(
    all: impl Iterator<Item = &'a Names>,
    line: &[Word],
    first: Option<usize>,
) -> Option<(usize, usize)> {
    let found = all.enumerate().filter_map(|(index, names)| Some((index, names.at(line)?)));
    found.max_by_key(|(index, length)| (*length, Some(*index) == first, Reverse(*index)))
}

struct Finder<'a> {
    line: &'a [Word],
    lexicon: &'a Lexicon,
    present: &'a Present<'a>,
    cased: bool,
    of_us: bool,
}

impl Finder<'_> {
    fn at(&self, start: usize) -> Option<Mention> {
        let rest = &self.line[start..];
        let mention = |who, length, exact| Mention {
            who: vec![who],
            start,
            end: start + length,
            exact,
            doubtful: false,
        };
        if let Some((index, length)) = longest(self.present.personas(), rest, self.present.partner)
        {
            let word = self.is_word(start, length)?;
            return Some(Mention { doubtful: word, ..mention(Who::Persona(index), length, true) });
        }
        if let Some((index, length)) = longest(self.present.humans.iter(), rest, None) {
            return Some(mention(Who::Human(index), length, true));
        }
        let all = group::everybody_at(self.line, start, self.lexicon).filter(|_| !self.of_us);
        if let Some(length) = all.filter(|length| self.counts_the_cast(&rest[..*length])) {
            return Some(mention(Who::Everybody, length, true));
        }
        let (persona, length, exact) = self.misheard(start)?;
        Some(mention(Who::Persona(persona), length, exact))
    }

    /// "The two of you" are the humans where they are two and the personas are not.
    fn counts_the_cast(&self, words: &[Word]) -> bool {
        let count = words.iter().find_map(|word| group::number(&word.text));
        let (humans, cast) = (self.present.humans.len(), self.present.cards.len());
        count.is_none_or(|count| count == cast || count != humans && count != humans + 1)
    }

    /// Whether what is spelled as a name may be a word as well; none when it surely is one.
    fn is_word(&self, start: usize, length: usize) -> Option<bool> {
        let word = &self.line[start];
        let before = start.checked_sub(1).map(|at| &self.line[at]);
        let begins = before.is_none_or(|word| word.after.ends_sentence());
        if word.at || length > 1 {
            return Some(false);
        }
        let determined = before.is_some_and(|before| {
            before.after == Break::None && self.lexicon.determiners.has(&before.text)
        });
        match (self.cased, word.capital) {
            (true, true) if !begins => Some(false),
            (true, false) if determined => None,
            (true, false) => Some(true),
            (false, _) if determined => None,
            _ => Some(false),
        }
    }

    /// Whose name was misheard, how many words it takes, and whether it sounds just like it.
    fn misheard(&self, start: usize) -> Option<(usize, usize, bool)> {
        let word = &self.line[start];
        let skips = |text: &str| self.lexicon.is_function(text) || self.lexicon.openers.has(text);
        let heard = Heard::of(&self.line[start..]);
        let anywhere = || self.present.personas().position(|names| names.sounds_like(&heard));
        if !skips(&word.text)
            && let Some(persona) = anywhere()
        {
            return Some((persona, 1, false));
        }
        let before = &self.line[..start];
        let opening = before.iter().rev().take_while(|word| !word.after.ends_sentence());
        let opens = opening.clone().all(|word| self.lexicon.openers.has(&word.text));
        let after_pause = before.last().is_some_and(|word| word.after != Break::None);
        if !opens && !after_pause {
            return None;
        }
        let known = |word: &Word| skips(&word.text);
        let near = self.present.personas().enumerate().filter_map(|(index, names)| {
            let (sound, length) = names.sound_at(&heard).filter(|near| names.may_be(near.0))?;
            let words = &self.line[start..start + length];
            let ends = words[length - 1].after != Break::None;
            let fits = !words.iter().all(known) && (opens || ends);
            fits.then_some((sound, index, length))
        });
        let (sound, persona, length) = near.min_by(|one, other| one.0.total_cmp(&other.0))?;
        Some((persona, length, length > 1 && sound <= SAME_SOUND_MAX))
    }

    fn joins(&self, one: &Mention, other: &Mention) -> bool {
        let line = self.line;
        let join = |word: &Word| self.lexicon.joins.has(&word.text);
        match &line[one.end..other.start] {
            // "Ada, Hugo, what …" is a list; "Hugo, Ada is wrong" is not.
            [] => {
                line[one.end - 1].after == Break::Comma
                    && (line[other.end - 1].after != Break::None
                        || line.get(other.end).is_some_and(join))
            }
            [word] => join(word) && !line[one.end - 1].after.ends_sentence(),
            _ => false,
        }
    }
}

impl Mention {
    fn take_in(&mut self, other: Mention) {
        self.who.extend(other.who);
        self.end = other.end;
        self.exact &= other.exact;
        self.doubtful &= other.doubtful;
    }
}
