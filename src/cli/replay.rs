//! `troupe replay`: a tape through the room's cores.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{CliError, show};
use crate::replay;
use crate::tape::{self, Tape};

#[derive(Args)]
pub(super) struct Replay {
    /// Folder of the tape.
    tape: PathBuf,
    /// Who answers: `scripted` is the tape itself, after the times that it holds.
    #[arg(long, value_enum, default_value_t = Engines::Scripted)]
    engines: Engines,
    /// Print the effect log, one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Write the effects down as what is expected from now on (expect.jsonl).
    #[arg(long)]
    bless: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engines {
    Scripted,
}

pub(super) fn run(command: &Replay) -> Result<(), CliError> {
    let Engines::Scripted = command.engines;
    let tape = Tape::read(&command.tape)?;
    if tape.torn {
        eprintln!("troupe: the tape's last line is torn and left out; its recording was killed");
    }
    let replay = replay::run(&tape).map_err(|error| CliError::Failed(error.to_string()))?;
    let log = replay::lines(&replay.effects);
    let mut out = io::stdout().lock();
    if command.json {
        out.write_all(log.as_bytes())?;
    } else {
        out.write_all(replay::screenplay(&tape.header, replay.effects.iter()).as_bytes())?;
        writeln!(out)?;
        show::turns(&replay.turns, &mut out)?;
        writeln!(
            out,
            "\n{} effects; {:.1} s of tape in {:.1} ms, {:.0} times as fast",
            replay.effects.len(),
            replay.tape.as_secs_f64(),
            replay.wall.as_secs_f64() * 1_000.0,
            replay.realtime_factor(),
        )?;
    }
    if command.bless {
        let path = command.tape.join(tape::EXPECT_FILE);
        let written = std::fs::write(&path, &log);
        written.map_err(|cause| tape::TapeError::Unwritable { path, cause })?;
        return Ok(());
    }
    match tape::expectation(&command.tape)? {
        None => {
            eprintln!("troupe: the tape has no expect.jsonl to compare with; --bless writes it");
            Ok(())
        }
        Some(expected) => match replay::difference(&expected, &log) {
            None => Ok(()),
            Some(difference) => Err(CliError::Failed(difference.to_string())),
        },
    }
}
