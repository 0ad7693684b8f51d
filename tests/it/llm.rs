//! The language engine: templates, files, the scripted engine, and the real model.

mod gguf;
#[cfg(feature = "llama")]
mod llama;
mod scripted;
mod template;
