//! Every integration test, in one binary.

mod bench;
#[cfg(feature = "whisper")]
mod ears;
mod host;
mod llm;
mod models;
mod pages;
mod sim;
mod tidy;
#[cfg(feature = "llama")]
mod voice;
