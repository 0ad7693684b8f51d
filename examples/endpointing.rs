//! How often is somebody cut off in a pause, and how long is the wait at the end?
//!
//! Runs the real ears, with fixed waits and with the model, over clips whose pauses are known:
//!
//! ```sh
//! python tests/peers/make_pauses.py target/pauses
//! cargo run --release --no-default-features --example endpointing -- MODEL target/pauses
//! ```
//!
//! `MODEL` is Smart Turn's ONNX file. The clips' time is virtual; an answer of the model comes as
//! much later as it took to compute.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Deserialize;
use troupe::id::HumanId;
use troupe::stt::end_of_turn::smart_turn::SmartTurn;
use troupe::stt::hearing::{Event, Hearing, Options};
use troupe::time::Time;

const CHUNK_SAMPLES: usize = 160;
const CHUNK: Duration = Duration::from_millis(10);
/// Behind each clip: longer than the longest wait.
const SILENCE: Duration = Duration::from_secs(3);
/// The host's wait for what is not judged.
const UNJUDGED: Duration = Duration::from_millis(500);
/// The detector and the labels may be so far apart.
const TOLERANCE: Duration = Duration::from_millis(120);

/// One line of `labels.json`.
#[derive(Debug, Deserialize)]
struct Label {
    file: String,
    /// Clips of one voice follow each other: its pauses are learnt.
    voice: String,
    /// Where the inserted pauses are, in ms from the beginning.
    pauses_ms: Vec<(u64, u64)>,
    /// Where the last word ends.
    end_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Policy {
    Fixed(u64),
    /// The model, with ears that know nothing of the speaker.
    Stranger,
    /// The model, with ears that heard the speaker's other clips before.
    Known,
}

/// What a policy came to.
#[derive(Debug, Default)]
struct Score {
    pauses: usize,
    cut: usize,
    waits_ms: Vec<u64>,
    answers_ms: Vec<u64>,
    /// What the model said in pauses and at ends when it was asked first.
    in_pauses: Vec<f32>,
    at_ends: Vec<f32>,
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(model), Some(folder)) = (args.next(), args.next()) else {
        anyhow::bail!("usage: endpointing MODEL FOLDER");
    };
    let model = SmartTurn::load(Path::new(&model))?;
    let folder = Path::new(&folder);
    let labels = std::fs::read_to_string(folder.join("labels.json"))
        .context("no labels.json; tests/peers/make_pauses.py makes the clips")?;
    let labels: Vec<Label> = serde_json::from_str(&labels)?;
    let clips: Vec<(Label, Vec<i16>)> =
        labels.into_iter().map(|label| read(folder, label)).collect::<Result<_>>()?;

    println!("| policy | pauses cut | wait p50 | wait p90 | wait p95 | mean |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let fixed = [200, 300, 400, 500, 650, 800, 1_000, 1_500].map(Policy::Fixed);
    let mut last = None;
    for policy in fixed.into_iter().chain([Policy::Stranger, Policy::Known]) {
        let mut score = run(policy, &model, &clips)?;
        print(policy, &mut score);
        last = Some(score);
    }
    if let Some(score) = &mut last {
        print_model(score);
    }
    Ok(())
}

fn read(folder: &Path, label: Label) -> Result<(Label, Vec<i16>)> {
    let path = folder.join(&label.file);
    let wav = hound::WavReader::open(&path).with_context(|| path.display().to_string())?;
    let samples = wav.into_samples::<i16>().collect::<Result<_, _>>()?;
    Ok((label, samples))
}

fn run(policy: Policy, model: &SmartTurn, clips: &[(Label, Vec<i16>)]) -> Result<Score> {
    let silence = match policy {
        Policy::Fixed(ms) => Duration::from_millis(ms),
        Policy::Stranger | Policy::Known => UNJUDGED,
    };
    let options = Options { silence, ..Options::default() };
    let mut room = Room { hearing: Hearing::new(options.clone()), now: Time::from_ms(1_000) };
    let mut score = Score::default();
    for (label, samples) in clips {
        if policy == Policy::Stranger {
            room.hearing = Hearing::new(options.clone());
        }
        let asked = (!matches!(policy, Policy::Fixed(_))).then_some(model);
        room.play(label, samples, asked, &mut score)?;
    }
    Ok(score)
}

struct Room {
    hearing: Hearing,
    now: Time,
}

impl Room {
    fn play(
        &mut self,
        label: &Label,
        samples: &[i16],
        model: Option<&SmartTurn>,
        score: &mut Score,
    ) -> Result<()> {
        let human = HumanId::new(label.voice.as_str());
        let begin = self.now;
        let mut sound = samples.to_vec();
        sound.resize(sound.len() + SILENCE.as_millis() as usize * 16, 0);
        let (mut verdicts, mut ends) = (Vec::new(), Vec::new());
        for chunk in sound.chunks(CHUNK_SAMPLES) {
            self.now = self.now + CHUNK;
            let mut events = self.hearing.audio(self.now, &human, self.now, chunk);
            let due = |(at, ..): &(Time, Time, f32)| *at <= self.now;
            let now_due: Vec<_> = verdicts.iter().copied().filter(due).collect();
            verdicts.retain(|verdict| !due(verdict));
            for (_, voiced_end, complete) in now_due {
                events.extend(self.hearing.judged(self.now, &human, voiced_end, complete));
            }
            for event in events {
                let first = matches!(event, Event::Paused(_));
                match (event, model) {
                    (Event::Paused(paused) | Event::StillPaused(paused), Some(model)) => {
                        let asked = Instant::now();
                        let complete = model.ask(&paused.clip.samples)?;
                        let took = asked.elapsed();
                        score.answers_ms.push(took.as_millis() as u64);
                        let at_end = near_end(label, paused.voiced_end.since(begin));
                        let said = if at_end { &mut score.at_ends } else { &mut score.in_pauses };
                        said.extend(first.then_some(complete));
                        verdicts.push((self.now + took, paused.voiced_end, complete));
                    }
                    (Event::Utterance(said), _) => {
                        let wait = said.endpoint.since(said.voiced_end);
                        ends.push((said.voiced_end.since(begin), wait));
                    }
                    _ => {}
                }
            }
        }
        score.add(label, &ends);
        Ok(())
    }
}

fn near_end(label: &Label, at: Duration) -> bool {
    at + TOLERANCE >= Duration::from_millis(label.end_ms)
}

impl Score {
    /// An inserted pause is cut when an utterance ended in it; the end of the clip is waited for.
    fn add(&mut self, label: &Label, ends: &[(Duration, Duration)]) {
        for &(from_ms, to_ms) in &label.pauses_ms {
            let from = Duration::from_millis(from_ms).saturating_sub(TOLERANCE);
            let inside = |(end, _): &&(Duration, Duration)| {
                (from..Duration::from_millis(to_ms)).contains(end)
            };
            self.pauses += 1;
            self.cut += usize::from(ends.iter().any(|end| inside(&end)));
        }
        if let Some((_, wait)) = ends.iter().find(|(end, _)| near_end(label, *end)) {
            self.waits_ms.push(wait.as_millis() as u64);
        }
    }
}

fn print(policy: Policy, score: &mut Score) {
    let name = match policy {
        Policy::Fixed(ms) => format!("fixed {ms} ms"),
        Policy::Stranger => "auto, a stranger".to_owned(),
        Policy::Known => "auto, a known speaker".to_owned(),
    };
    let mean = score.waits_ms.iter().sum::<u64>() / score.waits_ms.len().max(1) as u64;
    let waits = [0.5, 0.9, 0.95].map(|share| percentile(&mut score.waits_ms, share));
    let share = 100.0 * score.cut as f32 / score.pauses.max(1) as f32;
    let [p50, p90, p95] = waits;
    println!(
        "| {name} | {share:.0} % ({} of {}) | {p50} ms | {p90} ms | {p95} ms | {mean} ms |",
        score.cut, score.pauses
    );
}

/// What the model said, in hundredths.
fn print_model(score: &mut Score) {
    let hundredths = |said: &[f32]| said.iter().map(|p| (p * 100.0) as u64).collect::<Vec<_>>();
    println!("\n| complete with, % | p10 | p25 | p50 | p75 | p90 | pauses |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (name, said) in [("in a pause", &score.in_pauses), ("at the end", &score.at_ends)] {
        let mut said = hundredths(said);
        let cells = [0.1, 0.25, 0.5, 0.75, 0.9].map(|share| percentile(&mut said, share));
        let cells = cells.map(|cell| cell.to_string()).join(" | ");
        println!("| {name} | {cells} | {} |", said.len());
    }
    let answers = &mut score.answers_ms;
    let (p50, p95) = (percentile(answers, 0.5), percentile(answers, 0.95));
    println!("\nAn answer takes {p50} ms (p50), {p95} ms (p95).");
}

fn percentile(values: &mut [u64], share: f32) -> u64 {
    values.sort_unstable();
    let index = (values.len() as f32 * share) as usize;
    values.get(index.min(values.len().saturating_sub(1))).copied().unwrap_or(0)
}
