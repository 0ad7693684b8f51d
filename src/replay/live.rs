//! A tape whose sound is heard again, by real engines: `troupe replay --engines live`.
//!
//! ```text
//! audio/*.ogg ─► ears ─► lines ┐
//! joins, typed lines, modes ───┴► the host's own room ─► engine, voice
//!          virtual clock (one thread)  ◄── Gear ──►  wall clock (the engines' runtime)
//! ```
//!
//! The room runs on a virtual clock that jumps from event to event. While an engine works, the
//! clock goes as the wall clock does ([`gear`]), so that everything takes what it really takes,
//! engines that work side by side included. Engines live on a runtime of their own, and know
//! nothing of the virtual clock ([`timed`]).

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::hall::Hall;
use super::parts::Stage;
use super::plan::{Feed, Plan};
use super::{Replay, ReplayError};
use crate::admin::state as pages;
use crate::config::{Config, EndOfTurn, Hearing};
use crate::host::console::Engines;
use crate::host::{self, Parts, Room, cast};
use crate::id::HumanId;
use crate::room;
use crate::tape::{Record, Tape};
use crate::time::{Clock, Time};

mod against;
mod gear;
mod timed;

pub use against::{Comparison, Line, Outcome, Said, Turn, compare, recorded};

use gear::Gear;
use timed::Timed;

/// A room in which nothing comes of anything for so long, and no engine works, is at rest.
const REST: Duration = Duration::from_secs(3);
/// A room that goes on so long after its tape's end is not waited for.
const REST_MAX: Duration = Duration::from_secs(300);
/// One for the ears, one for the voice; models have threads of their own.
const ENGINE_THREADS: usize = 2;

/// What a human is heard saying: mono at [`crate::audio::EARS_RATE_HZ`], each piece with the time
/// of its last sample, in order.
pub struct Sound {
    pub human: HumanId,
    pub pieces: Box<dyn Iterator<Item = (Time, Vec<i16>)>>,
}

/// The settings of a live replay: room, cast and hearing are the tape's, models are `settings`'.
pub fn config(tape: &Tape, settings: &Config) -> Config {
    let of_tape = super::config(&tape.header);
    let judged = tape.header.end_of_turn_us == 0;
    let end_of_turn = if judged { EndOfTurn::Auto } else { of_tape.hearing.end_of_turn };
    let early_words = settings.hearing.early_words;
    Config {
        models: settings.models.clone(),
        hearing: Hearing { end_of_turn, early_words, ..of_tape.hearing },
        ..of_tape
    }
}

/// Replays the tape in `folder` with the engines that `settings` name. Takes about as long as the
/// engines work.
///
/// It runs on runtimes of its own, so it must not be called from within one.
///
/// # Errors
/// When the tape lacks its sound, an engine does not start, or the room panics.
pub fn run(folder: &Path, tape: &Tape, settings: &Config) -> Result<Replay, ReplayError> {
    let sound = sound(folder, tape)?;
    let config = config(tape, settings);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let builder = builder.enable_all().worker_threads(ENGINE_THREADS).thread_name("engines");
    let real = builder.build().map_err(ReplayError::Runtime)?;
    let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
    let started =
        real.block_on(async { host::engines(&config, Clock::start(), &tasks, &cancel).await });
    let replay = match started {
        Ok(engines) => play(tape, sound, &config, engines, &real),
        Err(error) => Err(error.into()),
    };
    cancel.cancel();
    tasks.close();
    real.block_on(tasks.wait());
    replay
}

/// The humans' sound on the tape in `folder`.
#[cfg(feature = "sound-files")]
fn sound(folder: &Path, tape: &Tape) -> Result<Vec<Sound>, ReplayError> {
    let tracks = crate::tape::sound::hear::humans(folder, tape)?;
    if tracks.is_empty() && somebody_speaks(tape) {
        return Err(ReplayError::Silent);
    }
    let sound = |(human, track)| Sound { human, pieces: Box::new(track) };
    Ok(tracks.into_iter().map(sound).collect())
}

/// Refuses: this build cannot read sound.
#[cfg(not(feature = "sound-files"))]
fn sound(_: &Path, tape: &Tape) -> Result<Vec<Sound>, ReplayError> {
    if somebody_speaks(tape) {
        return Err(host::HostError::NotBuilt("sound-files").into());
    }
    Ok(Vec::new())
}

fn somebody_speaks(tape: &Tape) -> bool {
    let speaks = |record: &Record| matches!(record, Record::Utterance(_) | Record::Says { .. });
    tape.entries.iter().any(|entry| speaks(&entry.record))
}

/// Replays a tape with these engines, which were started on `real`.
///
/// # Errors
/// When nobody of the cast can be hosted, a runtime cannot be made, or the room panics.
pub fn play(
    tape: &Tape,
    sound: Vec<Sound>,
    config: &Config,
    engines: Engines,
    real: &Runtime,
) -> Result<Replay, ReplayError> {
    // The tape begins when the cast is ready.
    let (publisher, _, _house) = pages::open(Room::first_status(config), super::no_passes());
    let cast = real.block_on(cast::warm_up(&*engines.engine, &config.cast, &publisher));
    let cast = cast.somebody()?;
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let stage = builder.enable_time().start_paused(true).build().map_err(ReplayError::Runtime)?;
    let begun = Instant::now();
    let (effects, turns, length) = stage.block_on(async {
        let Plan { before, feed, memory, begin, end, .. } = Plan::of(tape);
        let clock = Clock::start_at(begin);
        let gear = Gear::default();
        let timed = Timed::new(real.handle().clone(), gear.clone(), clock);
        let parts = |events| Parts {
            cast,
            transport: Arc::new(Stage::new(clock)),
            events,
            recogniser: timed.recogniser(engines.recogniser),
            predictor: engines.predictor.map(|predictor| timed.predictor(predictor)),
            reader: engines.reader,
            ears: engines.ears,
            engine: timed.engine(engines.engine),
            voice: timed.voice(engines.voice),
            server: super::no_server(),
        };
        let hall = Hall::open(config, clock, publisher, memory, None, parts);
        hall.feed(before).await;
        hall.forget_effects();
        hall.feed(merged(feed, sound, begin, end)).await;
        tokio::time::sleep_until(clock.instant(end)).await;
        rest(&hall, &gear, clock).await;
        hall.close().await
    })?;
    Ok(Replay { effects, turns, tape: length, wall: begun.elapsed() })
}

/// Waits until nothing comes of anything any more.
async fn rest(hall: &Hall, gear: &Gear, clock: Clock) {
    let begun = clock.now();
    let mut before = hall.effects();
    while clock.now().since(begun) < REST_MAX {
        tokio::time::sleep(REST).await;
        let now = hall.effects();
        if now == before && !gear.is_engaged() {
            return;
        }
        before = now;
    }
    tracing::warn!("the room does not come to rest; the replay ends");
}

/// What the room is told, in order of time: of the tape all but what its ears made of the sound,
/// and the sound itself.
fn merged(
    feed: Vec<(Time, Feed)>,
    sound: Vec<Sound>,
    begin: Time,
    end: Time,
) -> impl Iterator<Item = (Time, Feed)> {
    type Pieces = Box<dyn Iterator<Item = (Time, Feed)>>;
    let told =
        feed.into_iter().filter(|(_, event)| !matches!(event, Feed::Hearing(_) | Feed::Partial(_)));
    let heard = sound.into_iter().map(move |Sound { human, pieces }| -> Pieces {
        let event = move |(at, samples): (Time, Vec<i16>)| {
            let (human, at) = (human.clone(), begin + at.since(Time::ZERO));
            (at, Feed::Room(room::Event::Audio { human, at, samples }))
        };
        Box::new(pieces.map(event).take_while(move |(at, _)| *at <= end))
    });
    let all = std::iter::once(Box::new(told) as Pieces).chain(heard);
    let mut all: Vec<_> = all.map(Iterator::peekable).collect();
    std::iter::from_fn(move || {
        let times = all.iter_mut().enumerate();
        let times = times.filter_map(|(index, next)| next.peek().map(|(at, _)| (*at, index)));
        // Of what is told at one time the tape's records come first.
        let (_, index) = times.min()?;
        all[index].next()
    })
}

#[cfg(test)]
mod tests;
