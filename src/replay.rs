//! A tape through the room's own cores, on a virtual clock: what comes of it, and whether that is
//! what is expected.
//!
//! The room is [`host::Room`], the live host's. Below its seams stand doubles that answer what the
//! tape holds, after the times that it holds: [`parts`] has them, [`plan`] makes them of a tape.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admin::state as pages;
use crate::config::{Config, EndOfTurn, Hearing, LiveKit, Models, Pages, Turn};
use crate::host::{Parts, Room, Server, cast};
use crate::latency::TurnRecord;
use crate::room::LinkState;
use crate::stt::ears;
use crate::tape::{Entry, Header, Tap, Tape};
use crate::time::{Clock, Time};
use crate::turn::Decide;

mod compare;
mod parts;
mod plan;
mod screenplay;

pub use compare::{Difference, difference, lines};
pub use screenplay::screenplay;

use parts::{Ears, Mind, Stage, Voice};
use plan::{Feed, Plan};

/// Why a tape cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("the replay's runtime did not start: {0}")]
    Runtime(std::io::Error),
    #[error("the replay broke off: {0}; this is a fault of the program, please report it")]
    Broken(String),
}

/// What came of a tape.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The effect log, in order.
    pub effects: Vec<Entry>,
    /// The turns, oldest first.
    pub turns: Vec<TurnRecord>,
    /// How long the tape runs, and how long that took.
    pub tape: Duration,
    pub wall: Duration,
}

impl Replay {
    /// Seconds of the tape in a second of the wall clock.
    pub fn realtime_factor(&self) -> f64 {
        self.tape.as_secs_f64() / self.wall.as_secs_f64().max(1e-9)
    }
}

/// Replays a tape. Two replays of one tape are equal to the byte, on any machine.
///
/// It runs on a runtime of its own, so it must not be called from within one.
///
/// # Errors
/// When the runtime cannot be made, or the room panics.
pub fn run(tape: &Tape) -> Result<Replay, ReplayError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(ReplayError::Runtime)?;
    let begun = Instant::now();
    let (effects, turns, length) = runtime.block_on(play(tape))?;
    Ok(Replay { effects, turns, tape: length, wall: begun.elapsed() })
}

async fn play(tape: &Tape) -> Result<(Vec<Entry>, Vec<TurnRecord>, Duration), ReplayError> {
    let clock = Clock::start();
    let plan = Plan::of(tape);
    let tap = Tap::memory(Time::ZERO);
    let config = config(&tape.header);
    let (room_in, events) = mpsc::channel(1);
    let (hearing_in, hearing) = mpsc::channel(1);
    let (pages_in, commands) = mpsc::channel(1);
    let ready = ears::Status::ready();
    let (_ears, ears_status) = watch::channel(ready);
    let passes: pages::Passes = Arc::new(|_| Err("a replay has no visitors".to_owned()));
    let (publisher, _, _house) = pages::open(Room::first_status(&config), passes);
    let mind = Arc::new(Mind::new(clock, plan.answers, plan.scores));
    let parts = Parts {
        cast: cast::warm_up(&*mind, &config.cast, &publisher).await,
        transport: Arc::new(Stage::new(clock)),
        events,
        recogniser: Arc::new(Ears::new(plan.recognitions)),
        ears: ears_status,
        engine: mind,
        voice: Arc::new(Voice::new(tape.header.pace, plan.clauses)),
        server: Server { url: String::new(), own: None, link: LinkState::Up },
        // What it said is on the tape: pauses and utterances come from there.
        predictor: None,
    };
    let room = Room::tapped(&config, clock, parts, publisher, commands, tap.clone());
    let room = room.hearing(hearing);
    let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
    let (stop, room_tasks) = (cancel.clone(), tasks.clone());
    let running = tokio::spawn(async move { room.run(&room_tasks, stop).await });

    for (at, event) in plan.feed {
        tokio::time::sleep_until(clock.instant(at)).await;
        // The room has taken each before the next is told: order within a moment is the tape's.
        let taken = match event {
            Feed::Room(event) => told(&room_in, event).await,
            Feed::Hearing(event) => told(&hearing_in, event).await,
            Feed::Page(command) => told(&pages_in, command).await,
        };
        if !taken {
            break;
        }
    }
    tokio::time::sleep_until(clock.instant(plan.end)).await;
    let length = clock.now().since(Time::ZERO);
    cancel.cancel();
    let turns = running.await.map_err(|error| ReplayError::Broken(error.to_string()))?;
    Ok((tap.take(), turns, length))
}

/// Sends, and waits until it was taken. False when the room is gone.
async fn told<T>(to: &mpsc::Sender<T>, event: T) -> bool {
    to.send(event).await.is_ok() && to.reserve().await.is_ok()
}

/// The settings of the room on the tape.
fn config(header: &Header) -> Config {
    let none = Pages { listen: SocketAddr::from(([127, 0, 0, 1], 0)), token: None };
    Config {
        room: header.room.clone(),
        livekit: LiveKit::Local { binary: None },
        pages: none,
        models: Models {
            root: PathBuf::new(),
            language: header.models.language.name.clone(),
            recognition: header.models.recognition.name.clone(),
            voice: header.models.voice.name.clone(),
            context_tokens: 0,
            threads: None,
        },
        hearing: Hearing {
            // Utterances come from the tape, so nothing waits for this.
            end_of_turn: EndOfTurn::Fixed(Duration::from_micros(header.end_of_turn_us)),
            longest: Duration::from_micros(header.longest_us),
            early_words: false,
        },
        turn: Turn {
            reply_tokens: header.reply_tokens,
            seed: header.seed,
            decide: header.answers.map_or(Decide::Evidence, |answers| answers.decide),
            weights: header.answers.map(|answers| answers.weights).unwrap_or_default(),
        },
        cast: header.cast.iter().map(Into::into).collect(),
        probes: None,
        telemetry: None,
    }
}
