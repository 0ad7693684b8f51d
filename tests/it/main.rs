//! Every integration test, in one binary.

#[cfg(feature = "whisper")]
mod ears;
mod host;
mod llm;
mod models;
mod pages;
mod rooms;
mod tape;
mod tidy;
#[cfg(feature = "llama")]
mod voice;
