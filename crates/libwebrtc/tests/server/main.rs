//! LiveKit's SDK over this crate, against a real server.
//!
//! Needs `LIVEKIT_SERVER_BIN`: asked for by the feature `server-tests`, a missing server is a
//! failure and no reason to skip.

#[path = "../support/tone.rs"]
mod tone;

#[path = "../support/picture.rs"]
mod picture;

mod guest;
mod host;

mod reconnect;
mod rooms;
mod video;
