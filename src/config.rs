//! Settings: what was written ([`Options`]) becomes what holds ([`Config`]), once.
//!
//! Flags win over the environment, the environment over the file, the file over the defaults. The
//! environment is read in [`Env::read`] and nowhere else.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::id::PersonaId;
use crate::llm::adapter::Adapter;
use crate::llm::{Senses, openai, projector};
use crate::models::{Catalogue, Model};
use crate::persona::{Face, Persona};
use crate::probe;
use crate::room::token::Keys;
use crate::telemetry;
use crate::turn::addressing::SleepWords;
use crate::turn::{Decide, Weights};

mod cast;
mod env;
mod faces;
mod file;
mod models;
mod otlp;

pub use env::Env;
pub use file::Options;

/// Where the pages are served unless told otherwise.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:7878";
const DEFAULT_ROOM: &str = "demo";
/// Phrases of one kind: every line of a human is searched for each.
const PHRASES_MAX: usize = 64;
const DEFAULT_FILE: &str = "troupe.toml";

/// A setting that cannot be used: one sentence with the mend. Exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// What the flags say; `None` leaves it to the environment, the file or the default.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub room: Option<String>,
    pub listen: Option<SocketAddr>,
    /// `auto` or a URL.
    pub livekit: Option<String>,
}

/// Everything, resolved and checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub room: String,
    pub livekit: LiveKit,
    pub pages: Pages,
    pub models: Models,
    pub hearing: Hearing,
    pub turn: Turn,
    pub tape: Tape,
    /// What humans say to send a persona to sleep, and to wake it.
    pub sleep_words: SleepWords,
    pub cast: Vec<Persona>,
    /// Of those who were given one; the others are drawn by their identity.
    pub faces: HashMap<PersonaId, Face>,
    /// Where probes are written; none leaves them off.
    pub probes: Option<probe::Options>,
    /// Where turns are exported to; none leaves that off.
    pub telemetry: Option<telemetry::Options>,
}

/// Which LiveKit server.
#[derive(Clone, Debug)]
pub enum LiveKit {
    /// We start one, with keys made for this run.
    Local {
        binary: Option<PathBuf>,
    },
    Remote {
        url: String,
        keys: Keys,
    },
}

#[derive(Clone)]
pub struct Pages {
    pub listen: SocketAddr,
    /// Asked of every visitor; needed to listen elsewhere than on loopback.
    pub token: Option<String>,
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "set");
        f.debug_struct("Pages").field("listen", &self.listen).field("token", &token).finish()
    }
}

#[derive(Clone, Debug)]
pub struct Models {
    /// The folder that `troupe models pull` fills.
    pub root: PathBuf,
    pub language: Language,
    /// Of a language model that is named by a path.
    pub projector: Option<PathBuf>,
    /// Catalogue names or paths.
    pub recognition: String,
    pub voice: String,
    /// Tokens that one persona's seat holds.
    pub context_tokens: u32,
    /// Threads of each engine; none leaves it to each engine's own rule.
    pub threads: Option<u32>,
    /// How long a step of the language model may take while somebody speaks.
    pub step: Duration,
    /// LoRAs of those who have one.
    pub adapters: HashMap<PersonaId, Adapter>,
    /// Memory for them; those not used for longest leave it.
    pub adapters_bytes: u64,
}

/// Where the language model runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Language {
    /// In this process: a catalogue name or a path.
    Here(String),
    Server(openai::Server),
    /// None: personas say what they were shown. For trying a room out.
    Scripted,
}

impl Language {
    /// As it is shown.
    pub fn name(&self) -> &str {
        match self {
            Self::Here(name) => name,
            Self::Server(server) => &server.model,
            Self::Scripted => "scripted",
        }
    }
}

impl Models {
    /// A persona's adapter, by its file's name.
    pub fn adapter_name(&self, persona: &PersonaId) -> Option<String> {
        let file = self.adapters.get(persona)?.path.file_name()?;
        Some(file.to_string_lossy().into_owned())
    }

    /// What the language model takes beside words, as far as the settings and the projector's file
    /// tell.
    pub fn senses(&self) -> Senses {
        match &self.language {
            Language::Here(name) => match &self.projector {
                // What is no projector is told with its reason when it is to be loaded.
                Some(path) => {
                    projector::senses(path).unwrap_or(Senses { sees: true, hears: false })
                }
                None => {
                    let known = Catalogue::built_in().find(name);
                    let sees = known.is_some_and(Model::sees);
                    Senses { sees, hears: known.is_some_and(Model::hears) }
                }
            },
            Language::Server(server) => Senses { sees: server.sees, hears: server.hears },
            Language::Scripted => Senses { sees: true, hears: true },
        }
    }

    /// The language model's name; of a path, which tells more of the machine, the file's.
    pub fn language_name(&self) -> String {
        let name = match &self.language {
            Language::Here(name) => Path::new(name).file_name(),
            Language::Server(_) | Language::Scripted => None,
        };
        name.map_or_else(|| self.language.name().into(), |name| name.to_string_lossy().into_owned())
    }
}

/// When a turn is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndOfTurn {
    /// A model judges every pause, and the speaker's own pauses are learnt.
    Auto,
    /// After so much silence.
    Fixed(Duration),
}

#[derive(Clone, Copy, Debug)]
pub struct Hearing {
    pub end_of_turn: EndOfTurn,
    /// What was said is recognised in every pause, not only at the end.
    pub early_words: bool,
    /// An utterance is cut here at the latest.
    pub longest: Duration,
}

#[derive(Clone, Copy, Debug)]
pub struct Turn {
    /// Tokens of one reply at most.
    pub reply_tokens: u32,
    /// Makes the choices and the sampling of a run repeatable.
    pub seed: u64,
    /// Turns in any minute, but for those who are called by name; none is no limit.
    pub turns_per_minute: Option<u32>,
    /// Who chooses among those who may answer a question to the room.
    pub decide: Decide,
    pub weights: Weights,
}

#[derive(Clone, Debug)]
pub struct Tape {
    /// Where tapes go that are begun on the pages; none where there is no place for data.
    pub folder: Option<PathBuf>,
}

impl Config {
    /// Resolves flags, environment and file. Without `--config`, `troupe.toml` in the working
    /// folder is used when it is there.
    pub fn load(flags: &Flags, env: &Env) -> Result<Self, ConfigError> {
        let path = flags.config.clone().or_else(|| {
            let default = PathBuf::from(DEFAULT_FILE);
            default.is_file().then_some(default)
        });
        let (options, base) = match &path {
            Some(path) => (Options::read(path)?, path.parent().unwrap_or(Path::new(".")).into()),
            None => (Options::default(), PathBuf::from(".")),
        };
        Self::resolve(flags, env, &options, &base)
    }

    /// The pure part of [`Config::load`]; relative paths of cards and tapes start at `base`.
    pub fn resolve(
        flags: &Flags,
        env: &Env,
        options: &Options,
        base: &Path,
    ) -> Result<Self, ConfigError> {
        let room = room_name(flags, options)?;
        let models = models::resolve(env, options, base)?;
        let cast = cast::resolve(&options.persona, base)?;
        check_senses(&cast, &models)?;
        Ok(Self {
            telemetry: otlp::resolve(env, &room)?,
            room,
            livekit: livekit(flags, env)?,
            pages: pages(flags, env, options)?,
            models,
            hearing: hearing(options)?,
            turn: turn(options)?,
            tape: Tape {
                folder: match &options.tape.folder {
                    Some(folder) => Some(base.join(folder)),
                    None => env.data_root().map(|root| root.join("tapes")),
                },
            },
            sleep_words: sleep_words(options)?,
            cast,
            faces: faces::resolve(&options.persona, base)?,
            probes: probes(env)?,
        })
    }
}

/// Nobody is to see or hear with a model that cannot.
fn check_senses(cast: &[Persona], models: &Models) -> Result<(), ConfigError> {
    let senses = models.senses();
    let refuse = |persona: &Persona, what: &str, mend: &str| {
        let (id, model) = (persona.id.as_str(), models.language_name());
        Err(ConfigError(format!("persona {id:?}: the model {model} cannot {what}; {mend}")))
    };
    if let Some(persona) = cast.iter().find(|one| one.sees == Some(true) && !senses.sees) {
        return refuse(persona, "see", "take one with a projector for pictures, or remove `sees`");
    }
    if let Some(persona) = cast.iter().find(|one| one.hears.takes_sound() && !senses.hears) {
        let mend = "take one with a projector for sound (ultravox-0.5-llama-3.2-1b, say), or write \
                    hears = \"transcript\"";
        return refuse(persona, "hear", mend);
    }
    Ok(())
}

fn room_name(flags: &Flags, options: &Options) -> Result<String, ConfigError> {
    let name = flags.room.clone().or_else(|| options.room.name.clone());
    let name = name.unwrap_or_else(|| DEFAULT_ROOM.to_owned());
    if name.trim().is_empty() || name.len() > 128 || name.chars().any(char::is_control) {
        return Err(ConfigError(format!(
            "the room's name {name:?} cannot be used; give it 1 to 128 printable characters"
        )));
    }
    Ok(name)
}

fn livekit(flags: &Flags, env: &Env) -> Result<LiveKit, ConfigError> {
    let url = match flags.livekit.as_deref() {
        None | Some("auto") => env.livekit_url.clone(),
        Some(url) => Some(url.to_owned()),
    };
    let Some(url) = url else {
        return Ok(LiveKit::Local { binary: env.livekit_server() });
    };
    if !["ws://", "wss://", "http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(ConfigError(format!(
            "{url:?} is no LiveKit address; it begins with ws:// or wss://"
        )));
    }
    match (env.livekit_api_key.clone(), env.livekit_api_secret.clone()) {
        (Some(key), Some(secret)) => Ok(LiveKit::Remote { url, keys: Keys { key, secret } }),
        _ => Err(ConfigError(format!(
            "the server at {url} needs a key; set LIVEKIT_API_KEY and LIVEKIT_API_SECRET"
        ))),
    }
}

fn pages(flags: &Flags, env: &Env, options: &Options) -> Result<Pages, ConfigError> {
    let listen = match (flags.listen, &options.pages.listen) {
        (Some(listen), _) => listen,
        (None, Some(text)) => text.parse().map_err(|_| {
            ConfigError(format!("pages.listen = {text:?} is no address; write {DEFAULT_LISTEN:?}"))
        })?,
        (None, None) => SocketAddr::from(([127, 0, 0, 1], 7878)),
    };
    let token = env.page_token.clone();
    if !listen.ip().is_loopback() && token.is_none() {
        return Err(ConfigError(format!(
            "{listen} can be reached from other machines; set TROUPE_TOKEN, or listen on 127.0.0.1"
        )));
    }
    Ok(Pages { listen, token })
}

fn hearing(options: &Options) -> Result<Hearing, ConfigError> {
    let written = &options.hearing;
    let end_of_turn = match &written.end_of_turn_ms {
        file::EndOfTurnMs::Word(word) if word == "auto" => EndOfTurn::Auto,
        file::EndOfTurnMs::Word(word) => {
            return Err(ConfigError(format!(
                "hearing.end_of_turn_ms = {word:?} is no wait; write \"auto\" or milliseconds"
            )));
        }
        file::EndOfTurnMs::Fixed(ms) => {
            let ms = in_range("hearing.end_of_turn_ms", *ms, 100, 5_000)?;
            EndOfTurn::Fixed(Duration::from_millis(u64::from(ms)))
        }
    };
    let longest_s = in_range("hearing.longest_s", written.longest_s, 2, 28)?;
    let longest = Duration::from_secs(u64::from(longest_s));
    Ok(Hearing { end_of_turn, early_words: written.early_words, longest })
}

fn turns_per_minute(options: &Options) -> Result<Option<u32>, ConfigError> {
    let written = options.turn.turns_per_minute;
    written.map(|turns| in_range("turn.turns_per_minute", turns, 1, 600)).transpose()
}

fn sleep_words(options: &Options) -> Result<SleepWords, ConfigError> {
    let usual = SleepWords::default();
    let phrases = |key: &str, written: &Option<Vec<String>>, usual: Vec<String>| {
        let phrases = written.clone().unwrap_or(usual);
        let odd = |phrase: &&String| !phrase.chars().any(char::is_alphanumeric);
        match phrases.iter().find(odd) {
            _ if phrases.len() > PHRASES_MAX => Err(ConfigError(format!(
                "{key} has {} phrases; {PHRASES_MAX} are the most",
                phrases.len()
            ))),
            Some(odd) => Err(ConfigError(format!("{key}: {odd:?} has no words; remove it"))),
            None => Ok(phrases),
        }
    };
    Ok(SleepWords {
        sleep: phrases("turn.sleep_words", &options.turn.sleep_words, usual.sleep)?,
        wake: phrases("turn.wake_words", &options.turn.wake_words, usual.wake)?,
    })
}

/// The catalogue holds for each model what measured best.
fn turn(options: &Options) -> Result<Turn, ConfigError> {
    let written = &options.turn;
    let known = match &options.models.language {
        file::Language::Here(name) => Catalogue::built_in().find(name),
        file::Language::Server(_) => None,
    };
    let known = known.and_then(|model| model.answers).unwrap_or_default();
    Ok(Turn {
        reply_tokens: in_range("turn.reply_tokens", written.reply_tokens, 4, 1_024)?,
        seed: written.seed,
        turns_per_minute: turns_per_minute(options)?,
        decide: written.decide.unwrap_or(known.decide),
        weights: known.weights,
    })
}

fn probes(env: &Env) -> Result<Option<probe::Options>, ConfigError> {
    let wanted = env.probe_classes.as_deref().unwrap_or("*");
    let classes = probe::Selection::parse(wanted)
        .map_err(|error| ConfigError(format!("TROUPE_PROBE_CLASSES: {error}")))?;
    Ok(env.probe_file.clone().map(|file| probe::Options { file, classes }))
}

fn in_range(key: &str, value: u32, least: u32, most: u32) -> Result<u32, ConfigError> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(ConfigError(format!("{key} = {value} is out of range; use {least} to {most}")))
}

#[cfg(test)]
mod tests;
