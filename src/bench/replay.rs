//! `troupe bench replay`: how much faster than real time tapes are replayed.
//!
//! Engines are scripted, so that what is measured is the host's own room, its cores, and the
//! virtual clock.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{BenchError, Report, ms, quantile, row};
use crate::replay;
use crate::tape::{RECORDS_FILE, Tape};

/// The rooms of the tests, where the bench runs in their folder.
const ROOMS: &str = "tests/rooms";
/// Else these: a cast of twelve, and a conversation that goes on by itself.
const BUILT_IN: [(&str, &[u8]); 2] = [
    ("twelve-personas", include_bytes!("../../tests/rooms/twelve-personas/tape.jsonl")),
    ("chatter-dies-down", include_bytes!("../../tests/rooms/chatter-dies-down/tape.jsonl")),
];
/// A short tape takes a few milliseconds, of which the first replay's memory is a part: the median
/// of so many is taken.
const ROUNDS: usize = 9;
/// A tape of hours is replayed less often; each of its replays is long enough to be exact.
const WALL_MAX: Duration = Duration::from_secs(5);

/// What is replayed.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Folders of tapes; none takes the rooms of the tests, or what is built in.
    pub tapes: Vec<PathBuf>,
}

/// Replays every tape several times.
///
/// # Errors
/// When a tape cannot be read, or a replay breaks off.
pub fn run(options: &Options) -> Result<Report, BenchError> {
    let mut report = Report::new("replay");
    let (mut tape_s, mut wall_s, mut worst) = (0.0, 0.0, f64::INFINITY);
    for (name, tape) in tapes(options)? {
        let (length, walls, effects) = measure(&tape)?;
        let wall = quantile(&walls, 0.5);
        let factor = length.as_secs_f64() / wall.as_secs_f64().max(f64::EPSILON);
        tape_s += length.as_secs_f64();
        wall_s += wall.as_secs_f64();
        worst = factor.min(worst);
        report.rows.push(row([
            ("tape", name.into()),
            ("tape_s", length.as_secs_f64().into()),
            ("wall_ms", ms(wall).into()),
            ("rounds", walls.len().into()),
            ("effects", effects.into()),
            ("realtime_factor", factor.into()),
        ]));
    }
    let figures = [
        ("realtime_factor", tape_s / f64::max(wall_s, f64::EPSILON)),
        ("realtime_factor_worst", worst),
        ("tape_s", tape_s),
        ("tapes", report.rows.len() as f64),
    ];
    report.figures.extend(figures.map(|(key, value)| (key.to_owned(), value)));
    Ok(report)
}

/// The tape's length, the times that its replays took, in order of size, and the effects of each.
fn measure(tape: &Tape) -> Result<(Duration, Vec<Duration>, usize), BenchError> {
    let mut walls: Vec<Duration> = Vec::new();
    loop {
        let replay = replay::run(tape).map_err(|error| BenchError::Wrong(error.to_string()))?;
        walls.push(replay.wall);
        if walls.len() == ROUNDS || walls.iter().sum::<Duration>() > WALL_MAX {
            walls.sort_unstable();
            return Ok((replay.tape, walls, replay.effects.len()));
        }
    }
}

fn tapes(options: &Options) -> Result<Vec<(String, Tape)>, BenchError> {
    let folders = if options.tapes.is_empty() { rooms()? } else { options.tapes.clone() };
    if folders.is_empty() {
        let built_in = BUILT_IN.into_iter().map(|(name, tape)| {
            let tape = Tape::parse(tape).map_err(|error| BenchError::Wrong(error.to_string()))?;
            Ok((name.to_owned(), tape))
        });
        return built_in.collect();
    }
    let read = |folder: PathBuf| {
        let tape = Tape::read(&folder).map_err(|error| BenchError::Wrong(error.to_string()))?;
        let name = folder.file_name().unwrap_or(folder.as_os_str());
        Ok((name.to_string_lossy().into_owned(), tape))
    };
    folders.into_iter().map(read).collect()
}

/// The rooms of the tests; none where there are none.
fn rooms() -> Result<Vec<PathBuf>, BenchError> {
    let folder = Path::new(ROOMS);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut rooms = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.join(RECORDS_FILE).is_file() {
            rooms.push(path);
        }
    }
    rooms.sort();
    Ok(rooms)
}
