//! `troupe bench stress`: what the host itself costs. Rooms of N personas answer M lines each, on
//! an engine whose replies take 50 ms and a voice of one frame, in real time; what a turn takes
//! beyond the 50 ms is the host's. With a model's file the same rooms run on the real engine, to
//! compare with.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::machine::CpuUse;
use super::{BenchError, Report, ms, quantile, row, rss_mb};
use crate::llm::Engine;
use crate::llm::load::{Load, LoadEngine};
use crate::time::Clock;

mod parts;
mod room;

use parts::{Counted, Metronome, REPLY};
use room::Served;

/// Personas and lines: the baseline's rooms, then a hall and a crowd.
const ROOMS: [(usize, usize); 6] = [(2, 10), (4, 10), (8, 5), (12, 5), (32, 5), (64, 5)];
/// What every reply of the scripted engine takes.
const REPLY_TIME: Duration = Duration::from_millis(50);
/// A real engine's order of magnitude, eight times faster, so that the table prints within a
/// minute.
const PREFILL_PER_TOKEN: Duration = Duration::from_micros(100);
const DECODE_PER_TOKEN: Duration = Duration::from_millis(2);
/// On the real engine, where a reply takes seconds.
const MODEL_ROOMS: [(usize, usize); 4] = [(2, 3), (4, 3), (8, 2), (12, 2)];
/// Sequences that a small machine decodes side by side.
const LANES: usize = 4;

/// What is asked of the bench.
#[derive(Clone, Debug)]
pub struct Options {
    /// Each room is opened so often, and its turns are taken together.
    pub rounds: usize,
    /// Larger rooms are left out.
    pub personas_max: usize,
    /// A language model's file, for the real engine; without it, or in a build without the engine,
    /// its rows are left out.
    pub model: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { rounds: 3, personas_max: usize::MAX, model: None }
    }
}

/// How a room is stressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    /// Everybody answers every line at the same time.
    FloorOff,
    /// Everybody answers every line, one after the other.
    FloorOn,
    /// Everybody at the same time, on an engine that all share.
    Load,
    /// The same on the real engine.
    Model,
}

impl Variant {
    fn as_str(self) -> &'static str {
        match self {
            Self::FloorOff => "floor off",
            Self::FloorOn => "floor on",
            Self::Load => "shared engine",
            Self::Model => "real engine",
        }
    }

    fn rooms(self) -> &'static [(usize, usize)] {
        if self == Self::Model { &MODEL_ROOMS } else { &ROOMS }
    }

    /// How often a room is opened, of so many times asked for. One after the other, and on the real
    /// engine, it takes many times as long.
    fn rounds(self, asked: usize) -> usize {
        match self {
            Self::FloorOn | Self::Model => 1,
            Self::FloorOff | Self::Load => asked.max(1),
        }
    }

    /// The engine's part is what it tells of itself.
    fn shares_an_engine(self) -> bool {
        matches!(self, Self::Load | Self::Model)
    }
}

/// Runs the table.
///
/// # Errors
/// When a room did not do all that it was to do: a seat that is not up, a generation too many or
/// too few, a turn that failed.
pub fn run(options: &Options) -> Result<Report, BenchError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut report = Report::new("stress");
    let cpu = CpuUse::start();
    let model = options.model.as_deref().filter(|_| cfg!(feature = "llama"));
    let real = model.map(|_| Variant::Model);
    for variant in [Variant::FloorOff, Variant::FloorOn, Variant::Load].into_iter().chain(real) {
        let rooms = variant.rooms().iter().copied();
        for (personas, lines) in rooms.filter(|one| one.0 <= options.personas_max) {
            let during = CpuUse::start();
            let mut rooms = Vec::new();
            for _ in 0..variant.rounds(options.rounds) {
                rooms.push(runtime.block_on(stress(variant, personas, lines, model))?);
            }
            let figures = Figures::of(&rooms);
            if variant == Variant::FloorOff {
                let key = format!("overhead_p99_ms_{personas}");
                report.figures.insert(key, ms(figures.overhead_p99));
            }
            let mut row = figures.row(variant, personas, lines);
            row.insert("other_cpu_share".to_owned(), during.others_share().into());
            report.rows.push(row);
        }
    }
    report.figures.insert("other_cpu_share".to_owned(), cpu.others_share());
    Ok(report)
}

async fn stress(
    variant: Variant,
    personas: usize,
    lines: usize,
    model: Option<&Path>,
) -> Result<Served, BenchError> {
    let clock = Clock::start();
    let engine = engine(variant, personas, model, clock).await?;
    let stage = room::Stage { clock, personas, lines, variant, began: Instant::now() };
    let name = format!("{personas}x{lines}, {}", variant.as_str());
    let wrong = |what: String| BenchError::Wrong(format!("the room {name}: {what}"));
    stage.run(Arc::new(Counted::new(engine))).await.map_err(wrong)
}

async fn engine(
    variant: Variant,
    personas: usize,
    model: Option<&Path>,
    clock: Clock,
) -> Result<Arc<dyn Engine>, BenchError> {
    Ok(match (variant, model) {
        (Variant::FloorOff | Variant::FloorOn, _) => Arc::new(Metronome::new(clock, REPLY_TIME)),
        (Variant::Model, Some(model)) => real_engine(model.to_owned(), personas, clock).await?,
        (Variant::Load | Variant::Model, _) => {
            let load = Load {
                prefill_per_token: PREFILL_PER_TOKEN,
                decode_per_token: DECODE_PER_TOKEN,
                lanes: LANES,
                reply: REPLY.to_owned(),
            };
            Arc::new(LoadEngine::new(clock, load))
        }
    })
}

#[cfg(feature = "llama")]
async fn real_engine(
    model: PathBuf,
    seats: usize,
    clock: Clock,
) -> Result<Arc<dyn Engine>, BenchError> {
    let options = crate::llm::llama::Options::new(model, seats);
    Ok(Arc::new(super::house::engine(options, clock).await?))
}

#[cfg(not(feature = "llama"))]
async fn real_engine(_: PathBuf, _: usize, _: Clock) -> Result<Arc<dyn Engine>, BenchError> {
    Err(BenchError::Wrong("this build lacks the feature `llama`".to_owned()))
}

/// A row of the table.
struct Figures {
    materialise: Duration,
    serve: Duration,
    mean: Duration,
    /// Turns, shortest first.
    turns: Vec<Duration>,
    overhead_p99: Duration,
    generations: u64,
}

impl Figures {
    /// The rounds of one room, their turns taken together.
    fn of(rooms: &[Served]) -> Self {
        let count = rooms.len().max(1) as u32;
        let mut turns: Vec<Duration> =
            rooms.iter().flat_map(|room| &room.turns).map(|turn| turn.took).collect();
        let mut overheads: Vec<Duration> =
            rooms.iter().flat_map(|room| &room.turns).map(|turn| turn.overhead).collect();
        turns.sort_unstable();
        overheads.sort_unstable();
        Self {
            materialise: rooms.iter().map(|room| room.materialise).sum::<Duration>() / count,
            serve: rooms.iter().map(|room| room.serve).sum::<Duration>() / count,
            mean: turns.iter().sum::<Duration>() / turns.len().max(1) as u32,
            overhead_p99: quantile(&overheads, 0.99),
            turns,
            generations: rooms.iter().map(|room| room.generations).sum(),
        }
    }

    fn row(&self, variant: Variant, personas: usize, lines: usize) -> Map<String, Value> {
        row([
            ("variant", variant.as_str().into()),
            ("room", format!("{personas}x{lines}").into()),
            ("materialise_ms", ms(self.materialise).into()),
            ("serve_wall_ms", ms(self.serve).into()),
            ("mean_turn_ms", ms(self.mean).into()),
            ("max_turn_ms", ms(quantile(&self.turns, 1.0)).into()),
            ("p50_ms", ms(quantile(&self.turns, 0.50)).into()),
            ("p95_ms", ms(quantile(&self.turns, 0.95)).into()),
            ("p99_ms", ms(quantile(&self.turns, 0.99)).into()),
            ("overhead_p99_ms", ms(self.overhead_p99).into()),
            ("rss_mb", rss_mb().into()),
            ("generations", self.generations.into()),
            ("errors", 0.into()),
        ])
    }
}
