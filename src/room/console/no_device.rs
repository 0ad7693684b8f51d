//! A build without sound devices: the console is for typing only.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Choice, Guest, Listed, Mixer, SoundError};
use crate::time::Clock;

/// There is none.
pub enum Devices {}

/// What the console hears of its devices.
pub struct Sound {
    pub level: watch::Receiver<f32>,
    pub failures: mpsc::Receiver<String>,
}

/// # Errors
/// Always.
pub fn list() -> Result<Vec<Listed>, SoundError> {
    Err(without())
}

/// # Errors
/// Always.
pub fn open(_: &Choice, _: Clock) -> Result<Devices, SoundError> {
    Err(without())
}

impl Devices {
    pub fn mixer(&self) -> Arc<Mixer> {
        match *self {}
    }

    pub fn start(self, _: Guest, _: &TaskTracker, _: CancellationToken) -> Sound {
        match self {}
    }
}

fn without() -> SoundError {
    SoundError(
        "this build lacks the feature `console`; build with default features, or type with --text"
            .to_owned(),
    )
}
