//! A room put together from its parts, real or scripted: the live host, the replayer and the tests
//! run this same one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ahead::Ahead;
use super::health::{Health, Server};
use super::live::{Inputs, Live, Outputs};
use super::replies::Replies;
use crate::admin::state::{self as pages, PersonaStatus, Publisher};
use crate::config::{Config, EndOfTurn};
use crate::latency::TurnRecord;
use crate::llm::Engine;
use crate::room::{self, Transport};
use crate::speech;
use crate::stt::end_of_turn::{Judge, Predictor};
use crate::stt::service::Service;
use crate::stt::{Recogniser, ears, hearing, queue};
use crate::time::Clock;
use crate::tts::Synthesiser;
use crate::turn::{self, Core};

/// Speech events waiting for the host: seven for each speech, and few speeches at a time.
const SPEECH_EVENTS_BOUND: usize = 64;

/// Pauses under judgement at once, and more: only to have a channel where nobody judges.
const VERDICTS_BOUND: usize = 1;
/// The wait for a pause about which the model says nothing in time.
const UNJUDGED_WAIT: Duration = Duration::from_millis(500);

/// What a room runs on.
pub struct Parts {
    pub transport: Arc<dyn Transport>,
    /// What comes from the room.
    pub events: mpsc::Receiver<room::Event>,
    pub recogniser: Arc<dyn Recogniser>,
    /// Tells in a pause whether a human has finished; without one the wait is fixed.
    pub predictor: Option<Arc<dyn Predictor>>,
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
    judge: Option<Judge>,
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
        let (service, intake, heard) =
            Service::new(parts.recogniser, queue::Options::default(), clock);
        let health = Health::new(parts.ears, service.stats(), parts.engine.clone(), parts.server);
        let predictor = parts.predictor.filter(|_| config.hearing.end_of_turn == EndOfTurn::Auto);
        let (judge, asker, verdicts) = match predictor {
            Some(predictor) => {
                let (judge, asker, verdicts) = Judge::new(predictor, clock);
                (Some(judge), Some(asker), verdicts)
            }
            None => (None, None, mpsc::channel(VERDICTS_BOUND).1),
        };
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
            asker,
            early_words: config.hearing.early_words,
            ahead: Ahead::new(stage.engine.clone()),
            stage,
            replies: Replies::new(&config.cast, config.turn),
            publisher,
        };
        let ears = hearing::Options {
            silence: match config.hearing.end_of_turn {
                EndOfTurn::Auto => UNJUDGED_WAIT,
                EndOfTurn::Fixed(silence) => silence,
            },
            longest: config.hearing.longest,
            ..hearing::Options::default()
        };
        let options = turn::Options { seed: config.turn.seed, ..turn::Options::default() };
        let core = Core::new(config.cast.clone(), options);
        let live = Live::new(clock, core, hearing::Hearing::new(ears), health, out);
        let partials = service.partials();
        let inputs =
            Inputs { room: parts.events, heard, partials, verdicts, speech, pages: commands };
        Self { live, inputs, service, judge }
    }

    /// Runs until cancelled. Returns the turns of the run, oldest first.
    pub async fn run(self, tasks: &TaskTracker, cancel: CancellationToken) -> Vec<TurnRecord> {
        tasks.spawn(self.service.run(cancel.clone()));
        if let Some(judge) = self.judge {
            tasks.spawn(judge.run(cancel.clone()));
        }
        self.live.run(self.inputs, cancel).await.into_records()
    }
}
