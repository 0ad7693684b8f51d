//! The start, step by step, and the end.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::parts::{self, Files};
use super::server::LocalServer;
use super::signal::cancelled_when_asked;
use super::{
    Door, Faces, Guest, HostError, Parts, Recording, Room, ServerState, cast, predictor, sound,
};
use crate::admin;
use crate::admin::state::{self as pages, PartState, Pass, Visitor};
use crate::config::{Config, LiveKit};
use crate::latency::TurnRecord;
use crate::persona::Persona;
use crate::room::livekit::{LiveKitRoom, Options as RoomOptions};
use crate::room::token::Mint;
use crate::room::{LinkState, Transport as _};
use crate::time::Clock;

/// What keeps a host running beside its room.
struct House<'a> {
    config: &'a Config,
    clock: Clock,
    cancel: &'a CancellationToken,
    tasks: &'a TaskTracker,
}

/// Who comes, and what follows.
pub(super) struct Visit {
    pub(super) guest: Option<Guest>,
    /// The host ends when the guest has left.
    pub(super) then_end: bool,
    /// The addresses are not printed.
    pub(super) quiet: bool,
    /// The folder of a new tape.
    pub(super) record: Option<PathBuf>,
}

pub(super) async fn run(config: &Config, visit: Visit) -> Result<Vec<TurnRecord>, HostError> {
    let (cancel, tasks) = (cancelled_when_asked(), TaskTracker::new());
    let house = House { config, clock: Clock::start(), cancel: &cancel, tasks: &tasks };
    crate::probe::follow(house.clock);
    let result = match cancel.run_until_cancelled(house.start(&visit)).await {
        Some(Ok(started)) => house.play(started, visit).await,
        Some(Err(error)) => Err(error),
        None => Ok(Vec::new()),
    };
    cancel.cancel();
    tasks.close();
    tasks.wait().await;
    result
}

/// A host whose cast is in the room.
struct Started {
    room: Room,
    recording: Recording,
    transport: Arc<LiveKitRoom>,
    url: String,
    mint: Mint,
    addresses: Addresses,
}

struct Addresses {
    join: String,
    admin: String,
}

impl House<'_> {
    async fn start(&self, visit: &Visit) -> Result<Started, HostError> {
        // Mistakes that can be seen without work are told first: models, then the pages' port.
        let files = Files::find(self.config)?;
        let (passes, passes_in) = watch::channel(None);
        let (publisher, commands, pages) =
            pages::open(Room::first_status(self.config), passes_from(passes_in));
        let (recorder, recorder_in) = watch::channel(None);
        let faces = Faces::paint(self.config).await;
        let pages = pages.recorded_by(switch_from(recorder_in)).with_stills(faces.stills());
        let addresses = self.open_pages(pages).await?;

        // The server and the three engines start side by side; loading is the slow part.
        let (server, ears, engine, voice, (predictor, reader)) = tokio::try_join!(
            self.server(),
            parts::ears(&files, self.config, self.tasks, self.cancel),
            parts::engine(&files, self.config, self.clock),
            parts::voice(&files),
            async { Ok::<_, HostError>(predictor::load(self.config).await) },
        )?;
        publisher.update(|status| {
            status.url = server.url.clone();
            status.parts.engine = up(&self.config.models.language_name());
            status.parts.voice = up(&files.voice.name);
            status.parts.ears = up(&files.recognition.name);
        });

        // A persona is hosted when its own prompt is in its seat, and in the room after that.
        let cast = cast::warm_up(&*engine, &self.config.cast, &publisher).await.somebody()?;
        let hosted = cast.hosted.iter().map(cast::Live::persona);
        // From here on things happen that belong on the tape.
        let record = visit.record.as_deref();
        let recording =
            Recording::open(record, self.config, engine.senses(), self.clock, self.tasks)?;
        recorder.send_replace(Some(recording.clone()));
        let mint = Mint::new(server.keys, &self.config.room);
        let member = |persona: &Persona| {
            (persona.id.clone(), persona.name.clone(), cast::span(persona, &publisher))
        };
        let options = RoomOptions {
            url: server.url.clone(),
            mint: mint.clone(),
            cast: hosted.map(member).collect(),
        };
        let (transport, events) = LiveKitRoom::join(options, self.clock).await?;
        let transport = Arc::new(transport);
        passes.send_replace(Some((server.url.clone(), mint.clone())));

        let url = server.url;
        let parts = Parts {
            cast,
            transport: transport.clone(),
            events,
            ears: ears.status(),
            recogniser: Arc::new(ears),
            predictor,
            reader,
            engine,
            voice,
            server: super::Server { url: url.clone(), own: server.own, link: LinkState::Up },
        };
        let tap = recording.tap();
        let room = Room::tapped(self.config, self.clock, parts, publisher, commands, tap)
            .recorded(recording.shown())
            .with_faces(faces);
        Ok(Started { room, recording, transport, url, mint, addresses })
    }

    /// Runs the room until the end, and leaves it.
    async fn play(&self, started: Started, visit: Visit) -> Result<Vec<TurnRecord>, HostError> {
        let Started { room, recording, transport, url, mint, addresses } = started;
        if !visit.quiet {
            announce(&addresses);
        }
        let (tasks, cancel) = (self.tasks.clone(), self.cancel.clone());
        let room = tokio::spawn(async move { room.run(&tasks, cancel).await });
        let mut visited = Ok(());
        if let Some(guest) = visit.guest {
            let plays = self.cancel.run_until_cancelled(guest(Door { url, mint }));
            visited = plays.await.unwrap_or(Ok(()));
            if visit.then_end {
                self.cancel.cancel();
            }
        }
        let records = room.await.map_err(|error| HostError::Part(error.to_string()))?;
        transport.close().await;
        recording.finish().await;
        visited.map_err(HostError::Visitor)?;
        Ok(records)
    }

    async fn open_pages(&self, house: pages::House) -> Result<Addresses, HostError> {
        let options = admin::Options {
            listen: self.config.pages.listen,
            token: self.config.pages.token.clone(),
        };
        let server = admin::Server::bind(options, house).await?.with_sounds(Arc::new(sound::of));
        let addresses = Addresses { join: server.join_url(), admin: server.admin_url() };
        let cancel = self.cancel.clone();
        self.tasks.spawn(async move {
            if let Err(error) = server.serve(cancel).await {
                tracing::error!(%error, "the pages are gone");
            }
        });
        Ok(addresses)
    }

    async fn server(&self) -> Result<Server, HostError> {
        match &self.config.livekit {
            LiveKit::Remote { url, keys } => {
                Ok(Server { url: url.clone(), keys: keys.clone(), own: None })
            }
            LiveKit::Local { binary } => {
                let server = LocalServer::start(binary.as_deref(), self.tasks, self.cancel).await?;
                let own = Some((server.state, server.restarts));
                Ok(Server { url: server.url, keys: server.keys, own })
            }
        }
    }
}

/// The LiveKit server in use.
struct Server {
    url: String,
    keys: crate::room::token::Keys,
    own: Option<(watch::Receiver<ServerState>, watch::Receiver<u64>)>,
}

fn up(detail: &str) -> pages::Part {
    pages::Part { state: PartState::Up, detail: detail.to_owned(), restarts: 0 }
}

/// Starts and stops recordings for the pages, once there is something to record.
fn switch_from(recorder: watch::Receiver<Option<Recording>>) -> pages::RecordingSwitch {
    Arc::new(move |on| {
        let recording = recorder.borrow().clone();
        Box::pin(async move {
            let recording = recording.ok_or("the cast is still getting ready; try again")?;
            recording.set(on).await
        })
    })
}

/// Gives passes once there is a room to join.
fn passes_from(room: watch::Receiver<Option<(String, Mint)>>) -> pages::Passes {
    Arc::new(move |visitor: &Visitor| {
        let room = room.borrow().clone();
        let (url, mint) = room.ok_or("the cast is still getting ready; try again in a moment")?;
        let token =
            mint.visitor(&visitor.identity, &visitor.name).map_err(|error| error.to_string())?;
        Ok(Pass { url, token, room: mint.room().to_owned() })
    })
}

/// Everybody is hosted: the addresses, for people and for scripts.
fn announce(addresses: &Addresses) {
    let Addresses { join, admin } = addresses;
    if let Err(error) = writeln!(io::stdout(), "join   {join}\nadmin  {admin}") {
        tracing::warn!(%error, join, admin, "the addresses could not be printed");
    }
}
