//! `troupe bench`: figures of this machine and this version.

use std::io;

use clap::{Args, Subcommand};

use super::CliError;
use crate::bench::Report;

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
}

pub(super) fn run(bench: &Bench) -> Result<(), CliError> {
    let report = match &bench.name {
        Name::Machine => Report::new("machine"),
    };
    let mut out = io::stdout().lock();
    if bench.json {
        report.write_json(&mut out)?
    } else {
        report.write_table(&mut out)?
    }
    Ok(())
}
