//! `troupe bench`: figures of this machine and this version.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::CliError;
use crate::bench::{Report, answers, replay, sim, stress};
use crate::config::{Config, Env, Flags};
use crate::meaning::{self, Embed};
use crate::models::Catalogue;
use crate::turn::Decide;
#[cfg(feature = "llama")]
use crate::{
    bench::{engine, identity, jury::Jury},
    config::{Language, Options},
    models,
};
#[cfg(all(feature = "llama", feature = "livekit"))]
use {
    crate::bench::{BenchError, crowd, voice},
    std::net::SocketAddr,
};

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
        /// Leave the real engine out.
        #[cfg(feature = "llama")]
        #[arg(long)]
        no_model: bool,
    },
    /// How much faster than real time tapes are replayed, with scripted engines.
    Replay {
        /// Folders of tapes [default: tests/rooms when it is there, else rooms that are built in].
        tapes: Vec<PathBuf>,
    },
    /// Who answers: labelled rooms, played into the turn core.
    Answers {
        /// The cases, one JSON object a line.
        #[arg(long, value_name = "FILE")]
        cases: PathBuf,
        /// Write each case's prediction here, one JSON object a line.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Who chooses among those who may answer a question to the room; a model is loaded for it
        /// unless it is `evidence`.
        #[arg(long, value_name = "WHO", default_value = "evidence", value_parser = decide)]
        decide: Decide,
        /// By the words alone, without the model of sentences.
        #[arg(long)]
        no_meaning: bool,
        /// The language model, as the catalogue has it.
        #[arg(long, value_name = "MODEL", default_value = "smollm2-135m-instruct")]
        model: String,
    },
    /// How often replies are somebody else's, before and after the guard: scripted dialogues.
    #[cfg(feature = "llama")]
    Identity {
        /// The dialogues, as in `tests/identity/dialogues.json`.
        #[arg(long, value_name = "FILE")]
        dialogues: PathBuf,
        /// The language model, as the catalogue has it.
        #[arg(long, value_name = "MODEL", default_value = "smollm2-135m-instruct")]
        model: String,
    },
    /// The language engine beside a bare loop over llama.cpp, on the configured model.
    #[cfg(feature = "llama")]
    Engine {
        /// Each speed is measured so often, and the median counts.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Settings file [default: troupe.toml when it is there].
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// The whole way: a visitor's last voiced sample to the first it hears of the answer.
    #[cfg(all(feature = "llama", feature = "livekit"))]
    Voice(Visit),
    /// A visitor's first voiced sample to the last that it hears of the persona it cuts short.
    #[cfg(all(feature = "llama", feature = "livekit"))]
    BargeIn(Visit),
    /// What casts of several sizes cost, at rest and speaking, with their faces seen and unseen.
    #[cfg(all(feature = "llama", feature = "livekit"))]
    Crowd {
        /// Personas, up to 12; several sizes are separated by commas.
        #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 3, 6, 12])]
        sizes: Vec<usize>,
    },
}

#[derive(Args)]
#[cfg(all(feature = "llama", feature = "livekit"))]
struct Visit {
    /// How often to ask.
    #[arg(long, default_value_t = 12)]
    questions: usize,
    /// Settings file; its cast should have Nora, Felix and Ada, whom the questions name
    /// [default: troupe.toml when it is there].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Bench {
    /// Its rooms break on purpose, thousands of times, and what they log is no news.
    pub(super) fn breaks_on_purpose(&self) -> bool {
        matches!(self.name, Name::Sim { .. } | Name::Replay { .. })
    }
}

pub(super) fn run(bench: &Bench) -> Result<(), CliError> {
    let report = match &bench.name {
        Name::Machine => Report::new("machine"),
        Name::Sim { seeds, first } => sim::run(sim::Options { first_seed: *first, seeds: *seeds })?,
        #[cfg(feature = "llama")]
        Name::Stress { rounds, up_to, no_model } => {
            let model = if *no_model { None } else { Some(default_model()?) };
            stress::run(&stress::Options { rounds: *rounds, personas_max: *up_to, model })?
        }
        #[cfg(not(feature = "llama"))]
        Name::Stress { rounds, up_to } => {
            stress::run(&stress::Options { rounds: *rounds, personas_max: *up_to, model: None })?
        }
        Name::Replay { tapes } => replay::run(&replay::Options { tapes: tapes.clone() })?,
        Name::Answers { cases, out, decide, no_meaning, model } => {
            let known = Catalogue::built_in().find(model).and_then(|model| model.answers);
            let weights = known.unwrap_or_default().weights;
            let options = answers::Options {
                cases: cases.clone(),
                out: out.clone(),
                decide: *decide,
                weights,
                embedder: if *no_meaning { None } else { embedder()? },
            };
            who_answers(&options, model)?
        }
        #[cfg(feature = "llama")]
        Name::Identity { dialogues, model } => who_is_who(dialogues.clone(), model)?,
        #[cfg(feature = "llama")]
        Name::Engine { rounds, config } => engine(*rounds, config.clone())?,
        #[cfg(all(feature = "llama", feature = "livekit"))]
        Name::Voice(visit) => {
            visit.run(async |config, options| voice::voice(config, options).await)?
        }
        #[cfg(all(feature = "llama", feature = "livekit"))]
        Name::BargeIn(visit) => {
            visit.run(async |config, options| voice::barge_in(config, options).await)?
        }
        #[cfg(all(feature = "llama", feature = "livekit"))]
        Name::Crowd { sizes } => look_at(sizes)?,
    };
    let mut out = io::stdout().lock();
    if bench.json {
        report.write_json(&mut out)?;
    } else {
        report.write_table(&mut out)?;
    }
    Ok(())
}

/// The file of the language model that is the default.
#[cfg(feature = "llama")]
fn default_model() -> Result<PathBuf, CliError> {
    let (flags, base) = (Flags::default(), std::path::Path::new("."));
    language_model(&Config::resolve(&flags, &Env::read(), &Options::default(), base)?)
}

#[cfg(feature = "llama")]
fn language_model(config: &Config) -> Result<PathBuf, CliError> {
    let Language::Here(name) = &config.models.language else {
        let why = "no language model runs in this process; name one as models.language".to_owned();
        return Err(CliError::Failed(why));
    };
    let files = models::resolve(&config.models.root, name)?.of_kind(models::Kind::Language)?;
    Ok(files.main().to_owned())
}

#[cfg(feature = "llama")]
fn engine(rounds: usize, config: Option<PathBuf>) -> Result<Report, CliError> {
    let config = Config::load(&Flags { config, ..Flags::default() }, &Env::read())?;
    let model = language_model(&config)?;
    let options = engine::Options { model, rounds, threads: config.models.threads.unwrap_or(0) };
    Ok(super::runtime()?.block_on(engine::run(&options))?)
}

fn decide(text: &str) -> Result<Decide, String> {
    let all = [Decide::Evidence, Decide::Model, Decide::Both];
    let found = all.into_iter().find(|one| one.as_str() == text);
    found.ok_or_else(|| "use evidence, model or both".to_owned())
}

#[cfg(feature = "llama")]
fn who_is_who(dialogues: PathBuf, model: &str) -> Result<Report, CliError> {
    let config = Config::load(&Flags::default(), &Env::read())?;
    let jury = Jury::load(&config.models.root, model, super::runtime()?)?;
    let options = identity::Options { dialogues, seed: config.turn.seed as u32 };
    Ok(identity::run_on(&options, &jury, config.turn.reply_tokens)?)
}

/// The model of sentences, where it is installed.
fn embedder() -> Result<Option<Arc<dyn Embed>>, CliError> {
    let root = Config::load(&Flags::default(), &Env::read())?.models.root;
    let found = meaning::find(&root);
    let found = found.inspect_err(|error| eprintln!("by the words alone: {error}"));
    Ok(found.ok().map(|model| Arc::new(model) as Arc<dyn Embed>))
}

#[cfg(feature = "llama")]
fn who_answers(options: &answers::Options, model: &str) -> Result<Report, CliError> {
    if !options.decide.asks_the_model() {
        return Ok(answers::run(options, None)?);
    }
    let root = Config::load(&Flags::default(), &Env::read())?.models.root;
    let jury = Jury::load(&root, model, super::runtime()?)?;
    let mut report = answers::run(options, Some(&|questions| jury.score(questions)))?;
    let (p50, most) = jury.took_ms();
    report.figures.insert("rank_p50_ms".to_owned(), p50);
    report.figures.insert("rank_max_ms".to_owned(), most);
    Ok(report)
}

#[cfg(all(feature = "llama", feature = "livekit"))]
fn look_at(sizes: &[usize]) -> Result<Report, CliError> {
    let options = crowd::Options {
        program: std::env::current_exe().map_err(BenchError::from)?,
        sizes: sizes.to_vec(),
    };
    Ok(super::runtime()?.block_on(crowd::run(&options))?)
}

#[cfg(not(feature = "llama"))]
fn who_answers(options: &answers::Options, _: &str) -> Result<Report, CliError> {
    if options.decide.asks_the_model() {
        let why = "this build has no language engine; build with the feature llama".to_owned();
        return Err(crate::bench::BenchError::Wrong(why).into());
    }
    Ok(answers::run(options, None)?)
}

#[cfg(all(feature = "llama", feature = "livekit"))]
impl Visit {
    fn run(
        &self,
        bench: impl AsyncFnOnce(&Config, voice::Options) -> Result<Report, BenchError>,
    ) -> Result<Report, CliError> {
        let flags = Flags {
            config: self.config.clone(),
            // Pages of its own, beside those of a host that runs.
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            ..Flags::default()
        };
        let config = Config::load(&flags, &Env::read())?;
        let options = voice::Options { questions: self.questions };
        Ok(super::runtime()?.block_on(bench(&config, options))?)
    }
}
