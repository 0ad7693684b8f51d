//! `troupe bench`: figures of this machine and this version.

use std::io;

use clap::{Args, Subcommand};

use super::CliError;
use crate::bench::{Report, sim, stress};

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
    /// Rooms in which everything goes wrong, on virtual time: rules are checked at every step.
    Sim {
        /// So many rooms.
        #[arg(long, default_value_t = 1_000)]
        seeds: u64,
        /// The first room's seed.
        #[arg(long, value_name = "SEED", default_value_t = 1)]
        first: u64,
    },
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
        Name::Sim { seeds, first } => sim::run(sim::Options { first_seed: first, seeds })?,
        Name::Stress { rounds, up_to } => {
            stress::run(stress::Options { rounds, personas_max: up_to })?
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
