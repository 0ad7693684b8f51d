//! Troupe: a host for a room full of personas.
//!
//! `docs/ARCHITECTURE.md` walks one utterance through these modules. Dependencies point downwards:
//! `cli → host → adapters (room, stt, llm, tts, speech, admin) → cores (turn, vad, eyes) → data`.

pub mod admin;
pub mod audio;
pub mod avatar;
pub mod bench;
pub mod cli;
pub mod config;
pub mod eyes;
pub mod host;
pub mod id;
pub mod latency;
pub mod llm;
pub mod meaning;
pub mod medium;
pub mod models;
pub mod mouth;
pub mod onnx;
pub mod persona;
pub mod picture;
pub mod probe;
pub mod replay;
pub mod room;
pub mod sound;
pub mod speech;
pub mod stt;
pub mod tape;
pub mod telemetry;
pub mod time;
pub mod tts;
pub mod turn;
pub mod vad;
pub mod video;
