//! Two peer connections of ours against each other, on this machine.

#[path = "../support/tone.rs"]
mod tone;

#[path = "../support/picture.rs"]
mod picture;

#[path = "../support/pair.rs"]
mod pair;

mod audio;
mod data;
mod exchange;
mod video;
