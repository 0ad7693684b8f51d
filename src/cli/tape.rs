//! `troupe tape`: look into a tape, cut it, hear it.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Subcommand;

use super::CliError;
use crate::llm::Medium;
use crate::replay;
use crate::tape::{self, Cut, Tape, TapeError, Writer};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Print what is on a tape, as a screenplay.
    Show {
        /// Folder of the tape.
        tape: PathBuf,
    },
    /// Write a part of a tape as a tape of its own.
    Trim {
        /// Folder of the tape.
        tape: PathBuf,
        /// Folder of the new tape; it must not be there yet.
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
        /// Seconds from which on it is kept.
        #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
        from: f64,
        /// Seconds up to which it is kept [default: the end].
        #[arg(long, value_name = "SECONDS")]
        to: Option<f64>,
        /// A human's identity: its words become x's, and its name and identity wherever they are
        /// said or written; its sound is left out. What else others say about it stays, and their
        /// sound: look and listen before you give the result away. May be repeated.
        #[arg(long, value_name = "NAME")]
        redact: Vec<String>,
    },
    /// Write a tape's sound as WAV: everybody apart, and mix.wav with humans left, personas right.
    ExportWav {
        /// Folder of the tape.
        tape: PathBuf,
        /// Folder for the files [default: the tape's folder, wav].
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
}

pub(super) fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Show { tape } => show(&Tape::read(&tape)?),
        Command::Trim { tape: path, out, from, to, redact } => {
            let tape = Tape::read(&path)?;
            let to_us = to.map_or(tape.last_us(), micros);
            let cut = Cut { from_us: micros(from), to_us, redact };
            let part = tape::trim(&tape, &cut);
            let unwritable = |cause| TapeError::Unwritable { path: out.clone(), cause };
            write(&part, &out).map_err(unwritable)?;
            #[cfg(feature = "sound-files")]
            tape::sound::cut::tracks(&path, &out, &cut)?;
            Ok(writeln!(io::stdout(), "{} records in {}", part.entries.len(), out.display())?)
        }
        Command::ExportWav { tape, out } => export(tape, out),
    }
}

/// Whole microseconds; what is below 0 or no number is 0.
fn micros(seconds: f64) -> u64 {
    (seconds * 1e6) as u64
}

fn show(tape: &Tape) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    let header = &tape.header;
    let cast: Vec<&str> = header.cast.iter().map(|member| member.name.as_str()).collect();
    writeln!(out, "room      {}", header.room)?;
    writeln!(out, "cast      {}", cast.join(", "))?;
    let models = &header.models;
    let names = [&models.language.name, &models.recognition.name, &models.voice.name];
    if names.iter().any(|name| !name.is_empty()) {
        writeln!(out, "models    {}, {}, {}", names[0], names[1], names[2])?;
    }
    writeln!(out, "length    {:.1} s", tape.last_us() as f64 / 1e6)?;
    let end = match (tape.end_us(), tape.torn) {
        (Some(_), _) => "whole",
        (None, true) => "its recording was killed; the last line is torn",
        (None, false) => "without an end",
    };
    writeln!(out, "end       {end}")?;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &tape.entries {
        let value = serde_json::to_value(&entry.record).unwrap_or_default();
        let kind = value.get("kind").and_then(|kind| kind.as_str()).unwrap_or("?").to_owned();
        *counts.entry(kind).or_default() += 1;
    }
    let counts: Vec<String> =
        counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    writeln!(out, "records   {}\n", counts.join(", "))?;
    out.write_all(replay::screenplay(header, tape.entries.iter()).as_bytes())?;
    Ok(())
}

fn write(tape: &Tape, folder: &std::path::Path) -> io::Result<()> {
    let mut writer = Writer::create(folder, &tape.header)?;
    for entry in &tape.entries {
        writer.entry(entry)?;
    }
    let pictures = tape.pictures.values().cloned().map(Medium::Picture);
    for medium in pictures.chain(tape.sounds.values().cloned().map(Medium::Sound)) {
        writer.medium(&medium)?;
    }
    writer.finish()
}

#[cfg(feature = "sound-files")]
fn export(path: PathBuf, out: Option<PathBuf>) -> Result<(), CliError> {
    let tape = Tape::read(&path)?;
    let out = out.unwrap_or_else(|| path.join("wav"));
    for file in tape::sound::export::export(&path, &tape.header, &out)? {
        writeln!(io::stdout(), "{}", file.display())?;
    }
    Ok(())
}

#[cfg(not(feature = "sound-files"))]
fn export(_: PathBuf, _: Option<PathBuf>) -> Result<(), CliError> {
    Err(CliError::Failed(
        "this build lacks the feature `sound-files`; build with default features".to_owned(),
    ))
}
