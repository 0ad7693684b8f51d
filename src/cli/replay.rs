//! `troupe replay`: a tape through the room's cores.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{CliError, show};
use crate::config::{Config, ConfigError, Env, Flags};
use crate::replay::{self, ReplayError, live};
use crate::tape::{self, Tape};

#[derive(Args)]
pub(super) struct Replay {
    /// Folder of the tape.
    tape: PathBuf,
    /// Who answers: `scripted` is the tape itself, after the times that it holds; with `live` the
    /// tape's sound is heard and answered again by the models of this machine.
    #[arg(long, value_enum, default_value_t = Engines::Scripted)]
    engines: Engines,
    /// Settings file whose models are used with `--engines live`
    /// [default: troupe.toml when it is there].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the effect log, one JSON object a line; with `--engines live` followed by what
    /// differs from the tape.
    #[arg(long)]
    json: bool,
    /// Write the effects down as what is expected from now on (expect.jsonl).
    #[arg(long)]
    bless: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engines {
    Scripted,
    Live,
}

pub(super) fn run(command: &Replay, env: &Env) -> Result<(), CliError> {
    if command.engines == Engines::Live && command.bless {
        let why = "--bless writes what is the same in every run, and live engines vary; leave \
                   --engines live out";
        return Err(ConfigError(why.to_owned()).into());
    }
    let tape = Tape::read(&command.tape)?;
    if tape.torn {
        eprintln!("troupe: the tape's last line is torn and left out; its recording was killed");
    }
    match command.engines {
        Engines::Scripted => scripted(command, &tape),
        Engines::Live => alive(command, &tape, env),
    }
}

fn scripted(command: &Replay, tape: &Tape) -> Result<(), CliError> {
    let replay = replay::run(tape)?;
    let log = replay::lines(&replay.effects);
    print(command, tape, &replay)?;
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

fn alive(command: &Replay, tape: &Tape, env: &Env) -> Result<(), CliError> {
    let flags = Flags { config: command.config.clone(), ..Flags::default() };
    let settings = Config::load(&flags, env)?;
    let on_tape = live::recorded(&command.tape, tape)?;
    let replay = live::run(&command.tape, tape, &settings)?;
    print(command, tape, &replay)?;
    let mut out = io::stdout().lock();
    let comparison = live::compare(&on_tape, &replay.effects);
    if command.json {
        return Ok(out.write_all(comparison.json_lines().as_bytes())?);
    }
    let models = &tape.header.models;
    let names = [&models.language.name, &models.recognition.name, &models.voice.name];
    if names.iter().any(|name| !name.is_empty()) {
        writeln!(out, "\nOn the tape: {}, {}, {}.", names[0], names[1], names[2])?;
    }
    let models = &settings.models;
    let (mind, ears, voice) = (models.language.name(), &models.recognition, &models.voice);
    writeln!(out, "In this run: {mind}, {ears}, {voice}.\n\n{comparison}")?;
    Ok(())
}

fn print(command: &Replay, tape: &Tape, replay: &replay::Replay) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    if command.json {
        return Ok(out.write_all(replay::lines(&replay.effects).as_bytes())?);
    }
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
    Ok(())
}

impl From<ReplayError> for CliError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Host(error) => error.into(),
            ReplayError::Tape(error) => error.into(),
            error @ ReplayError::Silent => ConfigError(error.to_string()).into(),
            error => Self::Failed(error.to_string()),
        }
    }
}
