//! A room put together from its parts, real or scripted: the live host, the replayer and the tests
//! run this same one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span, info_span};

use super::ahead::Ahead;
use super::cast::BootSummary;
use super::echo::Echo;
use super::faces::{self, Faces};
use super::health::{Health, Server};
use super::listening::Listening;
use super::live::{Inputs, Live, Outputs};
use super::played::overheard;
use super::ranker::Ranker;
use super::reading::Reading;
use super::recording::Shown;
use super::replies::Replies;
use super::sight::Sight;
use crate::admin::state::{self as pages, PersonaStatus, Publisher};
use crate::config::{Config, EndOfTurn};
use crate::id::UtteranceId;
use crate::latency::TurnRecord;
use crate::llm::{Engine, Senses};
use crate::meaning::Read;
use crate::persona::Persona;
use crate::room::{self, Transport};
use crate::sound::Sound;
use crate::speech;
use crate::stt::end_of_turn::{Asker, Judge, Predictor, Verdict};
use crate::stt::service::{Partial, Service};
use crate::stt::{Recogniser, ears, hearing, queue};
use crate::tape::Tap;
use crate::time::Clock;
use crate::tts::Synthesiser;
use crate::turn::{self, Core};

/// Speech events that may wait for the host, beside those of one speech for each persona: a speech
/// that fades out still has some when the next begins.
const SPEECH_EVENTS_BOUND: usize = 64;

/// Pauses under judgement at once, and more: only to have a channel where nobody judges.
const VERDICTS_BOUND: usize = 1;
/// The wait for a pause about which the model says nothing in time.
const UNJUDGED_WAIT: Duration = Duration::from_millis(500);

/// What a room runs on.
pub struct Parts {
    /// Whom it serves; the rest of the configured cast is known by name and stays out.
    pub cast: BootSummary,
    pub transport: Arc<dyn Transport>,
    /// What comes from the room.
    pub events: mpsc::Receiver<room::Event>,
    pub recogniser: Arc<dyn Recogniser>,
    /// Tells in a pause whether a human has finished; without one the wait is fixed.
    pub predictor: Option<Arc<dyn Predictor>>,
    /// Tells what lines mean to this cast.
    pub reader: Option<Arc<dyn Read>>,
    /// How the recogniser's process does.
    pub ears: watch::Receiver<ears::Status>,
    pub engine: Arc<dyn Engine>,
    pub voice: Arc<dyn Synthesiser>,
    pub server: Server,
}

impl Parts {
    /// The same parts, which report what passes through them to `tap`.
    fn reporting(self, tap: &Tap, clock: Clock) -> Self {
        Self {
            transport: tap.transport(self.transport, clock),
            engine: tap.engine(self.engine, clock),
            voice: tap.voice(self.voice, clock),
            reader: self.reader.map(|reader| tap.reader(reader, clock)),
            ..self
        }
    }
}

/// A room ready to run.
pub struct Room {
    live: Live,
    inputs: Inputs,
    service: Service,
    judge: Option<Judge>,
    faces: Option<faces::Driver>,
    /// Everything that is logged stands in it.
    span: Span,
}

impl Room {
    /// The status with which a host begins: nobody of the cast is hosted yet.
    pub fn first_status(config: &Config) -> pages::Status {
        let personas = config.cast.iter();
        pages::Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            room: config.room.clone(),
            personas: personas
                .map(|persona| PersonaStatus {
                    adapter: config.models.adapter_name(&persona.id),
                    ..PersonaStatus::new(persona.id.clone(), &persona.name, persona.mode)
                })
                .collect(),
            parts: pages::Parts {
                engine: pages::Part { detail: config.models.language_name(), ..Default::default() },
                ..Default::default()
            },
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
        crate::probe::follow(clock);
        let span = info_span!("room", room = config.room);
        let parts = parts.reporting(&tap, clock);
        let (service, intake, heard) =
            Service::new(parts.recogniser, queue::Options::default(), clock);
        let speech_events = SPEECH_EVENTS_BOUND + speech::What::COUNT * config.cast.len();
        let (speech_events, speech) = mpsc::channel(speech_events);
        let predictor = parts.predictor.filter(|_| config.hearing.end_of_turn == EndOfTurn::Auto);
        let (judge, asker, verdicts) = judged(predictor, clock);
        let stats = service.stats();
        let health =
            Health::new(parts.ears, stats, asker.clone(), parts.engine.clone(), parts.server);
        let (rising, rises) = watch::channel(false);
        let (transport, played) = overheard(parts.transport, clock);
        let senses = parts.engine.senses();
        let sees = config.cast.iter().any(|persona| persona.is_shown_pictures(senses.sees));
        let (sight, made) = Sight::new(sees, transport.clone(), publisher.clone());
        let hears = |persona: &Persona| persona.hears_with(senses.hears).takes_sound();
        let listening = Listening::new(config.cast.iter().any(hears));
        let stage = speech::Stage {
            engine: parts.engine,
            voice: parts.voice,
            transport: transport.clone(),
            clock,
            rising: rises,
            events: speech_events,
            lips: speech::Lips::default(),
        };
        let (ranker, ranked) = Ranker::new(stage.engine.clone());
        let (reading, told) = Reading::new(parts.reader);
        let out = Outputs {
            transport,
            intake,
            asker,
            early_words: config.hearing.early_words,
            rising,
            echo: Echo::new(played),
            sight,
            listening,
            ahead: Ahead::new(stage.engine.clone()),
            ranker,
            reading,
            stage,
            replies: span.in_scope(|| Replies::new(&config.cast, config.turn, &publisher)),
            publisher,
            tap,
        };
        let core = turn_core(config, senses);
        let cast = parts.cast.hosted.iter().map(|live| live.persona().id.clone()).collect();
        let hearing = hearing::Hearing::new(hearing_options(config));
        let live = Live::new(clock, core, cast, hearing, health, out);
        let partials = service.partials();
        // Nobody feeds these two until they are replaced.
        let (_, hearing) = mpsc::channel(1);
        let (_, recorder) = watch::channel(None);
        let inputs = Inputs {
            room: parts.events,
            heard,
            partials,
            verdicts,
            hearing,
            made,
            speech,
            ranked,
            told,
            pages: commands,
            recorder,
        };
        Self { live, inputs, service, judge, faces: None, span }
    }

    /// For benches of the host's own cost: so many personas may speak at once.
    #[must_use]
    pub fn with_holders(mut self, holders_max: usize) -> Self {
        self.live.set_holders_max(holders_max);
        self
    }

    /// Takes what is heard from a tape, instead of making it from the room's sound.
    #[must_use]
    pub fn hearing(
        mut self,
        events: mpsc::Receiver<hearing::Event>,
        partials: watch::Receiver<Option<Partial>>,
    ) -> Self {
        self.inputs.hearing = events;
        self.inputs.partials = partials;
        self
    }

    /// Takes what utterances sounded like, for those who hear, from a tape.
    #[must_use]
    pub fn playing(mut self, sounds: HashMap<UtteranceId, Sound>) -> Self {
        self.live.play(sounds);
        self
    }

    /// Shows the personas' faces in the room; without it nothing is drawn.
    #[must_use]
    pub fn with_faces(mut self, faces: Faces) -> Self {
        self.faces = Some(self.live.show_faces(faces));
        self
    }

    /// Shows in the room and on the pages how its recording does.
    #[must_use]
    pub fn recorded(mut self, mut recorder: watch::Receiver<Option<Shown>>) -> Self {
        recorder.mark_changed();
        self.inputs.recorder = recorder;
        self
    }

    /// Goes on from the memory of an earlier room, in which there were so many lines.
    #[must_use]
    pub fn restored(mut self, lines: u64, memory: turn::Memory) -> Self {
        self.live.restore(lines, memory);
        self
    }

    /// Runs until cancelled. Returns the turns of the run, oldest first.
    pub async fn run(self, tasks: &TaskTracker, cancel: CancellationToken) -> Vec<TurnRecord> {
        let room = self.span;
        tasks.spawn(self.service.run(cancel.clone()).instrument(room.clone()));
        if let Some(judge) = self.judge {
            tasks.spawn(judge.run(cancel.clone()).instrument(room.clone()));
        }
        if let Some(faces) = self.faces {
            tasks.spawn(faces.run(cancel.clone()).instrument(room.clone()));
        }
        self.live.run(self.inputs, cancel).instrument(room).await.into_records()
    }
}

/// The model that judges pauses, where there is one.
fn judged(
    predictor: Option<Arc<dyn Predictor>>,
    clock: Clock,
) -> (Option<Judge>, Option<Asker>, mpsc::Receiver<Verdict>) {
    match predictor {
        Some(predictor) => {
            let (judge, asker, verdicts) = Judge::new(predictor, clock);
            (Some(judge), Some(asker), verdicts)
        }
        None => (None, None, mpsc::channel(VERDICTS_BOUND).1),
    }
}

fn hearing_options(config: &Config) -> hearing::Options {
    hearing::Options {
        silence: match config.hearing.end_of_turn {
            EndOfTurn::Auto => UNJUDGED_WAIT,
            EndOfTurn::Fixed(silence) => silence,
        },
        longest: config.hearing.longest,
        ..hearing::Options::default()
    }
}

fn turn_core(config: &Config, senses: Senses) -> Core {
    let options = turn::Options {
        seed: config.turn.seed,
        turns_per_minute: config.turn.turns_per_minute,
        decide: config.turn.decide,
        weights: config.turn.weights,
        senses,
        ..turn::Options::default()
    };
    let mut core = Core::new(config.cast.clone(), options);
    core.set_sleep_words(config.sleep_words.clone());
    core
}
