//! Loading, and the model's tokeniser.

use std::num::NonZeroU32;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;
use llama_cpp_2::{LogOptions, send_logs_to_tracing};

use super::{Options, default_threads};
use crate::llm::budget::{self, Ask, LoadError};
use crate::llm::gguf::Gguf;
use crate::llm::reuse::Tokenizer;
use crate::llm::sampler::Token;
use crate::llm::template::{Controls, Specials, Template};

/// A model in memory with what belongs to it.
pub(super) struct Loaded {
    pub model: LlamaModel,
    pub template: Template,
    /// What its file says of it.
    pub description: Gguf,
    /// Of all seats together.
    context_tokens: u32,
}

/// Checks everything that can be checked without native code, then loads the weights.
pub(super) fn load(options: &Options) -> Result<Loaded, LoadError> {
    let gguf = Gguf::open(&options.model)?;
    let ask = Ask {
        seats: options.seats,
        context_tokens: options.context_tokens,
        step_tokens: options.step_tokens,
    };
    let context_tokens = budget::check(&gguf, ask, budget::free_bytes())?;
    let source = gguf.text("tokenizer.chat_template").ok_or(LoadError::NoTemplate)?;
    let native =
        |what: &str, error: &dyn std::fmt::Display| LoadError::Native(format!("{what} ({error})"));
    let model =
        LlamaModel::load_from_file(backend()?, &options.model, &LlamaModelParams::default())
            .map_err(|error| native("loading failed", &error))?;
    let template = Template::new(source, specials(&model.vocab()))?;
    Ok(Loaded { model, template, description: gguf, context_tokens })
}

impl Loaded {
    /// A context with a sequence per seat.
    pub(super) fn context(&self, options: &Options) -> Result<LlamaContext<'_>, LoadError> {
        let threads = if options.threads == 0 { default_threads() } else { options.threads };
        let threads = i32::try_from(threads).unwrap_or(1);
        let seats = u32::try_from(options.seats).unwrap_or(u32::MAX);
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(self.context_tokens))
            .with_n_batch(options.step_tokens.max(seats))
            .with_n_ubatch(options.step_tokens.max(seats))
            .with_n_seq_max(seats)
            // A stream per seat: nobody's attention walks over the others' past.
            .with_kv_unified(false)
            .with_n_threads(threads)
            .with_n_threads_batch(threads);
        self.model
            .new_context(backend()?, params)
            .map_err(|error| LoadError::Native(format!("no context for it ({error})")))
    }
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
