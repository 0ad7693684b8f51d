//! Who answers: labelled rooms are played into the turn core, and whoever gets the floor after the
//! last line is compared with the label.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{BenchError, Report, row};
use crate::id::{HumanId, LineId, PersonaId, TurnId};
use crate::llm::{EngineError, Question, Score};
use crate::meaning::{Embed, EmbedError, Reader};
use crate::persona::{Hears, Mode, Persona, VoiceStyle};
use crate::time::Time;
use crate::turn::addressing::{Verdict, Weighed};
use crate::turn::{
    Core, Decide, Effect, Event, Grant, Manner, Options as TurnOptions, SpeechEnd, Weights,
};

/// What is measured.
#[derive(Clone)]
pub struct Options {
    /// One case a line, in JSON.
    pub cases: PathBuf,
    /// Where each case's prediction is written, one a line.
    pub out: Option<PathBuf>,
    /// Who chooses among those who may answer a question to the room.
    pub decide: Decide,
    pub weights: Weights,
    /// Tells what lines mean, where there is a model for it.
    pub embedder: Option<Arc<dyn Embed>>,
}

/// A labelled room.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    pub id: String,
    pub category: String,
    pub personas: Vec<CasePersona>,
    pub humans: Vec<String>,
    pub lines: Vec<CaseLine>,
    pub expect: Expect,
}

#[derive(Clone, Debug, Deserialize)]
pub struct CasePersona {
    pub id: String,
    pub name: String,
    pub card: String,
}

impl CasePersona {
    /// Open, in the voice that needs no settings.
    pub fn persona(&self) -> Persona {
        Persona {
            id: PersonaId::new(&self.id),
            name: self.name.clone(),
            card: self.card.clone(),
            voice: VoiceStyle::default(),
            mode: Mode::Open,
            sees: None,
            hears: Hears::default(),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct CaseLine {
    /// The name of a human or of a persona.
    pub who: String,
    pub text: String,
    /// `voice` or `text`.
    pub heard: String,
}

impl CaseLine {
    fn manner(&self) -> Manner {
        if self.heard == "voice" { Manner::Heard } else { Manner::Typed }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct Expect {
    /// Any of these may speak next; nobody when it is empty.
    pub answer: Vec<String>,
}

/// Who gets the floor after a case's last line, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Prediction {
    pub id: String,
    pub answer: Vec<String>,
    /// Of the first; 0 when nobody answers.
    pub confidence: f32,
    /// Why that one answers, or why nobody does.
    pub reason: String,
    /// What was weighed on the way.
    pub weighed: BTreeMap<&'static str, Scale>,
    /// The direction of the last line's text, where there is a model for it and it is written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vector: Vec<f32>,
}

/// How likely a matter is, and by which signs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scale {
    pub likely: f32,
    pub signs: BTreeMap<&'static str, f32>,
    /// Of whom, where it is weighed of one persona.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

impl Prediction {
    fn explain(&mut self, verdict: Verdict, cast: &[&str]) {
        let first = verdict.addressees.into_iter().next();
        self.reason = first.map_or(verdict.others.1, |one| one.reason).into_owned();
        let scale = |one: Weighed| {
            let signs = one.signs.into_iter().collect();
            let of = one.of.and_then(|one| cast.get(one)).map(|id| (*id).to_owned());
            (one.matter.as_str(), Scale { likely: one.likely, signs, of })
        };
        self.weighed = verdict.weighed.into_iter().map(scale).collect();
    }
}

/// Lines follow each other like this.
const PACE: Duration = Duration::from_secs(3);

/// Plays all cases and scores them.
///
/// # Errors
/// When the cases cannot be read or the predictions not be written, or `engine` fails.
pub fn run(options: &Options, engine: Option<&Judge<'_>>) -> Result<Report, BenchError> {
    let cases = read(&options.cases)?;
    let mut report = Report::new("answers");
    let mut total = Tally::default();
    let mut categories: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut predictions = Vec::new();
    for case in &cases {
        let prediction = predict(case, options, engine)?;
        let first = prediction.answer.first();
        total.count(&case.expect.answer, first);
        categories.entry(&case.category).or_default().count(&case.expect.answer, first);
        predictions.push(prediction);
    }
    if let Some(out) = &options.out {
        write(out, &predictions)?;
    }
    report.figures.insert("accuracy".to_owned(), share(total.right, total.cases));
    report.figures.insert("false_speak".to_owned(), share(total.false_speak, total.silent));
    report.figures.insert("missed_answer".to_owned(), share(total.missed, total.spoken()));
    let category_row = |(category, tally): (&str, Tally)| {
        row([
            ("category", category.into()),
            ("cases", tally.cases.into()),
            ("right", tally.right.into()),
            ("false_speak", tally.false_speak.into()),
            ("missed_answer", tally.missed.into()),
        ])
    };
    report.rows = categories.into_iter().map(category_row).collect();
    Ok(report)
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    cases: u32,
    right: u32,
    /// Cases where nobody is to speak, and those of them where somebody did.
    silent: u32,
    false_speak: u32,
    missed: u32,
}

impl Tally {
    fn count(&mut self, want: &[String], got: Option<&String>) {
        self.cases += 1;
        self.right += u32::from(got.map_or(want.is_empty(), |one| want.contains(one)));
        self.silent += u32::from(want.is_empty());
        self.false_speak += u32::from(want.is_empty() && got.is_some());
        self.missed += u32::from(!want.is_empty() && got.is_none());
    }

    fn spoken(&self) -> u32 {
        self.cases - self.silent
    }
}

fn share(part: u32, whole: u32) -> f64 {
    if whole == 0 { 0.0 } else { f64::from(part) / f64::from(whole) }
}

fn read(path: &Path) -> Result<Vec<Case>, BenchError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| BenchError::Wrong(format!("{shown} cannot be read ({error})")))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let case = |(at, line)| {
        serde_json::from_str(line)
            .map_err(|error| BenchError::Wrong(format!("{shown}:{}: no case ({error})", at + 1)))
    };
    lines.map(case).collect()
}

fn write(path: &Path, predictions: &[Prediction]) -> Result<(), BenchError> {
    let failed =
        |error| BenchError::Wrong(format!("{} cannot be written ({error})", path.display()));
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).map_err(failed)?);
    for prediction in predictions {
        let line = serde_json::to_string(prediction).map_err(|error| failed(error.into()))?;
        writeln!(file, "{line}").map_err(failed)?;
    }
    file.flush().map_err(failed)
}

/// Tells how likely lines are; an engine with a seat for each persona of a case.
pub type Judge<'a> = dyn Fn(Vec<Question>) -> Result<Vec<Score>, EngineError> + 'a;

/// Plays one case into a core of its own. `judge` is asked where the core asks an engine.
///
/// # Errors
/// When a line's speaker is nobody of the room, or `judge` fails.
pub fn predict(
    case: &Case,
    options: &Options,
    judge: Option<&Judge<'_>>,
) -> Result<Prediction, BenchError> {
    let wrong = |error: EmbedError| BenchError::Wrong(error.to_string());
    let mut room = Room::new(case, options).map_err(wrong)?;
    let mut prediction = Prediction { id: case.id.clone(), ..Prediction::default() };
    for (at, line) in case.lines.iter().enumerate() {
        if at + 1 == case.lines.len() && case.humans.contains(&line.who) {
            let human = HumanId::new(&line.who);
            let whole = room.is_read(room.now + PACE, &human, &line.text);
            let verdict = room.core.judge(room.now + PACE, &human, line.manner(), &whole);
            let cast: Vec<&str> = case.personas.iter().map(|one| one.id.as_str()).collect();
            prediction.explain(verdict, &cast);
            if let (Some(embedder), Some(_)) = (&options.embedder, &options.out) {
                prediction.vector = embedder.embed(&whole).map_err(wrong)?.to_vec();
            }
        }
        room.plays(line, case)?;
        room.judged(judge)?;
    }
    // Whoever has the floor passes, so that the next in line gets it.
    while let Some(grant) = room.grant.take() {
        if prediction.answer.is_empty() {
            prediction.confidence = grant.confidence;
        }
        prediction.answer.push(grant.persona.as_str().to_owned());
        room.ends(grant.turn, SpeechEnd::Finished);
    }
    Ok(prediction)
}

/// A room of the core's, whose speeches are silent until a case tells what was said.
struct Room {
    core: Core,
    reader: Option<Reader>,
    now: Time,
    lines: u64,
    grant: Option<Grant>,
    asked: Option<(LineId, Vec<Question>)>,
}

impl Room {
    fn new(case: &Case, options: &Options) -> Result<Self, EmbedError> {
        let &Options { decide, weights, .. } = options;
        let turns = TurnOptions { decide, weights, ..TurnOptions::default() };
        let core = Core::new(case.personas.iter().map(CasePersona::persona).collect(), turns);
        let cards = case.personas.iter().map(|one| one.card.as_str());
        let reader = options.embedder.clone().map(|one| Reader::new(one, cards)).transpose()?;
        let mut room = Self { core, reader, now: Time::ZERO, lines: 0, grant: None, asked: None };
        for one in &case.personas {
            room.tell(Event::Hosted { persona: PersonaId::new(&one.id), hosted: true });
        }
        for name in &case.humans {
            room.tell(Event::HumanJoined { human: HumanId::new(name), name: name.clone() });
        }
        Ok(room)
    }

    /// Has `text` read, as a line of `human` would be. Returns what it is judged by.
    fn is_read(&mut self, now: Time, human: &HumanId, text: &str) -> String {
        let whole = self.core.whole(now, human, text);
        if let Some(meaning) = self.reader.as_ref().and_then(|reader| reader.meaning(&whole)) {
            self.tell(Event::Meant { text: whole.clone(), meaning });
        }
        whole
    }

    fn tell(&mut self, event: Event) {
        let effects = self.core.handle(self.now, event);
        self.follow(effects);
    }

    /// Nothing was audible yet of a speech that is stopped.
    fn follow(&mut self, effects: Vec<Effect>) {
        let mut stopped = None;
        for effect in effects {
            match effect {
                Effect::Reply(grant) => self.grant = Some(grant),
                Effect::Stop { turn, .. } => stopped = Some(turn),
                Effect::Rank { line, questions, .. } => self.asked = Some((line, questions)),
                Effect::Hold { .. }
                | Effect::Resume { .. }
                | Effect::Settled(_)
                | Effect::State { .. }
                | Effect::Mode { .. }
                | Effect::WakeAt(_) => {}
            }
        }
        if let Some(turn) = stopped {
            self.grant = None;
            self.ends(turn, SpeechEnd::Stopped);
        }
    }

    /// Answers what the core asked, without a wait.
    fn judged(&mut self, judge: Option<&Judge<'_>>) -> Result<(), BenchError> {
        let Some((line, questions)) = self.asked.take() else { return Ok(()) };
        let scores = match judge {
            Some(judge) => {
                judge(questions).map_err(|error| BenchError::Wrong(error.to_string()))?
            }
            None => Vec::new(),
        };
        self.tell(Event::Ranked { line, scores });
        Ok(())
    }

    fn ends(&mut self, turn: TurnId, end: SpeechEnd) {
        let line = self.next_line();
        self.tell(Event::SpeechEnded { turn, line, heard: String::new(), end });
    }

    fn next_line(&mut self) -> LineId {
        self.lines += 1;
        LineId(self.lines)
    }

    fn plays(&mut self, line: &CaseLine, case: &Case) -> Result<(), BenchError> {
        self.now = self.now + PACE;
        let id = self.next_line();
        if let Some(persona) = case.personas.iter().find(|one| one.name == line.who) {
            self.grant = None;
            let persona = PersonaId::new(&persona.id);
            let effects = self.core.recall(self.now, id, &persona, &line.text);
            self.follow(effects);
            return Ok(());
        }
        if !case.humans.contains(&line.who) {
            let message = format!("{}: {} is nobody of this room", case.id, line.who);
            return Err(BenchError::Wrong(message));
        }
        let human = HumanId::new(&line.who);
        self.is_read(self.now, &human, &line.text);
        let manner = line.manner();
        if manner == Manner::Heard {
            self.tell(Event::SpeechStarted { human: human.clone() });
        }
        self.tell(Event::Line {
            id,
            human,
            manner,
            text: line.text.clone(),
            shown: Vec::new(),
            sound: None,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(lines: &[(&str, &str)], answer: &[&str]) -> Case {
        let persona = |name: &str, card: &str| CasePersona {
            id: name.to_lowercase(),
            name: name.to_owned(),
            card: card.to_owned(),
        };
        let line = |(who, text): &(&str, &str)| CaseLine {
            who: (*who).to_owned(),
            text: (*text).to_owned(),
            heard: "voice".to_owned(),
        };
        Case {
            id: "c".to_owned(),
            category: "trial".to_owned(),
            personas: vec![
                persona("Ada", "Ada is a mathematician."),
                persona("Bo", "Bo is a chef: soups and bread."),
            ],
            humans: vec!["Tom".to_owned(), "Zoe".to_owned()],
            lines: lines.iter().map(line).collect(),
            expect: Expect { answer: answer.iter().map(|one| (*one).to_owned()).collect() },
        }
    }

    fn evidence(cases: PathBuf) -> Options {
        let (decide, weights) = (Decide::Evidence, Weights::default());
        Options { cases, out: None, decide, weights, embedder: None }
    }

    fn answer(lines: &[(&str, &str)]) -> Vec<String> {
        predict(&case(lines, &[]), &evidence(PathBuf::new()), None)
            .expect("all are of the room")
            .answer
    }

    #[test]
    fn whoever_gets_the_floor_is_the_prediction_in_order() {
        assert_eq!(answer(&[("Tom", "Ada, is seven prime?")]), ["ada"]);
        assert_eq!(answer(&[("Tom", "Bo first, then Ada: what is new?")]), ["bo", "ada"]);
        assert_eq!(answer(&[("Tom", "Zoe, are you there?")]), [""; 0]);
    }

    #[test]
    fn what_a_persona_said_takes_its_turn() {
        let asked = ("Tom", "Bo and Ada, what is new?");
        assert_eq!(answer(&[asked, ("Ada", "Nothing.")]), ["bo"]);
        assert_eq!(answer(&[asked, ("Ada", "Nothing."), ("Bo", "Soup.")]), [""; 0]);
        assert_eq!(answer(&[asked, ("Ada", "Nothing."), ("Tom", "Okay.")]), ["bo"]);
    }

    #[test]
    fn the_model_is_asked_about_questions_to_the_room_only() {
        let asks = |lines: &[(&str, &str)]| {
            let options = Options { decide: Decide::Model, ..evidence(PathBuf::new()) };
            let judge = |questions: Vec<Question>| {
                let likely = |one: &Question| if one.seat.as_str() == "bo" { -1.0 } else { -9.0 };
                let score = |one: &Question| Score { nats: likely(one), tokens: 4 };
                Ok(questions.iter().map(score).collect())
            };
            predict(&case(lines, &[]), &options, Some(&judge)).expect("it is answered").answer
        };
        assert_eq!(asks(&[("Tom", "What is a prime number?")]), ["bo"]);
        assert_eq!(asks(&[("Tom", "Ada, what is a prime number?")]), ["ada"]);
        assert_eq!(asks(&[("Tom", "Zoe, what is a prime number?")]), [""; 0]);
    }

    /// A guard against steps back; the figures themselves are in `docs/TURNS.md`.
    #[test]
    fn labelled_rooms_are_answered_as_well_as_they_were() {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/answers/rooms_a.jsonl");
        let report = run(&evidence(cases), None).expect("the cases are there");
        let (accuracy, false_speak) = (report.figures["accuracy"], report.figures["false_speak"]);
        assert!(accuracy >= 0.92 && false_speak <= 0.08, "{:?}", report.figures);
    }

    #[test]
    fn a_stranger_in_a_case_is_an_error() {
        let case = case(&[("Eve", "Hello.")], &[]);
        let error = predict(&case, &evidence(PathBuf::new()), None).unwrap_err();
        assert_eq!(error.to_string(), "c: Eve is nobody of this room");
    }

    #[test]
    fn shares_are_of_those_that_could_go_wrong() {
        let mut tally = Tally::default();
        let (ada, bo) = ("ada".to_owned(), "bo".to_owned());
        tally.count(&[], None);
        tally.count(&[], Some(&ada));
        tally.count(std::slice::from_ref(&ada), Some(&ada));
        tally.count(std::slice::from_ref(&ada), Some(&bo));
        tally.count(std::slice::from_ref(&ada), None);
        assert_eq!((tally.right, tally.silent, tally.false_speak, tally.missed), (2, 2, 1, 1));
        assert_eq!(tally.spoken(), 3);
    }
}
