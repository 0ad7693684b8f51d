//! `bench voice` and `bench barge-in`: the whole way through a real LiveKit server, as a visitor
//! hears it.
//!
//! The visitor is a participant of its own connection in this process. A gap runs from when its
//! last voiced frame was through to when the first voiced frame of a persona came out of its jitter
//! buffer, so both ways through the server and both jitter buffers are in it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, timeout};

use super::{BenchError, Report, ms, quantile, row};
use crate::config::Config;
use crate::host::questions::{QUESTIONS, Question};
use crate::host::{self, Door, HostError, visitor_identity};
use crate::latency::{Outcome, Stage, TurnRecord};
use crate::room::livekit::visitor::{Heard, Spoken, Visitor, Voice};

const NAME: &str = "Tom";
/// A reply that has not begun by then does not come, and one that has not ended is too long.
const BEGINS_MAX: Duration = Duration::from_secs(20);
const ENDS_MAX: Duration = Duration::from_secs(60);
/// So much quiet of a persona ends its reply: more than the pause between two clauses.
const QUIET: Duration = Duration::from_millis(900);
/// How far into a reply the visitor speaks up.
const CUT_IN: Duration = Duration::from_millis(700);

/// How often to ask.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub questions: usize,
}

/// One question and what was heard of the answer.
struct Exchange {
    asked: &'static str,
    answered: String,
    gap: Duration,
    caption: Option<Duration>,
}

/// Asks, and measures from the last voiced sample of the question to the first of the answer.
///
/// # Errors
/// When the host does not start, or a question gets no answer.
pub async fn voice(config: &Config, options: Options) -> Result<Report, BenchError> {
    let mut report = Report::new("voice");
    let (exchanges, records) = visit(config, move |visitor| async move {
        let mut exchanges = Vec::new();
        for question in QUESTIONS.iter().cycle().take(options.questions) {
            exchanges.push(ask(&visitor, question).await?);
        }
        visitor.leave().await;
        Ok(exchanges)
    })
    .await?;
    let spoke: Vec<_> = records.iter().filter(|turn| turn.outcome == Outcome::Spoke).collect();
    for (at, exchange) in exchanges.iter().enumerate() {
        // Answers and records come in the same order.
        report.rows.push(exchange_row(exchange, spoke.get(at).copied()));
    }
    let gaps: Vec<Duration> = exchanges.iter().map(|exchange| exchange.gap).collect();
    let captions: Vec<Duration> = exchanges.iter().filter_map(|e| e.caption).collect();
    let inside = spoke.iter().filter_map(|turn| turn.e2e_us).map(Duration::from_micros);
    figures(&mut report, gaps, [("voice_to_voice_p50_ms", 0.5), ("voice_to_voice_p95_ms", 0.95)]);
    figures(&mut report, captions, [("caption_p50_ms", 0.5)]);
    figures(&mut report, inside.collect(), [("e2e_p50_ms", 0.5)]);
    Ok(report)
}

/// Speaks into replies, and measures until the persona is silent.
///
/// # Errors
/// As [`voice`].
pub async fn barge_in(config: &Config, options: Options) -> Result<Report, BenchError> {
    let mut report = Report::new("barge-in");
    let (cuts, _) = visit(config, move |visitor| async move {
        let mut cuts = Vec::new();
        for at in 0..options.questions {
            let question = &QUESTIONS[at % QUESTIONS.len()];
            let over = &QUESTIONS[(at + 1) % QUESTIONS.len()];
            cuts.push((question.persona, cut_in(&visitor, question, over).await?));
        }
        visitor.leave().await;
        Ok(cuts)
    })
    .await?;
    for (persona, talked_on) in &cuts {
        let talked_on_ms = talked_on.map_or(Value::Null, |talked_on| ms(talked_on).into());
        report.rows.push(row([("persona", (*persona).into()), ("talked_on_ms", talked_on_ms)]));
    }
    let talked_on: Vec<Duration> = cuts.iter().filter_map(|(_, cut)| *cut).collect();
    // The first comes before the host can know whether the microphone hears the cast.
    let later: Vec<Duration> = cuts.iter().skip(1).filter_map(|(_, cut)| *cut).collect();
    let over_before = cuts.len() - talked_on.len();
    report.figures.insert("replies_over_before".to_owned(), over_before as f64);
    figures(&mut report, talked_on, [("barge_in_p50_ms", 0.5), ("barge_in_p95_ms", 0.95)]);
    figures(&mut report, later, [("barge_in_after_the_first_p95_ms", 0.95)]);
    Ok(report)
}

/// Adds quantiles of `values`; none of nothing.
fn figures<const N: usize>(
    report: &mut Report,
    mut values: Vec<Duration>,
    keys: [(&'static str, f64); N],
) {
    values.sort_unstable();
    for (key, part) in keys {
        if !values.is_empty() {
            report.figures.insert(key.to_owned(), ms(quantile(&values, part)));
        }
    }
}

/// Runs a host for a visitor that does `work`.
async fn visit<T, F>(
    config: &Config,
    work: impl FnOnce(Visitor) -> F + Send + 'static,
) -> Result<(T, Vec<TurnRecord>), BenchError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, String>> + Send,
{
    let found = Arc::new(Mutex::new(None));
    let place = Arc::clone(&found);
    let guest = move |door: Door| -> futures_util::future::BoxFuture<'static, _> {
        Box::pin(async move {
            let identity = visitor_identity(NAME);
            let token = door.mint.visitor(&identity, NAME).map_err(|error| error.to_string())?;
            let visitor = Visitor::join(&door.url, &token).await?;
            *place.lock().await = Some(work(visitor).await?);
            Ok(())
        })
    };
    let records = host::entertain(config, Box::new(guest)).await?;
    let found = found.lock().await.take();
    let found = found.ok_or_else(|| BenchError::Wrong("the run was broken off".to_owned()))?;
    Ok((found, records))
}

async fn ask(visitor: &Visitor, question: &Question) -> Result<Exchange, String> {
    let mut heard = visitor.heard();
    let captioned = visitor.captioned();
    let spoken = visitor.say(&question.sound()?).await;
    visitor
        .listen(async {
            let (answered, voice) = reply(&mut heard, spoken).await?;
            silence(&mut heard).await?;
            let caption = captioned.borrow().filter(|at| *at > spoken.voiced_end);
            Ok(Exchange {
                asked: question.persona,
                answered,
                gap: voice.began.duration_since(spoken.voiced_end),
                caption: caption.map(|at| at.duration_since(spoken.voiced_end)),
            })
        })
        .await
}

/// How long the reply to `question` went on after `over` began; none when it was over before.
async fn cut_in(
    visitor: &Visitor,
    question: &Question,
    over: &Question,
) -> Result<Option<Duration>, String> {
    let mut heard = visitor.heard();
    let spoken = visitor.say(&question.sound()?).await;
    let (who, _) = visitor
        .listen(async {
            let reply = reply(&mut heard, spoken).await;
            sleep(CUT_IN).await;
            reply
        })
        .await?;
    let first = visitor.say(&over.sound()?).await;
    let last = heard.borrow().get(&who).map(|voice| voice.last);
    // The answer to the second line is let out, too.
    visitor
        .listen(async {
            reply(&mut heard, first).await?;
            silence(&mut heard).await
        })
        .await?;
    let talked_on = last.filter(|last| *last > first.voiced_start);
    Ok(talked_on.map(|last| last.duration_since(first.voiced_start)))
}

/// The first voice that begins after `spoken`.
async fn reply(
    heard: &mut watch::Receiver<Heard>,
    spoken: Spoken,
) -> Result<(String, Voice), String> {
    let begun = |heard: &Heard| {
        let new = heard.iter().filter(|(_, voice)| voice.began > spoken.voiced_end);
        new.min_by_key(|(_, voice)| voice.began).map(|(who, voice)| (who.clone(), *voice))
    };
    let wait = heard.wait_for(|heard| begun(heard).is_some());
    let found = timeout(BEGINS_MAX, wait).await;
    let heard = found
        .map_err(|_| format!("no persona answered within {BEGINS_MAX:?}"))?
        .map_err(|_| "the visitor hears nothing any more".to_owned())?;
    begun(&heard).ok_or_else(|| "the voice is gone".to_owned())
}

/// Waits until nobody has been heard for [`QUIET`].
async fn silence(heard: &mut watch::Receiver<Heard>) -> Result<(), String> {
    let quiet = async {
        loop {
            let newest = heard.borrow_and_update().values().map(|voice| voice.last).max();
            let due = newest.map_or_else(Instant::now, |last| last + QUIET);
            tokio::select! {
                () = tokio::time::sleep_until(due) => return,
                _ = heard.changed() => {}
            }
        }
    };
    timeout(ENDS_MAX, quiet).await.map_err(|_| format!("a reply went on for {ENDS_MAX:?}"))
}

fn exchange_row(exchange: &Exchange, turn: Option<&TurnRecord>) -> serde_json::Map<String, Value> {
    let mut columns = row([
        ("asked", exchange.asked.into()),
        ("answered", exchange.answered.clone().into()),
        ("gap_ms", ms(exchange.gap).into()),
        ("caption_ms", exchange.caption.map_or(Value::Null, |caption| ms(caption).into())),
    ]);
    let stage_ms = |us: Option<u64>| us.map_or(Value::Null, |us| (us as f64 / 1_000.0).into());
    columns.insert("e2e_ms".to_owned(), stage_ms(turn.and_then(|turn| turn.e2e_us)));
    for stage in Stage::ALL {
        let us = turn.and_then(|turn| turn.stages_us.get(&stage).copied().flatten());
        columns.insert(format!("{}_ms", stage.as_str()), stage_ms(us));
    }
    columns
}

impl From<HostError> for BenchError {
    fn from(error: HostError) -> Self {
        Self::Wrong(error.to_string())
    }
}
