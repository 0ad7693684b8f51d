//! The sound of one turn, out of a tape that may still be written: what the human said, and the
//! answer.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use super::header::Header;
use super::record::{Entry, Record};
use super::{RECORDS_FILE, TapeError};
use crate::id::{LineId, PersonaId, TurnId, UtteranceId};
use crate::turn::Manner;

/// A clip ends here, whatever is said: two minutes of it are 11 MB.
const LENGTH_US_MAX: u64 = 120 * 1_000_000;
/// Before the first sound and after the last, so that neither is cut into.
const LEAD_US: u64 = 300_000;
const TAIL_US: u64 = 400_000;
/// A day of the liveliest room has some 100 MB; the rest of a larger tape is not searched.
const BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Utterances whose line has not come yet: a human has few of them at a time.
const OPEN_MAX: usize = 64;
/// Lines that a turn may still answer; it settles within a minute.
const LINES_MAX: usize = 512;

/// Why a turn cannot be heard: one sentence.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    #[error("the turn {0} is on no tape of this run; what is said while it records can be heard")]
    NotOnTape(TurnId),
    #[error("nobody was heard in the turn {0}: its line was typed, and it was not answered aloud")]
    Silent(TurnId),
    #[error("this build lacks the feature `sound-files`; build with default features")]
    NotBuilt,
    #[error(transparent)]
    Tape(#[from] TapeError),
}

/// Where a turn is on its tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) persona: PersonaId,
    /// Everybody on the tape who is no human.
    pub(super) cast: Vec<PersonaId>,
    pub(super) from_us: u64,
    pub(super) to_us: u64,
}

/// A WAV file of a turn: stereo, humans left, the persona right; two minutes at most. It reads the
/// disk for as long as the tape is large.
///
/// # Errors
/// When the turn is not on the tape, was silent, or the tape cannot be read.
pub fn clip(tape: &Path, turn: TurnId) -> Result<Vec<u8>, ClipError> {
    if cfg!(not(feature = "sound-files")) {
        return Err(ClipError::NotBuilt);
    }
    let path = tape.join(RECORDS_FILE);
    let unreadable = |cause| TapeError::Unreadable { path: path.clone(), cause };
    let file = File::open(&path).map_err(unreadable)?;
    let span = find(BufReader::new(file.take(BYTES_MAX)), turn)?;
    wav(tape, &span)
}

#[cfg(feature = "sound-files")]
fn wav(tape: &Path, span: &Span) -> Result<Vec<u8>, ClipError> {
    Ok(super::sound::clip::wav(tape, span)?)
}

#[cfg(not(feature = "sound-files"))]
fn wav(_: &Path, _: &Span) -> Result<Vec<u8>, ClipError> {
    Err(ClipError::NotBuilt)
}

/// Finds a turn in the lines of a tape. A line that cannot be read, as the last of a tape that is
/// being written, is passed over.
///
/// # Errors
/// When the turn is not there, or nobody was heard in it.
fn find(lines: impl BufRead, turn: TurnId) -> Result<Span, ClipError> {
    let mut search = Search::new(turn);
    let mut lines = lines.split(b'\n').map_while(Result::ok);
    let header = lines.next().unwrap_or_default();
    let header = Header::parse(&String::from_utf8_lossy(&header)).map_err(TapeError::Header)?;
    for line in lines {
        let Ok(line) = std::str::from_utf8(&line) else { continue };
        if !of_interest(line) {
            continue;
        }
        if let Ok(entry) = Entry::parse(line)
            && search.take(entry)
        {
            break;
        }
    }
    search.span(header)
}

/// Most lines of a tape are the engines', and need not be parsed.
fn of_interest(line: &str) -> bool {
    const KINDS: [&str; 7] =
        ["utterance", "recognised", "line", "granted", "began", "ended", "turn"];
    let kind = line.split_once("\"kind\":\"").and_then(|(_, rest)| rest.split_once('"'));
    kind.is_some_and(|(kind, _)| KINDS.contains(&kind))
}

/// What is known of the turn so far.
struct Search {
    turn: TurnId,
    /// First and last voiced sample of utterances that have no line yet.
    open: HashMap<UtteranceId, (u64, u64)>,
    /// The utterance whose text came, and whose line comes next.
    next: Option<(u64, u64)>,
    /// When each line was said; of a typed one there is nothing to hear.
    said: HashMap<LineId, (u64, u64)>,
    /// The line that the turn answers.
    asked: Option<(u64, u64)>,
    persona: Option<PersonaId>,
    began_us: Option<u64>,
    ended_us: Option<u64>,
    last_us: u64,
}

impl Search {
    fn new(turn: TurnId) -> Self {
        Self {
            turn,
            open: HashMap::new(),
            next: None,
            said: HashMap::new(),
            asked: None,
            persona: None,
            began_us: None,
            ended_us: None,
            last_us: 0,
        }
    }

    /// Takes an entry; true when there is no more to be known.
    fn take(&mut self, entry: Entry) -> bool {
        let at_us = entry.at_us;
        self.last_us = self.last_us.max(at_us);
        match entry.record {
            Record::Utterance(utterance) => {
                let voiced = (utterance.voiced_start_us, utterance.voiced_end_us);
                bound(&mut self.open, OPEN_MAX);
                self.open.insert(utterance.utterance, voiced);
            }
            Record::Recognised(heard) => {
                let all = heard.merged.iter().chain([&heard.utterance]);
                let voiced: Vec<_> = all.filter_map(|id| self.open.remove(id)).collect();
                let begin = voiced.iter().map(|(begin, _)| *begin).min();
                let end = voiced.iter().map(|(_, end)| *end).max();
                self.next = heard.text.and(begin.zip(end));
            }
            Record::Line { line, manner: Manner::Heard, .. } => {
                if let Some(voiced) = self.next.take() {
                    bound(&mut self.said, LINES_MAX);
                    self.said.insert(line, voiced);
                }
            }
            Record::Granted { turn, persona, line, .. } if turn == self.turn => {
                self.asked = self.said.get(&line).copied();
                self.persona = Some(persona);
            }
            Record::Began { turn } if turn == self.turn => self.began_us = Some(at_us),
            Record::Ended { turn, .. } if turn == self.turn => self.ended_us = Some(at_us),
            Record::Turn { record } => return self.settled(&record),
            _ => {}
        }
        false
    }

    /// A turn that never got the floor is known by its record alone.
    fn settled(&mut self, record: &serde_json::Value) -> bool {
        if record["turn"] != self.turn.to_string() {
            return false;
        }
        if self.persona.is_none() {
            self.persona = record["persona"].as_str().map(PersonaId::new);
            let line = serde_json::from_value::<LineId>(record["line"].clone()).ok();
            self.asked = line.and_then(|line| self.said.get(&line).copied());
        }
        true
    }

    fn span(self, header: Header) -> Result<Span, ClipError> {
        let persona = self.persona.ok_or(ClipError::NotOnTape(self.turn))?;
        // Of a speech that goes on there is what was said up to now.
        let spoken = self.began_us.map(|began| (began, self.ended_us.unwrap_or(self.last_us)));
        let heard = [self.asked, spoken].into_iter().flatten();
        let begin = heard.clone().map(|(begin, _)| begin).min();
        let end = heard.map(|(_, end)| end).max();
        let (begin, end) = begin.zip(end).ok_or(ClipError::Silent(self.turn))?;
        let from_us = begin.saturating_sub(LEAD_US);
        let to_us = end.max(begin).saturating_add(TAIL_US).min(from_us + LENGTH_US_MAX);
        let cast = header.cast.into_iter().map(|member| member.id).collect();
        Ok(Span { persona, cast, from_us, to_us })
    }
}

/// Makes place for one more; whatever leaves was never answered.
fn bound<K: Clone + Ord + std::hash::Hash + Eq, V>(map: &mut HashMap<K, V>, most: usize) {
    if map.len() == most
        && let Some(oldest) = map.keys().min().cloned()
    {
        map.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three lines of Tom, the first cut in a pause; the tape ends while Ada answers the last.
    const TAPE: &[&str] = &[
        r#"{"format":"troupe-tape","version":1,"#,
        r#""cast":[{"id":"ada","name":"Ada"},{"id":"otis","name":"Otis"}]}"#,
        "\n",
        r#"{"at_us":900000,"kind":"utterance","utterance":"u1","human":"tom","#,
        r#""voiced_start_us":500000,"voiced_end_us":800000,"endpoint_us":900000,"#,
        r#""voiced_us":1,"clip_us":1,"level":0.1,"cut":true}"#,
        "\n",
        r#"{"at_us":2400000,"kind":"utterance","utterance":"u2","human":"tom","#,
        r#""voiced_start_us":1000000,"voiced_end_us":2000000,"endpoint_us":2400000,"#,
        r#""voiced_us":1,"clip_us":1,"level":0.1,"cut":false}"#,
        "\n",
        r#"{"at_us":2500000,"kind":"recognised","utterance":"u2","merged":["u1"],"#,
        r#""took_us":1,"text":"Ada?"}"#,
        "\n",
        r#"{"at_us":2500000,"kind":"line","line":"l1","speaker":"tom","name":"Tom","#,
        r#""manner":"heard","text":"Ada?"}"#,
        "\n",
        r#"{"at_us":2500000,"kind":"turn","record":{"turn":"t1","line":"l1","persona":"otis"}}"#,
        "\n",
        r#"{"at_us":2500001,"kind":"granted","turn":"t2","persona":"ada","line":"l1","#,
        r#""confidence":1.0}"#,
        "\n",
        r#"{"at_us":3000000,"kind":"text","request":1,"text":"\"kind\":\"ended\""}"#,
        "\n",
        r#"{"at_us":3000000,"kind":"began","turn":"t2"}"#,
        "\n",
        r#"{"at_us":5000000,"kind":"ended","turn":"t2","heard":"Yes.","said":"Yes.","#,
        r#""end":"finished"}"#,
        "\n",
        r#"{"at_us":5000000,"kind":"turn","record":{"turn":"t2","line":"l1","persona":"ada"}}"#,
        "\n",
        r#"{"at_us":6000000,"kind":"line","line":"l3","speaker":"tom","name":"Tom","#,
        r#""manner":"typed","text":"Good."}"#,
        "\n",
        r#"{"at_us":6000000,"kind":"turn","record":{"turn":"t3","line":"l3","persona":"otis"}}"#,
        "\n",
        r#"{"at_us":6000001,"kind":"granted","turn":"t4","persona":"ada","line":"l3","#,
        r#""confidence":1.0}"#,
        "\n",
        r#"{"at_us":7000000,"kind":"began","turn":"t4"}"#,
        "\n",
        r#"{"at_us":7500000,"kind":"ended","turn":"t5","heard":"","said":"","end":"failed"}"#,
        "\n",
        r#"{"at_us":7600000,"kind":"line","line":"l4","speaker":"tom","na"#,
    ];

    fn found(turn: u64) -> Result<Span, ClipError> {
        find(TAPE.concat().as_bytes(), TurnId(turn))
    }

    fn span(persona: &str, from_us: u64, to_us: u64) -> Span {
        let cast = ["ada", "otis"].map(PersonaId::new).to_vec();
        Span { persona: PersonaId::new(persona), cast, from_us, to_us }
    }

    #[test]
    fn a_turn_reaches_from_the_first_joined_utterance_to_the_end_of_the_answer() {
        assert_eq!(found(2).expect("it is there"), span("ada", 200_000, 5_400_000));
    }

    #[test]
    fn a_turn_that_passed_is_what_the_human_said() {
        assert_eq!(found(1).expect("it is there"), span("otis", 200_000, 2_400_000));
    }

    #[test]
    fn an_answer_under_way_is_heard_up_to_what_the_tape_has() {
        // The typed line cannot be heard, and the last line is not whole.
        assert_eq!(found(4).expect("it is there"), span("ada", 6_700_000, 7_900_000));
    }

    #[test]
    fn a_silent_turn_and_an_unknown_one_are_told_apart() {
        assert!(matches!(found(3), Err(ClipError::Silent(TurnId(3)))));
        assert!(matches!(found(5), Err(ClipError::NotOnTape(TurnId(5)))));
        assert!(matches!(find(&b"\xff\n{}\n"[..], TurnId(1)), Err(ClipError::Tape(_))));
    }

    #[cfg(not(feature = "sound-files"))]
    #[test]
    fn a_build_without_the_codec_says_so() {
        let refused = clip(Path::new("anywhere.tape"), TurnId(1)).expect_err("it cannot");
        assert!(matches!(refused, ClipError::NotBuilt), "{refused}");
    }

    #[test]
    fn a_clip_has_an_end_whatever_the_tape_says() {
        let long = TAPE.concat().replace("\"at_us\":5000000", "\"at_us\":500000000");
        let span = find(long.as_bytes(), TurnId(2)).expect("it is there");
        assert_eq!(span.to_us - span.from_us, LENGTH_US_MAX);
    }
}
