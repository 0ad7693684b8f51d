//! `troupe console`: the same host at this machine, over [`ConsoleRoom`] in place of a server.

use std::io::{self, Write};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::cast::{self, BootSummary};
use super::parts::{self, Files};
use super::signal::cancelled_when_asked;
use super::{HostError, Parts, Room, Server, predictor};
use crate::admin::state::{self as pages, Publisher};
use crate::config::Config;
use crate::latency::TurnRecord;
use crate::llm::Engine;
use crate::meaning::Read;
use crate::persona::Persona;
use crate::room::console::device::{self, Devices};
use crate::room::console::{Choice, ConsoleRoom, Listed};
use crate::room::{LinkState, Transport as _};
use crate::stt::Recogniser;
use crate::stt::ears;
use crate::stt::end_of_turn::Predictor;
use crate::stt::scripted::ScriptedRecogniser;
use crate::time::Clock;
use crate::tts::Synthesiser;

mod screen;
mod talk;
mod typed;

pub use talk::Terminal;

/// What the console is asked for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only the keyboard: no sound device is opened, and no ears are started.
    pub text: bool,
    /// What the human is called.
    pub name: String,
    pub devices: Choice,
}

/// The engines of a console, real or scripted.
pub struct Engines {
    pub recogniser: Arc<dyn Recogniser>,
    pub ears: watch::Receiver<ears::Status>,
    pub engine: Arc<dyn Engine>,
    pub voice: Arc<dyn Synthesiser>,
    /// Judges pauses; without one the wait is fixed.
    pub predictor: Option<Arc<dyn Predictor>>,
    pub reader: Option<Arc<dyn Read>>,
}

/// The sound devices of this machine.
///
/// # Errors
/// When there is none.
pub fn devices() -> Result<Vec<Listed>, HostError> {
    Ok(device::list()?)
}

/// Talks with the configured cast at `terminal` until it ends, or until a signal. Returns the turns
/// of the run.
///
/// # Errors
/// When a part cannot start, or the terminal cannot be written to.
pub async fn run<O: Write, N: Write>(
    config: &Config,
    options: &Options,
    mut terminal: Terminal<O, N>,
) -> Result<Vec<TurnRecord>, HostError> {
    let clock = Clock::start();
    // Mistakes that can be seen without work are told first: devices, then models.
    let devices = if options.text { None } else { Some(device::open(&options.devices, clock)?) };
    let files = Files::find(config)?;
    let (cancel, tasks) = (cancelled_when_asked(), TaskTracker::new());
    writeln!(terminal.notes, "  loading {} …", config.models.language.name())?;
    let start = async {
        tokio::try_join!(
            hearing(options, &files, config, &tasks, &cancel),
            parts::engine(&files, config, clock),
            parts::voice(&files),
            async { Ok::<_, HostError>(predictor::load(config).await) },
        )
    };
    let result = match cancel.run_until_cancelled(start).await {
        Some(Ok(((recogniser, ears), engine, voice, (predictor, reader)))) => {
            let engines = Engines { recogniser, ears, engine, voice, predictor, reader };
            let stage = Stage { clock, tasks: &tasks, cancel: &cancel };
            stage.play(config, options, engines, devices, terminal).await
        }
        Some(Err(error)) => Err(error),
        None => Ok(Vec::new()),
    };
    cancel.cancel();
    tasks.close();
    tasks.wait().await;
    result
}

type Hearing = (Arc<dyn Recogniser>, watch::Receiver<ears::Status>);

/// The ears, where there is something to hear.
async fn hearing(
    options: &Options,
    files: &Files,
    config: &Config,
    tasks: &TaskTracker,
    cancel: &CancellationToken,
) -> Result<Hearing, HostError> {
    if options.text {
        return Ok(no_ears());
    }
    let ears = parts::ears(files, config, tasks, cancel).await?;
    let status = ears.status();
    Ok((Arc::new(ears), status))
}

/// A recogniser that nobody asks.
fn no_ears() -> Hearing {
    (Arc::new(ScriptedRecogniser::default()), watch::channel(ears::Status::ready()).1)
}

/// What a run of a console stands on.
pub struct Stage<'a> {
    pub clock: Clock,
    pub tasks: &'a TaskTracker,
    pub cancel: &'a CancellationToken,
}

impl Stage<'_> {
    /// Talks over these engines. With `devices` the cast is heard and hears.
    ///
    /// # Errors
    /// When nobody of the cast can be hosted, or the terminal cannot be written to.
    pub async fn play<O: Write, N: Write>(
        &self,
        config: &Config,
        options: &Options,
        engines: Engines,
        devices: Option<Devices>,
        mut terminal: Terminal<O, N>,
    ) -> Result<Vec<TurnRecord>, HostError> {
        let (publisher, summary) = self.warm(config, &engines).await?;
        let cast: Vec<Persona> = summary.hosted.iter().map(|live| live.persona().clone()).collect();
        let ids: Vec<_> = cast.iter().map(|persona| persona.id.clone()).collect();
        let mixer = devices.as_ref().map(Devices::mixer);
        let (transport, ends) = ConsoleRoom::open(&ids, &options.name, mixer);
        let transport = Arc::new(transport);
        let (commands, inbox) = mpsc::channel(pages::COMMANDS_MAX);
        let parts = Parts {
            cast: summary,
            predictor: engines.predictor,
            reader: engines.reader,
            transport: transport.clone(),
            events: ends.events,
            recogniser: engines.recogniser,
            ears: engines.ears,
            engine: engines.engine,
            voice: engines.voice,
            server: Server { url: String::new(), own: None, link: LinkState::Up },
        };
        let room = Room::new(config, self.clock, parts, publisher, inbox);

        welcome(&mut terminal, &cast, devices.is_some())?;
        let stop = self.cancel.child_token();
        let (tasks, end) = (self.tasks.clone(), stop.clone());
        let run = tokio::spawn(async move { room.run(&tasks, end).await });
        let sound =
            devices.map(|devices| devices.start(ends.guest.clone(), self.tasks, stop.clone()));
        let table = talk::Room {
            cast: &cast,
            name: &options.name,
            guest: ends.guest,
            screen: ends.screen,
            commands,
            sound,
        };
        let talked = talk::talk(terminal, table, &stop).await;
        stop.cancel();
        let records = run.await.map_err(|error| HostError::Part(error.to_string()))?;
        transport.close().await;
        if transport.dropped() > 0 {
            tracing::warn!(dropped = transport.dropped(), "the screen was too slow for the room");
        }
        talked?;
        Ok(records)
    }

    async fn warm(
        &self,
        config: &Config,
        engines: &Engines,
    ) -> Result<(Publisher, BootSummary), HostError> {
        // Nobody joins by a page here.
        let passes: pages::Passes = Arc::new(|_| Err("the console has no join page".to_owned()));
        let (publisher, _, _) = pages::open(Room::first_status(config), passes);
        let warm = cast::warm_up(&*engines.engine, &config.cast, &publisher);
        match self.cancel.run_until_cancelled(warm).await {
            Some(summary) => Ok((publisher, summary.somebody()?)),
            None => Ok((publisher, BootSummary::default())),
        }
    }
}

/// Who is there, and what to do.
fn welcome<O: Write, N: Write>(
    terminal: &mut Terminal<O, N>,
    cast: &[Persona],
    sound: bool,
) -> io::Result<()> {
    let names: Vec<&str> = cast.iter().map(|persona| persona.name.as_str()).collect();
    let how = if sound { "Speak or type" } else { "Type" };
    let names = names.join(", ");
    writeln!(terminal.notes, "  here are {names}. {how}; /help shows more, /quit ends.")?;
    terminal.notes.flush()
}
