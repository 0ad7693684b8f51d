//! Every integration test, in one binary.

mod llm;
mod models;
mod pages;
mod tidy;
#[cfg(feature = "llama")]
mod voice;

#[cfg(feature = "whisper")]
mod ears;
