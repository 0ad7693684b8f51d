//! Loading, and the model's tokeniser.

use std::path::Path;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;
use llama_cpp_2::{LogOptions, send_logs_to_tracing};

use super::context::{Context, Size};
use super::projector::{Projector, Size as MediumSize};
use super::{Options, default_threads, trial};
use crate::audio::{EARS_RATE_HZ, duration_to_samples};
use crate::llm::Senses;
use crate::llm::budget::{self, Ask, Fit, LoadError};
use crate::llm::gguf::Gguf;
use crate::llm::media::Part;
use crate::llm::projector::{self, ProjectorError};
use crate::llm::reuse::Tokenizer;
use crate::llm::sampler::Token;
use crate::llm::template::{Controls, Specials, Template};
use crate::picture::TILE_SIDE;
use crate::sound;

/// Of the computing threads, one in so many encodes media: a speaker has the rest, and an encoder
/// of one thread waits for nobody.
const THREADS_PER_ENCODER: i32 = 4;

/// A model in memory with what belongs to it.
pub(super) struct Loaded {
    pub model: LlamaModel,
    pub template: Template,
    /// What its file says of it.
    pub description: Gguf,
    /// What it takes beside words.
    pub senses: Senses,
    fit: Fit,
}

/// Checks everything that can be checked without native code, then loads the weights.
pub(super) fn load(options: &Options) -> Result<Loaded, LoadError> {
    let gguf = Gguf::open(&options.model)?;
    let projector = options.projector.as_ref();
    let projector = projector.map(|path| projector::check(path, &gguf)).transpose()?;
    let ask = Ask {
        seats: options.seats,
        context_tokens: options.context_tokens,
        step_tokens: options.step_tokens,
        media_bytes: projector.map_or(0, |fit| fit.bytes.saturating_add(options.media_bytes)),
    };
    let fit = budget::check(&gguf, ask, budget::free_bytes())?;
    if let (Some(program), Some(path)) = (&options.trial, &options.projector) {
        trial::pass(program, &options.model, path)?;
    }
    let source = gguf.text("tokenizer.chat_template").ok_or(LoadError::NoTemplate)?;
    let native =
        |what: &str, error: &dyn std::fmt::Display| LoadError::Native(format!("{what} ({error})"));
    let model =
        LlamaModel::load_from_file(backend()?, &options.model, &LlamaModelParams::default())
            .map_err(|error| native("loading failed", &error))?;
    let template = Template::new(source, specials(&model.vocab()))?;
    let senses = projector.map(|fit| fit.senses).unwrap_or_default();
    Ok(Loaded { model, template, description: gguf, senses, fit })
}

impl Loaded {
    /// A context with a sequence per seat.
    pub(super) fn context(&self, options: &Options) -> Result<Context<'_>, LoadError> {
        self.context_with(options, self.fit.flash_attention)
    }

    pub(super) fn context_with(
        &self,
        options: &Options,
        flash_attention: bool,
    ) -> Result<Context<'_>, LoadError> {
        backend()?;
        let seats = u32::try_from(options.seats).unwrap_or(u32::MAX);
        let size = Size {
            tokens: self.fit.tokens,
            step_tokens: options.step_tokens.max(seats),
            seats,
            threads: threads(options),
            flash_attention,
        };
        Context::new(&self.model, size)
            .ok_or_else(|| LoadError::Native("no context for it".to_owned()))
    }

    /// What the model sees and hears with, if it does.
    pub(super) fn projector(&self, options: &Options) -> Result<Option<Projector<'_>>, LoadError> {
        let Some(path) = &options.projector else { return Ok(None) };
        let projector = self.open(path, options)?;
        match fits(&projector, self.senses, options) {
            Ok(()) => Ok(Some(projector)),
            Err(why) => Err(ProjectorError::Unfit { path: path.clone(), why }.into()),
        }
    }

    /// Loads a projector, whether seats and steps take what it makes or not.
    pub(super) fn open(&self, path: &Path, options: &Options) -> Result<Projector<'_>, LoadError> {
        let threads = (threads(options) / THREADS_PER_ENCODER).max(1);
        let projector = Projector::load(&self.model, path, threads);
        Ok(projector.ok_or_else(|| ProjectorError::Native { path: path.to_owned() })?)
    }
}

/// Whether seats and steps take what a loaded projector makes. The error says why not.
fn fits(projector: &Projector<'_>, senses: Senses, options: &Options) -> Result<(), String> {
    if projector.senses() != senses {
        return Err(
            "llama.cpp takes it for another kind than its file says; take another model".to_owned()
        );
    }
    if projector.counts_sides() {
        let why = "its model counts rows and columns of pictures (M-RoPE), which is not done here; \
                   take another model";
        return Err(why.to_owned());
    }
    if senses.sees {
        let size = MediumSize::Picture { width: TILE_SIDE, height: TILE_SIDE };
        let longest = takes(projector, size, "a picture", options)?;
        if projector.sees_whole() && longest > options.step_tokens as usize {
            return Err(format!(
                "a picture takes {longest} tokens at once and a step {}; take another model",
                options.step_tokens
            ));
        }
    }
    if senses.hears {
        if let Some(rate) = projector.rate_hz().filter(|rate| *rate != EARS_RATE_HZ) {
            return Err(format!(
                "it hears {rate} samples a second, and {EARS_RATE_HZ} are given; take another model"
            ));
        }
        let samples = duration_to_samples(sound::LONGEST, EARS_RATE_HZ);
        takes(projector, MediumSize::Sound { samples }, "a sound of 30 s", options)?;
    }
    Ok(())
}

/// How many positions the longest part of such a medium has, where a seat takes all of it.
fn takes(
    projector: &Projector<'_>,
    size: MediumSize,
    what: &str,
    options: &Options,
) -> Result<usize, String> {
    let parts = projector.parts(size).map_err(|why| format!("{why}; take another model"))?;
    let (mut all, mut longest) = (0, 0);
    for part in &parts {
        match part {
            Part::Words(words) => all += words.len(),
            Part::Positions(many) => {
                all += many;
                longest = longest.max(*many);
            }
        }
    }
    if all >= options.context_tokens as usize {
        return Err(format!(
            "{what} takes {all} tokens and a seat has {}; raise models.context_tokens",
            options.context_tokens
        ));
    }
    Ok(longest)
}

fn threads(options: &Options) -> i32 {
    let threads = if options.threads == 0 { default_threads() } else { options.threads };
    i32::try_from(threads).unwrap_or(1)
}

/// llama.cpp is set up once per process and stays.
pub(super) fn backend() -> Result<&'static LlamaBackend, LoadError> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    let backend = BACKEND.get_or_init(|| {
        send_logs_to_tracing(LogOptions::default());
        LlamaBackend::init().map_err(|error| error.to_string())
    });
    backend.as_ref().map_err(|error| LoadError::Native(error.clone()))
}

fn specials(vocab: &LlamaVocab<'_>) -> Specials {
    let spell = |token: LlamaToken| {
        String::from_utf8_lossy(&vocab.token_to_piece(token, true, None)).into_owned()
    };
    // A model without such a token has a negative number for it.
    let text = |token: LlamaToken| if token.0 < 0 { String::new() } else { spell(token) };
    let controls = vocab.tokens().filter(|&token| vocab.is_control(token)).map(spell);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Specials {
        bos: text(vocab.bos()),
        eos: text(vocab.eos()),
        controls: Controls::new(controls),
        now_s: now.as_secs(),
    }
}

/// The model's own way from text to tokens and back.
pub(super) struct ModelTokenizer<'m>(pub LlamaVocab<'m>);

impl ModelTokenizer<'_> {
    /// The token ends a turn or a text, or steers the model: nothing of it is said.
    pub(super) fn ends(&self, token: Token) -> bool {
        let token = LlamaToken(token);
        self.0.is_eog(token) || self.0.is_control(token)
    }

    /// The bytes that a token says.
    pub(super) fn says(&self, token: Token) -> Vec<u8> {
        self.0.token_to_piece(LlamaToken(token), false, None)
    }
}

impl Tokenizer for ModelTokenizer<'_> {
    fn tokenize(&self, text: &str) -> Vec<Token> {
        // The template writes the first token itself.
        let tokens = self.0.tokenize(text.as_bytes(), false, true);
        tokens.into_iter().map(|LlamaToken(token)| token).collect()
    }

    fn spell(&self, token: Token, to: &mut Vec<u8>) {
        to.extend(self.0.token_to_piece(LlamaToken(token), true, None));
    }

    fn is_control(&self, token: Token) -> bool {
        self.0.is_control(LlamaToken(token))
    }
}
