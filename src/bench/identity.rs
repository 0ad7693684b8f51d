//! Who one is: how often a reply is somebody else's, before and after the guard.
//!
//! Scripted humans talk with a cast whose replies the model makes, as a room has them: every reply
//! becomes a line that all others read. Each dialogue is held twice, once with all that the model
//! writes and once with what [`Guard`] lets through. What is wrong with a reply is judged by
//! [`faults`], which shares nothing with the guard.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::answers::CasePersona;
use super::{BenchError, Report, row};
use crate::id::{HumanId, LineId, PersonaId, Speaker};
use crate::llm::guard::{Cuts, Guard, Limits};
use crate::llm::{Message, Sampling, prompt};
use crate::persona::{Hears, Persona};
use crate::turn::{Line, Manner};

mod faults;

use faults::Faults;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Options {
    /// The dialogues, one JSON object in all.
    pub dialogues: PathBuf,
    /// Replies are drawn from it.
    pub seed: u32,
}

/// The casts, and the dialogues that they are in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    casts: BTreeMap<String, Vec<CasePersona>>,
    dialogues: Vec<Dialogue>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dialogue {
    id: String,
    cast: String,
    human: String,
    turns: Vec<Turn>,
}

/// What the human says, and the id of whoever answers it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Turn {
    says: String,
    answers: String,
}

/// Lets a seat reply to messages.
pub type Replier<'a> =
    dyn Fn(&PersonaId, Vec<Message>, Sampling) -> Result<String, BenchError> + 'a;

/// Holds every dialogue twice.
///
/// # Errors
/// When the script cannot be read or names nobody of its casts, or the model fails.
pub fn run(options: &Options, reply: &Replier<'_>) -> Result<Report, BenchError> {
    let path = options.dialogues.display();
    let text = fs::read_to_string(&options.dialogues)
        .map_err(|error| BenchError::Wrong(format!("cannot read the dialogues {path}: {error}")))?;
    let script: Script = serde_json::from_str(&text)
        .map_err(|error| BenchError::Wrong(format!("{path} holds no dialogues: {error}")))?;
    let mut held = [Tally::default(), Tally::default()];
    for dialogue in &script.dialogues {
        let cast = script.casts.get(&dialogue.cast).ok_or_else(|| {
            let Dialogue { id, cast, .. } = dialogue;
            BenchError::Wrong(format!("{id}: there is no cast {cast}"))
        })?;
        for (guarded, tally) in [false, true].into_iter().zip(&mut held) {
            let room = Room::new(cast, &dialogue.human, guarded);
            room.hold(dialogue, options.seed, reply, tally)?;
        }
    }
    Ok(report(&held))
}

/// The same with a model that is loaded; a reply has so many tokens at most.
///
/// # Errors
/// As [`run`].
#[cfg(feature = "llama")]
pub fn run_on(
    options: &Options,
    jury: &super::jury::Jury,
    reply_tokens: u32,
) -> Result<Report, BenchError> {
    run(options, &|seat, messages, sampling| jury.reply(seat, messages, sampling, reply_tokens))
}

fn report([before, after]: &[Tally; 2]) -> Report {
    let mut report = Report::new("identity");
    let mut figure = |key: &str, value: f64| report.figures.insert(key.to_owned(), value);
    figure("replies", before.replies as f64);
    figure("wrong_identity_before", before.share(before.wrong));
    figure("wrong_identity_after", after.share(after.wrong));
    figure("repeats_before", before.share(before.faults.repeats));
    figure("repeats_after", after.share(after.faults.repeats));
    figure("nothing_left", after.share(after.empty));
    figure("cut_repeated", after.cuts.repeated as f64);
    figure("cut_claimed", after.cuts.claimed as f64);
    let rows = before.faults.named().into_iter().zip(after.faults.named());
    report.rows = rows
        .map(|((fault, before), (_, after))| -> Map<String, Value> {
            row([("fault", fault.into()), ("before", before.into()), ("after", after.into())])
        })
        .collect();
    report
}

#[derive(Debug, Default)]
struct Tally {
    replies: u64,
    wrong: u64,
    empty: u64,
    faults: Faults<u64>,
    cuts: Cuts,
}

impl Tally {
    fn share(&self, count: u64) -> f64 {
        count as f64 / self.replies.max(1) as f64
    }
}

/// One dialogue under way.
struct Room {
    cast: Vec<Persona>,
    names: Vec<String>,
    human: String,
    guarded: bool,
    lines: Vec<Line>,
}

impl Room {
    fn new(cast: &[CasePersona], human: &str, guarded: bool) -> Self {
        let names = cast.iter().map(|member| member.name.clone()).chain([human.to_owned()]);
        Self {
            names: names.collect(),
            cast: cast.iter().map(CasePersona::persona).collect(),
            human: human.to_owned(),
            guarded,
            lines: Vec::new(),
        }
    }

    fn hold(
        mut self,
        dialogue: &Dialogue,
        first_seed: u32,
        reply: &Replier<'_>,
        tally: &mut Tally,
    ) -> Result<(), BenchError> {
        for (turn, seed) in dialogue.turns.iter().zip(first_seed..) {
            let asks = Speaker::Human(HumanId::new(&self.human));
            self.says(asks, self.human.clone(), turn.says.clone());
            let at = self.cast.iter().position(|persona| persona.id.as_str() == turn.answers);
            let at = at.ok_or_else(|| {
                let (id, answers) = (&dialogue.id, &turn.answers);
                BenchError::Wrong(format!("{id}: {answers} is nobody of its cast"))
            })?;
            let persona = self.cast[at].clone();
            // Casts come and go, the engine's seats stay.
            let seat = PersonaId::new(format!("seat{at}"));
            let sampling = Sampling { seed, ..Sampling::default() };
            let view = self.view(&persona);
            let raw = reply(&seat, view.clone(), sampling)?;
            let text = if self.guarded { self.guard(&persona, &view, &raw, tally) } else { raw };
            self.judge(&persona, text.trim(), tally);
            self.says(Speaker::Persona(persona.id), persona.name, text.trim().to_owned());
        }
        Ok(())
    }

    fn says(&mut self, speaker: Speaker, name: String, text: String) {
        if !text.is_empty() {
            let id = LineId(self.lines.len() as u64 + 1);
            self.lines.push(Line {
                id,
                speaker,
                name,
                manner: Manner::Heard,
                text,
                shown: Vec::new(),
                sound: None,
            });
        }
    }

    /// The conversation as the persona's seat has it.
    fn view(&self, persona: &Persona) -> Vec<Message> {
        let cast: Vec<&str> = self.cast.iter().map(|one| one.name.as_str()).collect();
        let mut messages = vec![prompt::system_message(persona, &cast)];
        messages.extend(prompt::conversation(
            &persona.id,
            false,
            Hears::Transcript,
            self.lines.iter(),
        ));
        messages.push(prompt::cue(&persona.name));
        messages
    }

    fn guard(&self, persona: &Persona, view: &[Message], raw: &str, tally: &mut Tally) -> String {
        let names = self.names.iter().collect();
        let mut guard = Guard::new(&persona.name, &names, Limits::default());
        guard.follows(view);
        let text = guard.push(raw) + &guard.finish();
        tally.cuts += guard.cuts();
        text
    }

    fn judge(&self, persona: &Persona, text: &str, tally: &mut Tally) {
        // The line that is answered, and the persona's own last one.
        let own = Speaker::Persona(persona.id.clone());
        let own = self.lines.iter().rev().find(|line| line.speaker == own);
        let before = self.lines.last().into_iter().chain(own);
        let before: Vec<&str> = before.map(|line| line.text.as_str()).collect();
        let others = self.names.iter().filter(|name| **name != persona.name);
        let others: Vec<&str> = others.map(String::as_str).collect();
        let faults = faults::of(text, &persona.name, &others, &before);
        tally.replies += 1;
        tally.wrong += u64::from(faults.wrong_identity());
        tally.empty += u64::from(text.is_empty());
        tally.faults.count(faults);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn shipped() -> Options {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let dialogues = root.join("tests/identity/dialogues.json");
        Options { dialogues, seed: 0 }
    }

    #[test]
    fn a_cast_that_keeps_its_parts_has_no_faults() {
        let report = run(&shipped(), &|_, _, _| Ok("It is a fine day.".into())).unwrap();
        let figure = |key| report.figures[key];
        assert_eq!(figure("replies"), 165.0);
        assert_eq!((figure("wrong_identity_before"), figure("wrong_identity_after")), (0.0, 0.0));
    }

    #[test]
    fn what_the_model_writes_for_others_is_counted_and_guarded() {
        let script = |seat: &PersonaId, messages: Vec<Message>, _| {
            assert_eq!(messages.last().map(|cue| cue.content.ends_with(':')), Some(true));
            assert!(messages[0].content.contains("You are"), "{seat}: {messages:?}");
            Ok("Well now.\nTom: And I am Tom.\nAna: And I am Ana.".to_owned())
        };
        let report = run(&shipped(), &script).unwrap();
        let figure = |key| report.figures[key];
        assert!(figure("wrong_identity_before") > 0.1, "{:?}", report.figures);
        assert_eq!(figure("wrong_identity_after"), 0.0);
        assert_eq!(figure("nothing_left"), 0.0);
    }

    #[test]
    fn a_script_that_cannot_be_read_is_a_sentence() {
        let options = Options { dialogues: "nowhere.json".into(), ..shipped() };
        let error = run(&options, &|_, _, _| Ok(String::new())).unwrap_err().to_string();
        assert!(error.starts_with("cannot read the dialogues nowhere.json: "), "{error}");
    }
}
