//! Taking a human out of a tape: its words, its name, and its identity.
//!
//! Letters become x's one for one, so that a text keeps its length and a piece of it its place:
//! an engine's tokens and a persona's captions still add up to what was said.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::header::Header;
use super::read::Tape;
use super::record::{Entry, Recognised, Record};
use crate::id::{HumanId, UtteranceId};
use crate::medium::MediumId;

/// A name's word of one letter is an initial, and would be found everywhere.
const WORD_CHARS_MIN: usize = 2;

/// What is hidden.
pub(super) struct Redaction {
    /// Identities, and what stands in their places.
    aliases: BTreeMap<String, HumanId>,
    /// Their names, each word of them, and their identities, in small letters.
    words: Vec<Vec<char>>,
    utterances: HashSet<UtteranceId>,
    /// Pictures that they showed, and what they sounded like.
    media: HashSet<MediumId>,
}

/// Records whose texts are pieces of one.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Whole {
    Answer(u64),
    Captions(String, String),
}

impl Redaction {
    /// Hides the humans of these identities; their names are looked up on the whole tape.
    pub(super) fn of(tape: &Tape, who: &[String]) -> Self {
        let alias = |(index, id): (usize, &String)| {
            (id.clone(), HumanId::new(format!("redacted-{}", index + 1)))
        };
        let aliases: BTreeMap<_, _> = who.iter().enumerate().map(alias).collect();
        let mut words: HashSet<String> = aliases.keys().cloned().collect();
        let (mut utterances, mut media) = (HashSet::new(), HashSet::new());
        for entry in &tape.entries {
            match &entry.record {
                Record::Join { human, name } if aliases.contains_key(human.as_str()) => {
                    words.insert(name.clone());
                }
                Record::Line { speaker, name, .. } if aliases.contains_key(speaker) => {
                    words.insert(name.clone());
                }
                Record::Utterance(utterance) if aliases.contains_key(utterance.human.as_str()) => {
                    utterances.insert(utterance.utterance);
                }
                Record::Picture { human, picture: Some(picture), .. }
                    if aliases.contains_key(human.as_str()) =>
                {
                    media.insert(picture.clone());
                }
                Record::Recognised(Recognised { utterance, sound: Some(sound), .. })
                    if utterances.contains(utterance) =>
                {
                    media.insert(sound.clone());
                }
                _ => {}
            }
        }
        let parts: Vec<&str> = words.iter().flat_map(|name| name.split_whitespace()).collect();
        let long = |part: &&str| part.chars().count() >= WORD_CHARS_MIN;
        let all = words.iter().map(String::as_str).chain(parts.into_iter().filter(long));
        let small = all.map(|word| word.trim().chars().map(small).collect::<Vec<char>>());
        let words = small.filter(|word| !word.is_empty()).collect();
        Self { aliases, words, utterances, media }
    }

    /// Hides them in a part of the tape.
    pub(super) fn apply(&self, header: &mut Header, entries: &mut [Entry]) {
        if self.aliases.is_empty() {
            return;
        }
        for member in &mut header.cast {
            member.card = self.without_names(&member.card);
        }
        let personas: HashSet<String> =
            header.cast.iter().map(|member| member.id.as_str().to_owned()).collect();
        let mut pieces: BTreeMap<Whole, Vec<usize>> = BTreeMap::new();
        for (index, entry) in entries.iter_mut().enumerate() {
            match &entry.record {
                Record::Text { request, .. } => {
                    pieces.entry(Whole::Answer(*request)).or_default().push(index);
                }
                Record::Caption { speaker, segment, .. } if personas.contains(speaker) => {
                    let whole = Whole::Captions(speaker.clone(), segment.clone());
                    pieces.entry(whole).or_default().push(index);
                }
                _ => self.record(&mut entry.record),
            }
        }
        for indices in pieces.values() {
            self.join_and_hide(entries, indices);
        }
    }

    fn record(&self, record: &mut Record) {
        let own = self.is_own(record);
        self.rename(record);
        if let Record::Line { pictures, sound, .. } = record {
            pictures.retain(|picture| !self.media.contains(picture));
            *sound = sound.take().filter(|sound| !self.media.contains(sound));
        }
        for text in texts(record) {
            *text = if own { masked(text) } else { self.without_names(text) };
        }
        match record {
            // The name of somebody else is not hidden, be it the same.
            Record::Join { name, .. } | Record::Line { name, .. } if own => *name = masked(name),
            // Whoever guesses a line could find it confirmed.
            Record::Asked { prompt, .. } => prompt.clear(),
            Record::Scored(scored) => scored.prompt.clear(),
            Record::Meant(meant) => meant.text.clear(),
            Record::Picture { picture, .. } => {
                *picture = picture.take().filter(|picture| !self.media.contains(picture));
            }
            Record::Recognised(recognised) => {
                let sound = recognised.sound.take();
                recognised.sound = sound.filter(|sound| !self.media.contains(sound));
            }
            Record::Turn { record } => {
                let hides = |name: &str| self.media.iter().any(|one| one.as_str() == name);
                for key in ["pictures", "sounds"] {
                    if let Some(Value::Array(media)) = record.get_mut(key) {
                        media.retain(|name| !name.as_str().is_some_and(hides));
                    }
                }
                for key in ["heard_text", "reason"] {
                    if let Some(Value::String(text)) = record.get_mut(key) {
                        *text = self.without_names(text);
                    }
                }
            }
            _ => {}
        }
    }

    /// Every word of it is a hidden human's.
    fn is_own(&self, record: &Record) -> bool {
        match record {
            Record::Recognised(recognised) => self.utterances.contains(&recognised.utterance),
            Record::Line { speaker, .. } | Record::Caption { speaker, .. } => {
                self.aliases.contains_key(speaker)
            }
            Record::Join { human, .. }
            | Record::Typed { human, .. }
            | Record::Partial { human, .. }
            | Record::Words { human, .. }
            | Record::Says { human, .. } => self.aliases.contains_key(human.as_str()),
            _ => false,
        }
    }

    fn rename(&self, record: &mut Record) {
        match record {
            Record::Join { human, .. }
            | Record::Leave { human }
            | Record::Muted { human }
            | Record::Typed { human, .. }
            | Record::Picture { human, .. }
            | Record::Onset { human, .. }
            | Record::Noise { human }
            | Record::Lasts { human, .. }
            | Record::Words { human, .. }
            | Record::Partial { human, .. }
            | Record::Says { human, .. } => self.rename_human(human),
            Record::Utterance(utterance) => self.rename_human(&mut utterance.human),
            Record::Scene { memory, .. } => memory.rename(|human| self.rename_human(human)),
            Record::Line { speaker, .. } | Record::Caption { speaker, .. } => {
                if let Some(alias) = self.aliases.get(speaker) {
                    *speaker = alias.as_str().to_owned();
                }
            }
            _ => {}
        }
    }

    fn rename_human(&self, human: &mut HumanId) {
        if let Some(alias) = self.aliases.get(human.as_str()) {
            *human = alias.clone();
        }
    }

    /// A name may begin in one piece and end in the next.
    fn join_and_hide(&self, entries: &mut [Entry], indices: &[usize]) {
        let mut lengths = Vec::new();
        let mut whole = String::new();
        for index in indices {
            if let Some(text) = piece(&mut entries[*index].record) {
                lengths.push(text.chars().count());
                whole += text;
            }
        }
        let hidden = self.without_names(&whole);
        let mut rest = hidden.chars();
        for (index, length) in indices.iter().zip(lengths) {
            if let Some(text) = piece(&mut entries[*index].record) {
                *text = rest.by_ref().take(length).collect();
            }
        }
    }

    /// The text with x's for the letters of every hidden name that stands there as a word.
    fn without_names(&self, text: &str) -> String {
        let mut chars: Vec<char> = text.chars().collect();
        let searched: Vec<char> = chars.iter().copied().map(small).collect();
        for word in &self.words {
            let ends = |at: usize| searched.get(at).is_none_or(|next| !next.is_alphanumeric());
            for start in 0..(searched.len() + 1).saturating_sub(word.len()) {
                let begins = start == 0 || !searched[start - 1].is_alphanumeric();
                let end = start + word.len();
                if begins && searched[start..end] == word[..] && ends(end) {
                    chars[start..end].iter_mut().for_each(|c| *c = hidden(*c));
                }
            }
        }
        chars.into_iter().collect()
    }
}

fn piece(record: &mut Record) -> Option<&mut String> {
    match record {
        Record::Text { text, .. } | Record::Caption { text, .. } => Some(text),
        _ => None,
    }
}

/// What people and engines said, as far as it stands whole in one record.
fn texts(record: &mut Record) -> Vec<&mut String> {
    match record {
        Record::Typed { text, .. }
        | Record::Partial { text, .. }
        | Record::Words { text, .. }
        | Record::Line { text, .. }
        | Record::Caption { text, .. }
        | Record::Chat { text, .. } => vec![text],
        Record::Says { text, .. } => text.iter_mut().collect(),
        Record::Recognised(recognised) => recognised.text.iter_mut().collect(),
        Record::Failed { error, .. } => vec![error],
        Record::Reply(reply) => {
            std::iter::once(&mut reply.say).chain(reply.fail.iter_mut()).collect()
        }
        Record::Voice(voice) => {
            std::iter::once(&mut voice.text).chain(voice.error.iter_mut()).collect()
        }
        Record::Ended { heard, said, reason, .. } => {
            [heard, said].into_iter().chain(reason.iter_mut()).collect()
        }
        Record::Link { cause, .. } => cause.iter_mut().collect(),
        _ => Vec::new(),
    }
}

/// One small letter for each letter, so that places stay.
fn small(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn hidden(c: char) -> char {
    if c.is_alphanumeric() { 'x' } else { c }
}

fn masked(text: &str) -> String {
    text.chars().map(hidden).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::{Cut, trim};

    const TAPE: &str = include_str!("../../tests/tapes/names-in-everything/tape.jsonl");

    fn redacted() -> Tape {
        let tape = Tape::parse(TAPE.as_bytes()).expect("a good tape");
        trim(&tape, &Cut { from_us: 0, to_us: 100, redact: vec!["tom-7".to_owned()] })
    }

    #[test]
    fn a_name_is_hidden_wherever_it_stands_as_a_word() {
        let tape = redacted();
        let lines: Vec<String> = tape
            .entries
            .iter()
            .map(|entry| serde_json::to_string(&entry.record).expect("JSON"))
            .collect();
        for line in [
            r#"{"kind":"join","human":"redacted-1","name":"xxx xx"}"#,
            r#"{"kind":"typed","human":"redacted-1","text":"x xxxx xx xxx, xxx."}"#,
            r#"{"kind":"asked","request":1,"persona":"ada","prompt":""}"#,
            r#"{"kind":"text","request":1,"text":"Well, x"}"#,
            r#"{"kind":"text","request":1,"text":"xx, tomatoes!"}"#,
            concat!(
                r#"{"kind":"voice","text":"Well, xxx, tomatoes!","#,
                r#""took_us":1,"sound_us":0,"lead_us":0}"#
            ),
            r#"{"kind":"caption","speaker":"ada","segment":"t1","text":"Well, xx","last":false}"#,
            concat!(
                r#"{"kind":"typed","human":"eve","#,
                r#""text":"xxx-x is xxx's, and Mr. xx's; Tomas is not."}"#
            ),
            r#"{"kind":"chat","persona":"ada","text":"Ask xxx xx."}"#,
            r#"{"kind":"leave","human":"redacted-1"}"#,
        ] {
            assert!(lines.iter().any(|one| one == line), "{line} is not in {lines:#?}");
        }
        let all = lines.concat().to_lowercase() + &tape.header.cast[0].card.to_lowercase();
        let rest = all.replace("tomatoes", "").replace("tomas", "");
        assert!(!rest.contains("tom") && !rest.contains("ulm"), "{all}");
        // Others keep their names.
        assert!(all.contains("\"name\":\"eve\""));
    }

    #[test]
    fn what_is_not_redacted_stays_to_the_letter() {
        let tape = Tape::parse(TAPE.as_bytes()).expect("a good tape");
        let part = trim(&tape, &Cut { from_us: 0, to_us: 100, redact: Vec::new() });
        assert_eq!(part.entries, tape.entries);
    }

    #[test]
    fn odd_names_hide_what_they_can_and_break_nothing() {
        for name in ["", " ", "İx", "ẞ", "a b", "🙂", "."] {
            let text = TAPE.replace("Tom Ek", name);
            let tape = Tape::parse(text.as_bytes()).expect("a good tape");
            let cut = Cut { from_us: 0, to_us: 100, redact: vec!["tom-7".to_owned()] };
            assert_eq!(trim(&tape, &cut).entries.len(), tape.entries.len(), "{name:?}");
        }
    }
}
