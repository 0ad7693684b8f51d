//! Two peer connections of ours against each other, on this machine.

#[path = "../support/tone.rs"]
mod tone;

mod pair;

mod audio;
mod data;
mod exchange;
