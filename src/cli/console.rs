//! `troupe console`.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::thread;

use clap::Args;
use tokio::sync::mpsc;

use super::{CliError, observe, runtime};
use crate::config::{Config, ConfigError, Env, Flags};
use crate::host::console::{self, Options, Terminal};

/// Typed lines that wait; the keyboard waits when it is full.
const LINES_BOUND: usize = 64;
/// Characters of a name, as on the join page.
const NAME_MAX: usize = 40;

#[derive(Args)]
pub(super) struct Console {
    /// Talk in the terminal only: no microphone, no speaker.
    #[arg(long)]
    text: bool,
    /// Microphone: an id of --list, or a part of a name [default: the system's].
    #[arg(long, value_name = "DEV", conflicts_with = "text")]
    input: Option<String>,
    /// Speaker: an id of --list, or a part of a name [default: the system's].
    #[arg(long, value_name = "DEV", conflicts_with = "text")]
    output: Option<String>,
    /// Show the sound devices, and end.
    #[arg(long)]
    list: bool,
    /// Print the list as JSON.
    #[arg(long, requires = "list")]
    json: bool,
    /// What the cast calls you.
    #[arg(long, default_value = "you")]
    name: String,
    /// Settings file [default: troupe.toml when it is there].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: Console, env: Env) -> Result<(), CliError> {
    if args.list {
        return list(args.json);
    }
    let name = args.name.trim();
    if !(1..=NAME_MAX).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        let mend =
            format!("--name {:?} cannot be used; give 1 to {NAME_MAX} characters", args.name);
        return Err(ConfigError(mend).into());
    }
    // No server is asked for anything.
    let env = Env { livekit_url: None, ..env };
    let flags = Flags { config: args.config, ..Flags::default() };
    let config = Config::load(&flags, &env)?;
    let options = Options {
        text: args.text,
        name: name.to_owned(),
        devices: crate::room::console::Choice { input: args.input, output: args.output },
    };
    let terminal = Terminal {
        lines: typed_lines(),
        out: io::stdout(),
        notes: io::stderr(),
        typed_live: io::stdin().is_terminal(),
        meter: io::stderr().is_terminal(),
    };
    let _observers = observe(&config)?;
    runtime()?.block_on(console::run(&config, &options, terminal))?;
    Ok(())
}

/// The lines of standard input. A thread of its own, since nothing can end a read that waits; the
/// process ends over it.
fn typed_lines() -> mpsc::Receiver<String> {
    let (lines, lines_out) = mpsc::channel(LINES_BOUND);
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        // Bytes that are no UTF-8 cost their characters, not the line.
        while matches!(input.read_until(b'\n', &mut line), Ok(read) if read > 0) {
            if lines.blocking_send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
    lines_out
}

fn list(json: bool) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    let listed = console::devices()?;
    if json {
        serde_json::to_writer_pretty(&mut out, &listed).map_err(io::Error::from)?;
        return Ok(writeln!(out)?);
    }
    let width = listed.iter().map(|device| device.id.chars().count()).max().unwrap_or(0);
    for device in listed {
        let way = match (device.input, device.output) {
            (true, true) => "in, out",
            (true, false) => "in",
            (false, _) => "out",
        };
        writeln!(out, "{way:<7}  {:<width$}  {}", device.id, device.name)?;
    }
    Ok(())
}
