//! One stressed room, from its boot to its last turn.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Variant;
use super::parts::{Click, Counted, Hall};
use crate::admin::state as pages;
use crate::audio::FRAME_MS;
use crate::bench::house;
use crate::config::Config;
use crate::host::{Parts, Room, Server, cast};
use crate::id::{HumanId, PersonaId};
use crate::latency::{Outcome, Stage as Step, TurnRecord};
use crate::room::{Event, LinkState, Member};
use crate::stt::ears;
use crate::stt::scripted::ScriptedRecogniser;
use crate::time::{Clock, Time};

/// Calls everybody by name.
const LINE: &str = "Everyone, what do you make of this?";
/// A room that does not get on within this is stuck; a line of the largest takes six seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// A sentence, so that the table prints within minutes.
const MODEL_REPLY_TOKENS: u32 = 16;
/// Events on their way to the host: all that open the largest room.
const EVENTS_MAX: usize = 128;
const FRAME: Duration = Duration::from_millis(FRAME_MS as u64);

/// What a room is to do.
pub(super) struct Stage {
    pub(super) clock: Clock,
    pub(super) personas: usize,
    pub(super) lines: usize,
    pub(super) variant: Variant,
    /// When its making began.
    pub(super) began: Instant,
}

/// What a room did.
pub(super) struct Served {
    /// From nothing to everybody in the room.
    pub(super) materialise: Duration,
    /// From the first line to the end of the last turn.
    pub(super) serve: Duration,
    pub(super) turns: Vec<Turn>,
    pub(super) generations: u64,
}

/// One persona's answer to one line.
pub(super) struct Turn {
    /// From the moment it could begin to the first frame of its voice.
    pub(super) took: Duration,
    /// What of it is not the engine's.
    pub(super) overhead: Duration,
}

impl Stage {
    /// Boots the room, lets it answer every line, and takes it down. The error is what went wrong.
    pub(super) async fn run(self, engine: Arc<Counted>) -> Result<Served, String> {
        let names = (0..self.personas).map(|index| format!("Voice{index}"));
        let mut config = house::config(names).map_err(|error| error.to_string())?;
        if self.variant == Variant::Model {
            config.turn.reply_tokens = MODEL_REPLY_TOKENS;
        }
        let (publisher, commands, _house) =
            pages::open(Room::first_status(&config), house::no_passes());
        let hall = Arc::new(Hall::new(self.clock, self.personas));
        let (events, room_events) = mpsc::channel(EVENTS_MAX);
        let (_ears, ears) = watch::channel(ears::Status::default());
        let cast = cast::warm_up(&*engine, &config.cast, &publisher).await;
        expect("seats that are warm", cast.hosted.len() as u64, self.personas as u64)?;
        expect("warm-ups", engine.warm_ups(), self.personas as u64)?;
        let parts = Parts {
            cast,
            transport: hall.clone(),
            events: room_events,
            recogniser: Arc::new(ScriptedRecogniser::default()),
            ears,
            engine: engine.clone(),
            voice: Arc::new(Click),
            predictor: None,
            reader: None,
            server: Server { url: String::new(), own: None, link: LinkState::Up },
        };
        let room = Room::new(&config, self.clock, parts, publisher, commands);
        let wide = self.variant != Variant::FloorOn;
        let room = room.with_holders(if wide { self.personas } else { 1 });
        let cancel = CancellationToken::new();
        let _stop_on_return = cancel.clone().drop_guard();
        let ended = cancel.clone();
        let run = tokio::spawn(async move { room.run(&TaskTracker::new(), ended).await });
        let bench = Bench { stage: &self, events, hall };
        bench.open(&config).await?;
        let materialise = self.began.elapsed();
        let serving = Instant::now();
        let mut heard = Vec::new();
        for _ in 0..self.lines {
            heard.push(bench.line().await?);
        }
        let serve = serving.elapsed();
        cancel.cancel();
        let records = run.await.map_err(|error| error.to_string())?;
        let generations = engine.generations();
        expect("generations", generations, (self.personas * self.lines) as u64)?;
        check(&records, self.personas * self.lines)?;
        let turns = if self.variant.shares_an_engine() {
            shared_turns(&records)
        } else {
            heard.iter().flat_map(|line| self.turns(line)).collect()
        };
        Ok(Served { materialise, serve, turns, generations })
    }

    /// The turns of a line that was sent first and then heard answered.
    fn turns(&self, (sent, heard): &(Time, BTreeMap<PersonaId, Time>)) -> Vec<Turn> {
        let mut at: Vec<Time> = heard.values().copied().collect();
        at.sort_unstable();
        let took = |index: usize| match (self.variant, index) {
            (Variant::FloorOn, 1..) => at[index].since(at[index - 1] + FRAME),
            _ => at[index].since(*sent),
        };
        let turn = |took: Duration| Turn { took, overhead: took.saturating_sub(super::REPLY_TIME) };
        (0..at.len()).map(took).map(turn).collect()
    }
}

/// Turns on an engine that all share: the engine's own part is what it tells of itself.
fn shared_turns(records: &[TurnRecord]) -> Vec<Turn> {
    let engine = [Step::Queue, Step::Prefill, Step::FirstToken, Step::FirstSentence];
    let turn = |record: &TurnRecord| {
        let stage = |step: &Step| record.stages_us.get(step).copied().flatten().unwrap_or(0);
        let took_us = record.e2e_us.unwrap_or(0);
        let engine_us: u64 = engine.iter().map(stage).sum();
        Turn {
            took: Duration::from_micros(took_us),
            overhead: Duration::from_micros(took_us.saturating_sub(engine_us)),
        }
    };
    records.iter().map(turn).collect()
}

/// The human of the bench.
struct Bench<'a> {
    stage: &'a Stage,
    events: mpsc::Sender<Event>,
    hall: Arc<Hall>,
}

impl Bench<'_> {
    async fn send(&self, event: Event) -> Result<(), String> {
        self.events.send(event).await.map_err(|_| "it ended by itself".to_owned())
    }

    /// Lets everybody in, and waits until everybody listens.
    async fn open(&self, config: &Config) -> Result<(), String> {
        self.send(Event::HumanJoined { human: HumanId::new("tom"), name: "Tom".into() }).await?;
        for persona in &config.cast {
            let member = Member::Persona(persona.id.clone());
            self.send(Event::Link { member, state: LinkState::Up }).await?;
        }
        self.rests().await?;
        Ok(())
    }

    /// Types a line, and waits until everybody has answered. When it was sent, and when each
    /// persona was first heard.
    async fn line(&self) -> Result<(Time, BTreeMap<PersonaId, Time>), String> {
        let sent = self.stage.clock.now();
        self.send(Event::Chat { human: HumanId::new("tom"), text: LINE.to_owned() }).await?;
        let heard = self.rests().await?;
        expect("personas that were heard", heard.len() as u64, self.stage.personas as u64)?;
        Ok((sent, heard))
    }

    async fn rests(&self) -> Result<BTreeMap<PersonaId, Time>, String> {
        let rests = tokio::time::timeout(PATIENCE, self.hall.rests()).await;
        rests.map_err(|_| format!("not everybody came to rest within {PATIENCE:?}"))
    }
}

fn check(records: &[TurnRecord], expected: usize) -> Result<(), String> {
    expect("turn records", records.len() as u64, expected as u64)?;
    match records.iter().find(|record| record.outcome != Outcome::Spoke) {
        Some(record) => {
            let (outcome, reason) = (record.outcome.as_str(), &record.reason);
            Err(format!("{} of {} {outcome}: {reason}", record.turn, record.persona))
        }
        None => Ok(()),
    }
}

fn expect(what: &str, found: u64, expected: u64) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{found} {what}, expected {expected}"))
}
