//! `troupe bench`: figures of this machine and this version.

use std::io;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::CliError;
use crate::bench::{Report, answers};

#[derive(Args)]
pub(super) struct Bench {
    #[command(subcommand)]
    name: Name,
    /// Print one JSON object instead of a table.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Name {
    /// What this machine is: cores, processor, load and memory.
    Machine,
    /// Who answers: labelled rooms, played into the turn core.
    Answers {
        /// The cases, one JSON object a line.
        #[arg(long, value_name = "FILE")]
        cases: PathBuf,
        /// Write each case's prediction here, one JSON object a line.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

pub(super) fn run(bench: &Bench) -> Result<(), CliError> {
    let report = match &bench.name {
        Name::Machine => Report::new("machine"),
        Name::Answers { cases, out } => {
            answers::run(&answers::Options { cases: cases.clone(), out: out.clone() })?
        }
    };
    let mut out = io::stdout().lock();
    if bench.json {
        report.write_json(&mut out)?;
    } else {
        report.write_table(&mut out)?;
    }
    Ok(())
}
