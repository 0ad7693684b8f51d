//! The command line: flags in, exit code out.
//!
//! 0 is success, 1 a run that failed, 2 a use or a configuration that cannot work.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::bench::BenchError;
use crate::config::{Config, ConfigError, DEFAULT_LISTEN, Env, Flags, LiveKit};
use crate::host::{self, HostError};
#[cfg(feature = "llama")]
use crate::llm::llama::trial;
use crate::models::ModelError;
use crate::probe;
use crate::tape::TapeError;
use crate::telemetry;

mod bench;
mod console;
mod doctor;
mod log;
mod models;
mod replay;
mod show;
mod tape;

const EXIT_FAILED: u8 = 1;
const EXIT_USAGE: u8 = 2;

#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
#[command(after_help = "Start with `troupe up --demo`. All settings: docs/CONFIG.md.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Log in JSON, one object a line.
    #[arg(long, global = true)]
    log_json: bool,
    /// Log more: -v for debug (with what is said), -vv for everything of ours.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// Bring up everything: a LiveKit server if none is given, the cast, the web pages.
    Up(Up),
    /// Let the cast join a room of an existing server (LIVEKIT_URL, LIVEKIT_API_KEY, …_SECRET).
    Join(Join),
    /// Talk with the cast at this machine, by microphone or keyboard; no server is needed.
    Console(console::Console),
    /// Run a tape through the room's cores, and compare what comes of it with what is expected.
    Replay(replay::Replay),
    /// Look into a tape, cut it, hear it.
    #[command(subcommand)]
    Tape(tape::Command),
    /// The models on this machine.
    #[command(subcommand)]
    Models(models::Command),
    /// Measure this machine and this version.
    Bench(bench::Bench),
    /// Print a visitor's join token for the room.
    Token(Token),
    /// Print the settings as they hold after flags, environment and file.
    CheckConfig(CheckConfig),
    /// Look for what is missing on this machine, and name the command that mends it.
    Doctor(doctor::Ask),
    /// Load a projector and end, perhaps at llama.cpp's hands: what `up` asks before it does so.
    #[cfg(feature = "llama")]
    #[command(hide = true, name = trial::COMMAND)]
    TryProjector(TryProjector),
}

#[cfg(feature = "llama")]
#[derive(Args)]
struct TryProjector {
    model: PathBuf,
    projector: PathBuf,
}

#[derive(Args)]
struct Common {
    /// Settings file [default: troupe.toml when it is there].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Name of the room [default: demo].
    #[arg(long, value_name = "NAME")]
    room: Option<String>,
}

#[derive(Args)]
struct Up {
    #[command(flatten)]
    common: Common,
    /// Where the pages are served [default: 127.0.0.1:7878].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// LiveKit server: an address, or `auto` for LIVEKIT_URL and else a local one.
    #[arg(long, value_name = "auto|URL", default_value = "auto")]
    livekit: String,
    /// A recorded human joins, asks three questions and leaves: shows it all without a microphone.
    #[arg(long)]
    demo: bool,
    /// End after the demo and print its turns.
    #[arg(long, requires = "demo")]
    exit: bool,
    /// Record the room: a new tape in this folder. Everybody in the room can see it.
    #[arg(long, value_name = "FOLDER")]
    record: Option<PathBuf>,
}

#[derive(Args)]
struct Join {
    /// Name of the room.
    #[arg(long, value_name = "NAME")]
    room: String,
    /// LiveKit server [default: LIVEKIT_URL].
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Settings file [default: troupe.toml when it is there].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the pages are served [default: 127.0.0.1:7878].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Record the room: a new tape in this folder. Everybody in the room can see it.
    #[arg(long, value_name = "FOLDER")]
    record: Option<PathBuf>,
}

#[derive(Args)]
struct CheckConfig {
    #[command(flatten)]
    common: Common,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Token {
    #[command(flatten)]
    common: Common,
    /// The visitor's name.
    #[arg(long, default_value = "visitor")]
    name: String,
    /// Print JSON, with the server's address and the room.
    #[arg(long)]
    json: bool,
}

/// Runs the program; the only place that chooses an exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { EXIT_USAGE } else { 0 });
        }
    };
    log::start(cli.log_json, level(&cli));
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our answer, `head` for one, has enough.
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("troupe: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Why a command ended badly.
#[derive(Debug, thiserror::Error)]
enum CliError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Host(#[from] HostError),
    #[error(transparent)]
    Probes(#[from] probe::OpenError),
    #[error(transparent)]
    Models(#[from] ModelError),
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error(transparent)]
    Tape(#[from] TapeError),
    #[error("writing the answer failed ({0}); check where the output goes")]
    Output(#[from] io::Error),
    #[error("{0} of these are missing; the command beside each mends it")]
    Missing(usize),
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    fn is_closed_pipe(&self) -> bool {
        let (Self::Output(error)
        | Self::Models(ModelError::Output(error))
        | Self::Host(HostError::Terminal(error))) = self
        else {
            return false;
        };
        error.kind() == io::ErrorKind::BrokenPipe
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Probes(_) | Self::Missing(_) => EXIT_USAGE,
            Self::Models(error) => error.exit_code(),
            Self::Tape(_) => EXIT_USAGE,
            Self::Host(error) if error.is_usage() => EXIT_USAGE,
            Self::Host(_) | Self::Bench(_) | Self::Output(_) | Self::Failed(_) => EXIT_FAILED,
        }
    }
}

fn run(command: Command) -> Result<(), CliError> {
    let env = Env::read();
    match command {
        Command::Up(up) => {
            let flags = Flags {
                config: up.common.config,
                room: up.common.room,
                listen: up.listen,
                livekit: Some(up.livekit),
            };
            let show = host::Show { demo: up.demo, exit: up.exit, record: up.record };
            serve(&Config::load(&flags, &env)?, show)
        }
        Command::Join(join) => {
            let Some(url) = join.url.or_else(|| env.livekit_url.clone()) else {
                return Err(ConfigError(
                    "there is no server to join; set LIVEKIT_URL or give --url".to_owned(),
                )
                .into());
            };
            let flags = Flags {
                config: join.config,
                room: Some(join.room),
                listen: join.listen,
                livekit: Some(url),
            };
            let show = host::Show { record: join.record, ..host::Show::default() };
            serve(&Config::load(&flags, &env)?, show)
        }
        Command::Console(args) => console::run(args, env),
        Command::Replay(command) => replay::run(&command, &env),
        Command::Tape(command) => tape::run(command),
        Command::Models(command) => models::run(command),
        Command::Bench(bench) => bench::run(&bench),
        Command::Token(token) => print_token(&token, &env),
        Command::CheckConfig(CheckConfig { common, json }) => {
            let flags = Flags { config: common.config, room: common.room, ..Flags::default() };
            let config = Config::load(&flags, &env)?;
            let mut out = io::stdout().lock();
            let shown = if json { show::config_json } else { show::config };
            Ok(shown(&config, &mut out)?)
        }
        Command::Doctor(ask) => doctor::run(ask, &env, &mut io::stdout().lock()),
        #[cfg(feature = "llama")]
        Command::TryProjector(TryProjector { model, projector }) => {
            trial::run(model, projector).map_err(|error| CliError::Failed(error.to_string()))
        }
    }
}

/// Who takes notes of a run. Held to its end, so that what waits goes out.
struct Observers {
    _probes: Option<probe::Guard>,
    _turns: Option<telemetry::Guard>,
}

fn observe(config: &Config) -> Result<Observers, CliError> {
    let turns = config.telemetry.clone().map(telemetry::install).transpose();
    let turns = turns
        .map_err(|error| CliError::Failed(format!("the OTLP exporter did not start: {error}")))?;
    let probes = config.probes.as_ref().map(probe::install).transpose()?;
    Ok(Observers { _probes: probes, _turns: turns })
}

fn serve(config: &Config, show: host::Show) -> Result<(), CliError> {
    let _observers = observe(config)?;
    let exit = show.exit;
    let turns = runtime()?.block_on(host::run(config, show))?;
    if exit {
        show::turns(&turns, &mut io::stdout().lock())?;
    }
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("troupe")
        .build()
        .map_err(|error| CliError::Failed(format!("the runtime did not start: {error}")))
}

fn print_token(token: &Token, env: &Env) -> Result<(), CliError> {
    let flags = Flags {
        config: token.common.config.clone(),
        room: token.common.room.clone(),
        ..Flags::default()
    };
    let config = Config::load(&flags, env)?;
    let LiveKit::Remote { keys, url } = config.livekit else {
        return Err(ConfigError(format!(
            "a token needs the server's keys: set LIVEKIT_URL, LIVEKIT_API_KEY and \
             LIVEKIT_API_SECRET; the server that `troupe up` starts gives tokens on its join page, \
             http://{DEFAULT_LISTEN}/"
        ))
        .into());
    };
    let mint = crate::room::token::Mint::new(keys, config.room);
    let identity = host::visitor_identity(&token.name);
    let jwt = mint
        .visitor(&identity, &token.name)
        .map_err(|error| CliError::Failed(error.to_string()))?;
    if token.json {
        let pass = serde_json::json!({
            "url": url, "room": mint.room(), "identity": identity, "name": token.name, "token": jwt,
        });
        return Ok(writeln!(io::stdout(), "{pass:#}")?);
    }
    Ok(writeln!(io::stdout(), "{jwt}")?)
}

/// How much of ours is logged.
fn level(cli: &Cli) -> &'static str {
    // The terminal is the conversation's, or the answer's.
    let is_quiet = matches!(
        cli.command,
        Command::Bench(_) | Command::Console(_) | Command::Replay(_) | Command::Tape(_)
    );
    #[cfg(feature = "llama")]
    let is_quiet = is_quiet || matches!(cli.command, Command::TryProjector(_));
    let is_silent = matches!(&cli.command, Command::Bench(bench) if bench.breaks_on_purpose());
    match cli.verbose {
        0 if is_silent => "off",
        0 if is_quiet => "warn",
        0 => "info",
        1 => "debug",
        _ => "trace",
    }
}
