//! Pictures and sounds the plainest way: llama.cpp's own helper encodes and computes all at once.

use std::num::NonZeroU32;

use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::mtmd::{
    MtmdBitmap, MtmdContext, MtmdContextParams, MtmdInputText, mtmd_default_marker,
};

use super::{BATCH_TOKENS, Bare};
use crate::llm::Medium;
use crate::llm::llama::model::backend;
use crate::llm::llama::worker::log_probability;
use crate::llm::llama::{LoadError, Options};
use crate::medium::MARK;

impl Bare {
    /// How likely `text` is behind `before`, where a mark stands for each of `media`: the natural
    /// logarithm of its probability.
    ///
    /// # Errors
    /// When llama.cpp cannot.
    pub fn likelihood(&self, before: &str, media: &[Medium], text: &str) -> Result<f64, LoadError> {
        let failed = |error: &dyn std::fmt::Display| LoadError::Native(error.to_string());
        let (Options { projector, context_tokens, .. }, model) =
            (&self.options, &self.loaded.model);
        let path = projector.as_deref().and_then(std::path::Path::to_str);
        let path = path.ok_or_else(|| failed(&"there is no projector"))?;
        let params = MtmdContextParams { n_threads: 1, ..MtmdContextParams::default() };
        let mut eyes =
            MtmdContext::init_from_file(path, model, &params).map_err(|error| failed(&error))?;
        let bitmap = |medium: &Medium| match medium {
            Medium::Picture(picture) => {
                let pixels = picture.rgb().map_err(|error| failed(&error))?;
                let made = MtmdBitmap::from_image_data(picture.width(), picture.height(), &pixels);
                made.map_err(|error| failed(&error))
            }
            Medium::Sound(sound) => {
                MtmdBitmap::from_audio_data(&sound.samples()).map_err(|error| failed(&error))
            }
        };
        let bitmaps = media.iter().map(bitmap).collect::<Result<Vec<_>, _>>()?;
        let bitmaps: Vec<&MtmdBitmap> = bitmaps.iter().collect();
        let marked = before.replace(MARK, mtmd_default_marker());
        let marked = MtmdInputText { text: marked, add_special: false, parse_special: true };
        let chunks = eyes.tokenize(marked, &bitmaps).map_err(|error| failed(&error))?;
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(*context_tokens))
            .with_n_threads(1)
            .with_n_threads_batch(1);
        let mut context = model.new_context(backend()?, params).map_err(|error| failed(&error))?;
        let from = chunks
            .eval_chunks(&mut eyes, &mut context, 0, 0, BATCH_TOKENS as i32, true)
            .map_err(|error| failed(&error))?;
        let tokens = model.vocab().tokenize(text.as_bytes(), false, true);
        let (mut nats, mut row) = (0.0, -1);
        let mut batch = LlamaBatch::new(1, 1);
        for (token, position) in tokens.into_iter().zip(from..) {
            nats += log_probability(context.get_logits_ith(row), token.0);
            batch.clear();
            batch.add(token, position, &[0], true).map_err(|error| failed(&error))?;
            context.decode(&mut batch).map_err(|error| failed(&error))?;
            row = 0;
        }
        Ok(nats)
    }
}
