//! Two peer connections of ours against each other, on this machine.

#[path = "../support/tone.rs"]
mod tone;

#[path = "../support/picture.rs"]
mod picture;

mod pair;
mod relay;

mod audio;
mod bad_network;
mod data;
mod exchange;
mod video;
