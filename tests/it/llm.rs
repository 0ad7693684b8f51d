//! The language engine: templates, files, the scripted engine, and the real model.

#[cfg(feature = "llama")]
mod adapters;
mod gguf;
#[cfg(feature = "llama")]
mod llama;
mod lora;
#[cfg(feature = "openai")]
mod openai;
#[cfg(feature = "llama")]
mod pictures;
mod projector;
#[cfg(feature = "llama")]
mod refused;
mod scripted;
#[cfg(feature = "llama")]
mod seats;
#[cfg(feature = "llama")]
mod sounds;
mod template;
