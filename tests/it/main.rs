//! Every integration test, in one binary.

mod answers;
mod bench;
mod console;
#[cfg(feature = "whisper")]
mod ears;
#[cfg(feature = "llama")]
mod end_of_turn;
mod host;
mod json;
mod listening;
mod llm;
mod log;
mod models;
mod pages;
mod probes;
mod rooms;
mod sight;
mod sim;
mod tape;
mod telemetry;
mod tidy;
#[cfg(feature = "llama")]
mod voice;
