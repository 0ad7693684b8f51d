//! The start, step by step, and the end.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ahead::Ahead;
use super::health::{self, Health};
use super::live::{Inputs, Live, Outputs};
use super::parts::{self, Files};
use super::replies::Replies;
use super::server::{LocalServer, ServerState};
use super::signal::asked_to_end;
use super::{HostError, Show, demo};
use crate::admin;
use crate::admin::state::{self as pages, PartState, Pass, PersonaStatus, Publisher, Visitor};
use crate::config::{Config, LiveKit};
use crate::latency::TurnRecord;
use crate::llm::{Engine, prompt};
use crate::persona::Persona;
use crate::room::livekit::{LiveKitRoom, Options as RoomOptions};
use crate::room::token::Mint;
use crate::room::{LinkState, Transport};
use crate::speech;
use crate::stt::hearing;
use crate::time::Clock;
use crate::turn::{self, Core};

/// Speech events waiting for the host: seven for each speech, and few speeches at a time.
const SPEECH_EVENTS_BOUND: usize = 64;

/// What keeps a host running beside its room.
struct House<'a> {
    config: &'a Config,
    clock: Clock,
    cancel: &'a CancellationToken,
    tasks: &'a TaskTracker,
}

pub(super) async fn run(config: &Config, show: Show) -> Result<Vec<TurnRecord>, HostError> {
    let cancel = CancellationToken::new();
    let tasks = TaskTracker::new();
    let stop = cancel.clone();
    tokio::spawn(async move {
        asked_to_end().await;
        stop.cancel();
    });
    let house = House { config, clock: Clock::start(), cancel: &cancel, tasks: &tasks };
    let result = match cancel.run_until_cancelled(house.start()).await {
        Some(Ok(started)) => house.play(started, show).await,
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
    live: Live,
    inputs: Inputs,
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
    async fn start(&self) -> Result<Started, HostError> {
        // Mistakes that can be seen without work are told first: models, then the pages' port.
        let files = Files::find(self.config)?;
        let (passes, passes_in) = watch::channel(None);
        let (publisher, commands, pages) = pages::open(self.first_status(), passes_from(passes_in));
        let addresses = self.open_pages(pages).await?;

        // The server and the three engines start side by side; loading is the slow part.
        let (server, hearing, engine, voice) = tokio::try_join!(
            self.server(),
            parts::Hearing::start(&files, self.config, self.clock, self.tasks, self.cancel),
            parts::engine(&files, self.config, self.clock),
            parts::voice(&files),
        )?;
        publisher.update(|status| {
            status.url = server.url.clone();
            status.parts.engine = up(&files.language.name);
            status.parts.voice = up(&files.voice.name);
            status.parts.ears = up(&files.recognition.name);
        });

        // A persona is hosted when its own prompt is in its seat, and in the room after that.
        let cast = self.warm_up(&*engine, &publisher).await?;
        let mint = Mint::new(server.keys, &self.config.room);
        let options = RoomOptions {
            url: server.url.clone(),
            mint: mint.clone(),
            cast: cast.iter().map(|persona| (persona.id.clone(), persona.name.clone())).collect(),
        };
        let (room, room_events) = LiveKitRoom::join(options, self.clock).await?;
        let transport = Arc::new(room);
        passes.send_replace(Some((server.url.clone(), mint.clone())));

        let (speech_events, speech) = mpsc::channel(SPEECH_EVENTS_BOUND);
        let watched =
            health::Server { url: server.url.clone(), own: server.own, link: LinkState::Up };
        let health = Health::new(hearing.status, hearing.stats, engine.clone(), watched);
        let stage = speech::Stage {
            engine,
            voice,
            transport: transport.clone(),
            clock: self.clock,
            events: speech_events,
        };
        let out = Outputs {
            transport: transport.clone(),
            intake: hearing.intake,
            ahead: Ahead::new(stage.engine.clone()),
            stage,
            replies: Replies::new(&self.config.cast, self.config.turn),
            publisher,
        };
        let ears = hearing::Options {
            silence: self.config.hearing.end_of_turn,
            longest: self.config.hearing.longest,
            ..hearing::Options::default()
        };
        let core = Core::new(
            self.config.cast.clone(),
            turn::Options { seed: self.config.turn.seed, ..turn::Options::default() },
        );
        let live = Live::new(self.clock, core, hearing::Hearing::new(ears), health, out);
        let inputs = Inputs { room: room_events, heard: hearing.heard, speech, pages: commands };
        Ok(Started { live, inputs, transport, url: server.url, mint, addresses })
    }

    /// Runs the room until the end, and leaves it.
    async fn play(&self, started: Started, show: Show) -> Result<Vec<TurnRecord>, HostError> {
        let Started { live, inputs, transport, url, mint, addresses } = started;
        announce(&addresses);
        let room = tokio::spawn(live.run(inputs, self.cancel.clone()));
        let result = if show.demo {
            let played = self.cancel.run_until_cancelled(demo::play(&url, &mint)).await;
            if show.exit {
                self.cancel.cancel();
            }
            played.unwrap_or(Ok(()))
        } else {
            Ok(())
        };
        let ledger = room.await.map_err(|error| HostError::Part(error.to_string()))?;
        transport.close().await;
        result?;
        Ok(ledger.into_records())
    }

    fn first_status(&self) -> pages::Status {
        let personas = self.config.cast.iter();
        pages::Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            room: self.config.room.clone(),
            personas: personas
                .map(|persona| PersonaStatus::new(persona.id.clone(), &persona.name, persona.mode))
                .collect(),
            ..pages::Status::default()
        }
    }

    async fn open_pages(&self, house: pages::House) -> Result<Addresses, HostError> {
        let options = admin::Options {
            listen: self.config.pages.listen,
            token: self.config.pages.token.clone(),
        };
        let server = admin::Server::bind(options, house).await?;
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

    /// Puts every persona's prompt into its seat. One that fails is told and left out; the others
    /// go on.
    async fn warm_up(
        &self,
        engine: &dyn Engine,
        publisher: &Publisher,
    ) -> Result<Vec<Persona>, HostError> {
        let cast = &self.config.cast;
        let names: Vec<&str> = cast.iter().map(|persona| persona.name.as_str()).collect();
        let mut hosted = Vec::new();
        let mut cause = String::new();
        for persona in cast {
            let system = prompt::system_message(persona, &names);
            match engine.warm_up(&persona.id, &[system]).await {
                Ok(warm_up) => {
                    let took = Duration::from_micros(warm_up.took_us);
                    let tokens = warm_up.prompt_tokens;
                    tracing::info!(persona = %persona.id, tokens, ?took, "the seat is warm");
                    publisher.persona(&persona.id, |status| status.seat.tokens = tokens);
                    hosted.push(persona.clone());
                }
                Err(error) => {
                    cause = error.to_string();
                    tracing::error!(persona = %persona.id, %error, "not hosted");
                    publisher.persona(&persona.id, |status| {
                        status.failed_cause = Some(cause.clone());
                    });
                }
            }
        }
        if hosted.is_empty() { Err(HostError::NobodyHosted(cause)) } else { Ok(hosted) }
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
