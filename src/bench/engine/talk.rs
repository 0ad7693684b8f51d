//! A room of sixty lines: how much of the prompts the seats hold already, and what computing ahead
//! of time brings.

use std::time::Duration;

use super::cast::{ask, message, persona, request};
use super::{Load, Options, load, median, rounded, wrong};
use crate::bench::{BenchError, Report, ms};
use crate::id::{HumanId, LineId, Speaker};
use crate::llm::{Engine as _, EngineStats, Role, prompt};
use crate::persona::Hears;
use crate::time::Clock;
use crate::turn::{Line, Manner};

const NAMES: [&str; 3] = ["Nora", "Felix", "Ada"];
const CARDS: [&str; 3] = [
    "You are Nora, a botanist who keeps a rooftop garden. Reply in one short sentence.",
    "You are Felix, a ship's cook who has sailed every sea. Reply in one short sentence.",
    "You are Ada, a mathematician who loves puzzles. Reply in one short sentence.",
];
/// Each is answered, so the room has twice as many.
const LINES: usize = 30;
const ASKS: [&str; 6] = [
    "what would you do on a rainy day like this?",
    "do you agree with what was just said?",
    "and what is the best thing about your work?",
    "how would you explain that to a child?",
    "what should we have for dinner tonight?",
    "is there anything that you would never do?",
];
const REPLY_TOKENS: u32 = 16;

pub(super) async fn measure(options: &Options, report: &mut Report) -> Result<(), BenchError> {
    let (ahead, stats) = play(options, true).await?;
    let (not_ahead, _) = play(options, false).await?;
    let reuse = stats.cached_tokens as f64 / stats.prompt_tokens.max(1) as f64;
    report.figures.insert("reuse_ratio".to_owned(), rounded(reuse));
    report.figures.insert("first_token_ahead_p50_ms".to_owned(), rounded(ms(ahead)));
    report.figures.insert("first_token_not_ahead_p50_ms".to_owned(), rounded(ms(not_ahead)));
    Ok(())
}

/// The median wait for the first text, and what the engine counted.
async fn play(options: &Options, ahead: bool) -> Result<(Duration, EngineStats), BenchError> {
    let settings = Load { threads: options.threads, ..Load::new(options.model.clone(), 3) };
    let clock = Clock::start();
    let engine = load(settings, clock).await?;
    let system = |seat: usize| message(Role::System, CARDS[seat]);
    for seat in 0..NAMES.len() {
        engine.warm_up(&persona(seat), &[system(seat)]).await.map_err(wrong)?;
    }
    let mut lines: Vec<Line> = Vec::new();
    let view = |seat: usize, lines: &[Line]| {
        let talk = prompt::conversation(&persona(seat), false, Hears::Transcript, lines.iter());
        [vec![system(seat)], talk].concat()
    };
    let mut waits = Vec::new();
    for number in 0..LINES {
        let seat = number % NAMES.len();
        let text = format!("{}, {}", NAMES[seat], ASKS[number % ASKS.len()]);
        lines.push(line(number * 2, Speaker::Human(HumanId::new("tom")), "Tom", text));
        let mut messages = view(seat, &lines);
        messages.push(prompt::cue(NAMES[seat]));
        let asked = clock.now();
        let reply = ask(&engine, request(seat, messages, REPLY_TOKENS)).await?;
        waits.extend(reply.first_text.map(|first| first.since(asked)));
        let said = reply.text.replace('\n', " ");
        lines.push(line(number * 2 + 1, Speaker::Persona(persona(seat)), NAMES[seat], said));
        if ahead {
            for seat in 0..NAMES.len() {
                engine.warm_up(&persona(seat), &view(seat, &lines)).await.map_err(wrong)?;
            }
        }
    }
    Ok((median(waits), engine.stats()))
}

fn line(number: usize, speaker: Speaker, name: &str, text: String) -> Line {
    let (id, name) = (LineId(number as u64), name.to_owned());
    Line { id, speaker, name, manner: Manner::Heard, text, shown: Vec::new(), sound: None }
}
