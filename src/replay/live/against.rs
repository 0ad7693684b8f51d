//! What a live replay came to, beside what is on the tape.
//!
//! Engines answer a little otherwise every time, so nothing is compared to the byte: lines are
//! found again by who said them and when, and of each its turns are laid side by side.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::tape::{self, Entry, Record, Tape, TapeError};
use crate::turn::Manner;

/// A human's line comes so much earlier or later at most: by the recogniser's work and the end of
/// the turn, which a model judges.
const HEARD_APART_US: u64 = 4_000_000;
/// A persona's: replies are shorter or longer than the recorded ones.
const SPOKEN_APART_US: u64 = 12_000_000;

/// Line by line, in the order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    pub lines: Vec<Line>,
}

/// A line, and every persona's turn for it. What one side lacks is null.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub speaker: String,
    pub name: String,
    pub manner: Manner,
    pub tape: Option<Said>,
    pub replay: Option<Said>,
    pub turns: Vec<Turn>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Said {
    pub line: String,
    pub at_us: u64,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Turn {
    pub persona: String,
    pub tape: Option<Outcome>,
    pub replay: Option<Outcome>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    pub turn: String,
    pub outcome: String,
    pub reason: String,
    pub e2e_us: Option<u64>,
}

impl Turn {
    /// The same came of it.
    pub fn is_same(&self) -> bool {
        let outcome = |side: &Option<Outcome>| side.as_ref().map(|side| side.outcome.clone());
        outcome(&self.tape) == outcome(&self.replay)
    }
}

/// The effects that the tape in `folder` recorded; of a room by hand, those that are expected.
///
/// # Errors
/// When the expectation cannot be read.
pub fn recorded(folder: &Path, tape: &Tape) -> Result<Vec<Entry>, TapeError> {
    let on_tape: Vec<Entry> = tape.effects().cloned().collect();
    if !on_tape.is_empty() {
        return Ok(on_tape);
    }
    let Some(expected) = tape::expectation(folder)? else { return Ok(on_tape) };
    // They are written as a tape's lines are.
    let header = serde_json::to_vec(&tape.header).unwrap_or_default();
    Ok(Tape::parse(&[&header, &b"\n"[..], &expected].concat())?.entries)
}

/// Lays two effect logs of one tape side by side.
pub fn compare(tape: &[Entry], replay: &[Entry]) -> Comparison {
    let (mut sides, mut lines) = ([Side::of(tape), Side::of(replay)], Vec::new());
    let known = std::mem::take(&mut sides[0].lines);
    for line in known {
        let twin = sides[1].take_twin(&line);
        lines.push(paired(&sides, Some(line), twin));
    }
    let rest = std::mem::take(&mut sides[1].lines);
    lines.extend(rest.into_iter().map(|line| paired(&sides, None, Some(line))));
    lines.sort_by_key(|line| line.tape.as_ref().or(line.replay.as_ref()).map(|said| said.at_us));
    lines.retain(|line| line.manner != Manner::Spoken || !line.turns.is_empty());
    Comparison { lines }
}

/// One effect log.
struct Side {
    lines: Vec<Spoken>,
    /// By line and persona.
    turns: BTreeMap<(String, String), Outcome>,
}

struct Spoken {
    speaker: String,
    name: String,
    manner: Manner,
    said: Said,
}

impl Side {
    fn of(effects: &[Entry]) -> Self {
        let mut side = Self { lines: Vec::new(), turns: BTreeMap::new() };
        for entry in effects {
            match &entry.record {
                Record::Line { line, speaker, name, manner, text, .. } => side.lines.push(Spoken {
                    speaker: speaker.clone(),
                    name: name.clone(),
                    manner: *manner,
                    said: Said { line: line.to_string(), at_us: entry.at_us, text: text.clone() },
                }),
                Record::Turn { record } => side.turn(record),
                _ => {}
            }
        }
        side
    }

    fn turn(&mut self, record: &Value) {
        let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
        let outcome = Outcome {
            turn: text("turn"),
            outcome: text("outcome"),
            reason: text("reason"),
            e2e_us: record.get("e2e_us").and_then(Value::as_u64),
        };
        self.turns.insert((text("line"), text("persona")), outcome);
    }

    /// The line of the same speaker that is nearest in time.
    fn take_twin(&mut self, line: &Spoken) -> Option<Spoken> {
        let apart = |other: &Spoken| other.said.at_us.abs_diff(line.said.at_us);
        let spoken = line.manner == Manner::Spoken;
        let apart_max = if spoken { SPOKEN_APART_US } else { HEARD_APART_US };
        let same = |other: &Spoken| {
            other.speaker == line.speaker
                && other.manner == line.manner
                && apart(other) <= apart_max
        };
        let twins = self.lines.iter().enumerate().filter(|(_, other)| same(other));
        let (index, _) = twins.min_by_key(|(_, other)| apart(other))?;
        Some(self.lines.remove(index))
    }
}

fn paired(sides: &[Side; 2], tape: Option<Spoken>, replay: Option<Spoken>) -> Line {
    let mut turns: BTreeMap<String, Turn> = BTreeMap::new();
    for (index, line) in [&tape, &replay].into_iter().enumerate() {
        let Some(line) = line else { continue };
        for ((of, persona), outcome) in &sides[index].turns {
            if *of != line.said.line {
                continue;
            }
            let none = || Turn { persona: persona.clone(), tape: None, replay: None };
            let turn = turns.entry(persona.clone()).or_insert_with(none);
            let side = if index == 0 { &mut turn.tape } else { &mut turn.replay };
            *side = Some(outcome.clone());
        }
    }
    // One of the two is there, and both are of one speaker.
    let who = tape.as_ref().or(replay.as_ref());
    let (speaker, name, manner) = who.map_or_else(
        || (String::new(), String::new(), Manner::Heard),
        |line| (line.speaker.clone(), line.name.clone(), line.manner),
    );
    let said = |line: Option<Spoken>| line.map(|line| line.said);
    let turns = turns.into_values().collect();
    Line { speaker, name, manner, tape: said(tape), replay: said(replay), turns }
}

impl Comparison {
    fn turns(&self) -> impl Iterator<Item = &Turn> {
        self.lines.iter().flat_map(|line| &line.turns)
    }

    /// Turns that came out as on the tape, and all that are on either side.
    pub fn same_turns(&self) -> (usize, usize) {
        (self.turns().filter(|turn| turn.is_same()).count(), self.turns().count())
    }

    /// Humans' lines whose text is the tape's, and all that are on either side.
    pub fn same_texts(&self) -> (usize, usize) {
        let humans = || self.lines.iter().filter(|line| line.manner != Manner::Spoken);
        let text = |said: &Option<Said>| said.as_ref().map(|said| said.text.clone());
        let same = humans().filter(|line| text(&line.tape) == text(&line.replay)).count();
        (same, humans().count())
    }

    /// The median of `e2e`, on the tape and in the replay.
    pub fn e2e_p50_us(&self) -> [Option<u64>; 2] {
        let median = |side: fn(&Turn) -> &Option<Outcome>| {
            let outcomes = self.turns().filter_map(|turn| side(turn).as_ref());
            let mut all: Vec<u64> = outcomes.filter_map(|outcome| outcome.e2e_us).collect();
            all.sort_unstable();
            all.get(all.len().saturating_sub(1) / 2).copied()
        };
        [median(|turn| &turn.tape), median(|turn| &turn.replay)]
    }

    /// One JSON object a line: `compared` for each line, and a `comparison` of all.
    pub fn json_lines(&self) -> String {
        let [tape, replay] = self.e2e_p50_us();
        let ((same, turns), (texts, lines)) = (self.same_turns(), self.same_texts());
        let sum = serde_json::json!({
            "kind": "comparison",
            "turns": turns, "same_turns": same, "lines": lines, "same_texts": texts,
            "e2e_p50_us": { "tape": tape, "replay": replay },
        });
        let mut text = String::new();
        for line in &self.lines {
            let mut object = serde_json::json!({ "kind": "compared" });
            let fields = serde_json::to_value(line).unwrap_or_default();
            if let (Some(object), Value::Object(fields)) = (object.as_object_mut(), fields) {
                object.extend(fields);
            }
            let _ = writeln!(text, "{object}");
        }
        let _ = writeln!(text, "{sum}");
        text
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            line.fmt(f)?;
        }
        let ((same, turns), (texts, lines)) = (self.same_turns(), self.same_texts());
        let [tape, replay] = self.e2e_p50_us().map(e2e);
        write!(f, "{same} of {turns} turns came out as on the tape; ")?;
        write!(f, "{texts} of {lines} texts of humans are the same; ")?;
        writeln!(f, "median e2e{replay} (tape{tape})")
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.to_uppercase();
        match (&self.tape, &self.replay) {
            (Some(tape), Some(replay)) if tape.text == replay.text => {
                writeln!(f, "{name}: {}", tape.text)?;
            }
            (tape, replay) => {
                let text = |said: &Option<Said>| {
                    said.as_ref().map_or("(nothing)".to_owned(), |said| said.text.clone())
                };
                writeln!(f, "{name}: {}\n      on the tape: {}", text(replay), text(tape))?;
            }
        }
        for turn in &self.turns {
            let mark = if turn.is_same() { '=' } else { '!' };
            write!(f, "    {mark} {:<12} {}", turn.persona, told(&turn.replay))?;
            if turn.is_same() && turn.tape.as_ref().is_some_and(|tape| tape.e2e_us.is_none()) {
                writeln!(f)?;
            } else {
                writeln!(f, "; on the tape {}", told(&turn.tape))?;
            }
        }
        Ok(())
    }
}

fn told(outcome: &Option<Outcome>) -> String {
    match outcome {
        None => "no turn".to_owned(),
        Some(Outcome { outcome, reason, e2e_us, .. }) => {
            format!("{outcome} ({reason}){}", e2e(*e2e_us))
        }
    }
}

fn e2e(us: Option<u64>) -> String {
    us.map_or_else(String::new, |us| format!(" {} ms", us / 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> Vec<Entry> {
        let header = r#"{"format":"troupe-tape","version":1,"cast":[{"id":"ada","name":"Ada"}]}"#;
        Tape::parse(format!("{header}\n{text}").as_bytes()).expect("a good log").entries
    }

    fn line(at_us: u64, id: u64, who: &str, text: &str) -> String {
        let manner = if who == "ada" { "spoken" } else { "heard" };
        format!(
            r#"{{"at_us":{at_us},"kind":"line","line":"l{id}","speaker":"{who}","name":"{who}","#
        ) + &format!(r#""manner":"{manner}","text":"{text}"}}"#)
            + "\n"
    }

    fn turn(at_us: u64, line: u64, outcome: &str, e2e_us: u64) -> String {
        format!(r#"{{"at_us":{at_us},"kind":"turn","record":{{"turn":"t{line}","line":"l{line}","#)
            + &format!(r#""persona":"ada","outcome":"{outcome}","#)
            + &format!(r#""reason":"called","e2e_us":{e2e_us}}}}}"#)
            + "\n"
    }

    #[test]
    fn lines_are_found_again_though_their_numbers_and_times_differ() {
        let tape = line(1_000_000, 1, "tom", "Ada?")
            + &turn(2_000_000, 1, "spoke", 900_000)
            + &line(2_500_000, 2, "ada", "Yes.")
            + &line(9_000_000, 3, "tom", "Good night.")
            + &turn(9_000_000, 3, "passed", 0);
        let replay = line(1_300_000, 1, "tom", "Ada?")
            + &turn(2_000_000, 1, "spoke", 700_000)
            + &line(8_800_000, 2, "tom", "Good knight.")
            + &turn(9_000_000, 2, "spoke", 800_000)
            + &line(30_000_000, 3, "tom", "Hm.");
        let found = compare(&log(&tape), &log(&replay));
        assert_eq!(found.lines.len(), 3, "{found}");
        assert_eq!((found.same_turns(), found.same_texts()), ((1, 2), (1, 3)));
        assert_eq!(found.e2e_p50_us(), [Some(0), Some(700_000)]);
        let text = found.to_string();
        for part in [
            "TOM: Ada?\n    = ada          spoke (called) 700 ms; on the tape spoke (called) 900",
            "TOM: Good knight.\n      on the tape: Good night.\n    ! ada          spoke",
            "TOM: Hm.\n      on the tape: (nothing)\n",
        ] {
            assert!(text.contains(part), "{text}");
        }
        let json = found.json_lines();
        let last: Value = serde_json::from_str(json.lines().last().expect("a sum")).expect("JSON");
        assert_eq!((&last["kind"], &last["same_turns"]), (&"comparison".into(), &1.into()));
        assert_eq!(json.lines().count(), 4);
    }

    #[test]
    fn a_log_beside_itself_has_no_difference() {
        let text = line(1, 1, "tom", "Ada?") + &turn(2, 1, "spoke", 9) + &line(3, 2, "ada", "Yes.");
        let found = compare(&log(&text), &log(&text));
        assert_eq!((found.same_turns(), found.same_texts()), ((1, 1), (1, 1)));
        assert!(!found.to_string().contains('!'), "{found}");
    }
}
