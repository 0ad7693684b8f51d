//! A room put together from its parts, real or scripted: the live host, the replayer and the tests
//! run this same one.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ahead::Ahead;
use super::health::{Health, Server};
use super::live::{Inputs, Live, Outputs};
use super::replies::Replies;
use crate::admin::state::{self as pages, PersonaStatus, Publisher};
use crate::config::Config;
use crate::latency::TurnRecord;
use crate::llm::Engine;
use crate::room::{self, Transport};
use crate::speech;
use crate::stt::service::Service;
use crate::stt::{Recogniser, ears, hearing, queue};
use crate::tape::{self, Tap};
use crate::time::Clock;
use crate::tts::Synthesiser;
use crate::turn::{self, Core};

/// Speech events waiting for the host: seven for each speech, and few speeches at a time.
const SPEECH_EVENTS_BOUND: usize = 64;

/// What a room runs on.
pub struct Parts {
    pub transport: Arc<dyn Transport>,
    /// What comes from the room.
    pub events: mpsc::Receiver<room::Event>,
    pub recogniser: Arc<dyn Recogniser>,
    /// How the recogniser's process does.
    pub ears: watch::Receiver<ears::Status>,
    pub engine: Arc<dyn Engine>,
    pub voice: Arc<dyn Synthesiser>,
    pub server: Server,
}

/// A room ready to run.
pub struct Room {
    live: Live,
    inputs: Inputs,
    service: Service,
}

impl Room {
    /// The status with which a host begins: nobody of the cast is hosted yet.
    pub fn first_status(config: &Config) -> pages::Status {
        let personas = config.cast.iter();
        pages::Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            room: config.room.clone(),
            personas: personas
                .map(|persona| PersonaStatus::new(persona.id.clone(), &persona.name, persona.mode))
                .collect(),
            ..pages::Status::default()
        }
    }

    /// Puts a room together. `publisher` and `commands` are the host's end of the pages.
    pub fn new(
        config: &Config,
        clock: Clock,
        parts: Parts,
        publisher: Publisher,
        commands: mpsc::Receiver<pages::Command>,
    ) -> Self {
        Self::tapped(config, clock, parts, publisher, commands, Tap::off())
    }

    /// A room that reports all that happens to `tap`.
    pub fn tapped(
        config: &Config,
        clock: Clock,
        parts: Parts,
        publisher: Publisher,
        commands: mpsc::Receiver<pages::Command>,
        tap: Tap,
    ) -> Self {
        let parts = Parts {
            transport: tap.transport(parts.transport, clock),
            engine: tap.engine(parts.engine, clock),
            voice: tap.voice(parts.voice, clock),
            ..parts
        };
        let (service, intake, heard) =
            Service::new(parts.recogniser, queue::Options::default(), clock);
        let health = Health::new(parts.ears, service.stats(), parts.engine.clone(), parts.server);
        let (speech_events, speech) = mpsc::channel(SPEECH_EVENTS_BOUND);
        let stage = speech::Stage {
            engine: parts.engine,
            voice: parts.voice,
            transport: parts.transport.clone(),
            clock,
            events: speech_events,
        };
        let out = Outputs {
            transport: parts.transport,
            intake,
            ahead: Ahead::new(stage.engine.clone()),
            stage,
            replies: Replies::new(&config.cast, config.turn),
            publisher,
            tap,
        };
        let ears = hearing::Options {
            silence: config.hearing.end_of_turn,
            longest: config.hearing.longest,
            ..hearing::Options::default()
        };
        let options = turn::Options { seed: config.turn.seed, ..turn::Options::default() };
        let core = Core::new(config.cast.clone(), options);
        let live = Live::new(clock, core, hearing::Hearing::new(ears), health, out);
        // Nobody feeds these two until they are replaced.
        let (_, hearing) = mpsc::channel(1);
        let (_, recorder) = watch::channel(tape::State::Ended);
        let inputs =
            Inputs { room: parts.events, heard, hearing, speech, pages: commands, recorder };
        Self { live, inputs, service }
    }

    /// Takes what is heard from a tape, instead of making it from the room's sound.
    #[must_use]
    pub fn hearing(mut self, events: mpsc::Receiver<hearing::Event>) -> Self {
        self.inputs.hearing = events;
        self
    }

    /// Shows in the room and on the pages how its recording does.
    #[must_use]
    pub fn recorded(mut self, mut recorder: watch::Receiver<tape::State>) -> Self {
        recorder.mark_changed();
        self.inputs.recorder = recorder;
        self
    }

    /// Runs until cancelled. Returns the turns of the run, oldest first.
    pub async fn run(self, tasks: &TaskTracker, cancel: CancellationToken) -> Vec<TurnRecord> {
        tasks.spawn(self.service.run(cancel.clone()));
        self.live.run(self.inputs, cancel).await.into_records()
    }
}
