//! Every integration test, in one binary.

#[cfg(feature = "whisper")]
mod ears;
#[cfg(feature = "llama")]
mod end_of_turn;
mod host;
mod llm;
mod models;
mod pages;
mod tidy;
#[cfg(feature = "llama")]
mod voice;
