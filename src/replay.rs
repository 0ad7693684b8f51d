//! A tape through the room's own cores, on a virtual clock: what comes of it, and whether that is
//! what is expected.
//!
//! The room is [`crate::host::Room`], the live host's, opened and fed by [`hall`]. Below its seams
//! stand doubles that answer what the tape holds, after the times that it holds: [`parts`] has
//! them, [`plan`] makes them of a tape. In a [`live`] replay the real engines stand there.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::admin::state as pages;
use crate::config::{self, Config, EndOfTurn, Hearing, Language, LiveKit, Models, Pages, Turn};
use crate::host::{HostError, Parts, Room, Server, cast};
use crate::latency::TurnRecord;
use crate::room::LinkState;
use crate::stt::ears;
use crate::tape::{Entry, Header, Tape, TapeError};
use crate::time::Clock;
use crate::turn::Decide;
use crate::turn::addressing::SleepWords;

mod compare;
mod hall;
pub mod live;
mod parts;
mod plan;
mod screenplay;

pub use compare::{Difference, difference, lines};
pub use screenplay::screenplay;

use hall::Hall;
use parts::{Ears, Meanings, Mind, Stage, Voice};
use plan::Plan;

/// Why a tape cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("the replay's runtime did not start: {0}")]
    Runtime(std::io::Error),
    #[error("the replay broke off: {0}; this is a fault of the program, please report it")]
    Broken(String),
    /// A live replay's engines did not start.
    #[error(transparent)]
    Host(#[from] HostError),
    #[error(transparent)]
    Tape(#[from] TapeError),
    #[error(
        "somebody speaks on the tape, and it has no sound of that, which live ears need; a room \
         by hand gets its sound by tests/rooms/make_sound.py"
    )]
    Silent,
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
    let plan = Plan::of(tape);
    let clock = Clock::start_at(plan.begin);
    let config = config(&tape.header);
    let (publisher, _, _house) = pages::open(Room::first_status(&config), no_passes());
    let mind = Arc::new(Mind::new(clock, plan.answers, plan.scores, tape.header.senses()));
    let cast = cast::warm_up(&*mind, &config.cast, &publisher).await;
    let (_ears, ears_status) = watch::channel(ears::Status::ready());
    let parts = |events| Parts {
        cast,
        transport: Arc::new(Stage::new(clock)),
        events,
        recogniser: Arc::new(Ears::new(plan.recognitions)),
        ears: ears_status,
        engine: mind,
        voice: Arc::new(Voice::new(tape.header.pace, plan.clauses)),
        server: no_server(),
        // What it said is on the tape: pauses and utterances come from there.
        predictor: None,
        reader: Some(Arc::new(Meanings::new(plan.meant))),
    };
    let hall = Hall::open(&config, clock, publisher, plan.memory, Some(plan.sounds), parts);
    hall.feed(plan.before).await;
    hall.forget_effects();
    hall.feed(plan.feed).await;
    tokio::time::sleep_until(clock.instant(plan.end)).await;
    hall.close().await
}

/// Nobody can join a replay.
fn no_passes() -> pages::Passes {
    Arc::new(|_| Err("a replay has no visitors".to_owned()))
}

fn no_server() -> Server {
    Server { url: String::new(), own: None, link: LinkState::Up }
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
            language: Language::Here(header.models.language.name.clone()),
            projector: None,
            recognition: header.models.recognition.name.clone(),
            voice: header.models.voice.name.clone(),
            context_tokens: 0,
            threads: None,
            step: Duration::ZERO,
            adapters: HashMap::new(),
            adapters_bytes: 0,
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
            turns_per_minute: header.turns_per_minute,
            decide: header.answers.map_or(Decide::Evidence, |answers| answers.decide),
            weights: header.answers.map(|answers| answers.weights).unwrap_or_default(),
        },
        faces: HashMap::new(),
        sleep_words: SleepWords {
            sleep: header.sleep_words.clone().unwrap_or(SleepWords::default().sleep),
            wake: header.wake_words.clone().unwrap_or(SleepWords::default().wake),
        },
        tape: config::Tape { folder: None },
        cast: header.cast.iter().map(Into::into).collect(),
        probes: None,
        telemetry: None,
    }
}
