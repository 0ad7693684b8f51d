//! Every integration test, in one binary.

mod console;
#[cfg(feature = "whisper")]
mod ears;
mod host;
mod llm;
mod models;
mod pages;
mod tidy;
#[cfg(feature = "llama")]
mod voice;
