//! `troupe bench`: figures of this machine and this version.

use std::io;

use clap::{Args, Subcommand};

use super::CliError;
use crate::bench::{Report, stress};

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
    /// What the host itself costs: rooms of up to 64 personas on an engine of 50 ms.
    Stress {
        /// Each room is opened so often, and its turns are taken together.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Leave larger rooms out.
        #[arg(long, value_name = "PERSONAS", default_value_t = 64)]
        up_to: usize,
    },
}

pub(super) fn run(bench: &Bench) -> Result<(), CliError> {
    let report = match bench.name {
        Name::Machine => Report::new("machine"),
        Name::Stress { rounds, up_to } => {
            stress::run(stress::Options { rounds, personas_max: up_to })?
        }
    };
    let mut out = io::stdout().lock();
    if bench.json {
        report.write_json(&mut out)?
    } else {
        report.write_table(&mut out)?
    }
    Ok(())
}
