//! The host: starts every part in order, runs the room, and takes everything down again.
//!
//! ```text
//! run ── boot::…        pages → models → server, ears, engine, voice → seats → room
//!     ├─ room::Room     one task: the turn core and everybody's ears; all events pass here
//!     ├─ faces          one task draws all faces
//!     ├─ admin          the pages
//!     └─ demo           a recorded visitor, on request
//! console::run          the same room at this machine, without a server
//! ```

use std::path::PathBuf;

#[cfg(all(feature = "llama", feature = "livekit"))]
use futures_util::future::BoxFuture;

use crate::config::Config;
use crate::latency::TurnRecord;

mod ahead;
#[cfg(all(feature = "llama", feature = "livekit"))]
mod boot;
pub mod cast;
pub mod console;
#[cfg(all(feature = "llama", feature = "livekit"))]
mod demo;
mod echo;
mod faces;
mod health;
mod ledger;
mod listening;
mod live;
mod parts;
mod played;
mod predictor;
mod probes;
#[cfg(feature = "livekit")]
pub mod questions;
mod ranker;
mod reading;
mod recording;
mod replies;
mod room;
#[cfg(all(feature = "llama", feature = "livekit"))]
mod server;
mod sight;
mod signal;
#[cfg(all(feature = "llama", feature = "livekit"))]
mod sound;

pub use faces::Faces;
pub use health::{Server, ServerState};
pub use parts::engines;
pub use recording::{Recording, Shown};
pub use room::{Parts, Room};

/// What `up` shows beside the room.
#[derive(Clone, Debug, Default)]
pub struct Show {
    /// A recorded human joins and talks.
    pub demo: bool,
    /// End when it has left.
    pub exit: bool,
    /// The folder in which the run becomes a tape.
    pub record: Option<PathBuf>,
}

/// Why the host did not start, or ended: one sentence with the mend.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error(transparent)]
    Pages(#[from] crate::admin::Error),
    #[error(transparent)]
    Model(#[from] crate::models::ModelError),
    #[error("{0}")]
    Part(String),
    #[error(transparent)]
    Sound(#[from] crate::room::console::SoundError),
    #[error("writing to the terminal failed ({0}); check where the output goes")]
    Terminal(#[from] std::io::Error),
    #[error(
        "there is no LiveKit server: set LIVEKIT_URL to yours, or run scripts/setup to install one"
    )]
    NoServer,
    #[error("no three free ports in a row were found from {first} on; set LIVEKIT_URL to a server")]
    NoPorts { first: u16 },
    #[error("the LiveKit server {} did not start: {cause}", binary.display())]
    Server { binary: PathBuf, cause: String },
    #[error("the machine gave no random bytes for the server's keys: {0}")]
    NoRandomness(String),
    #[cfg(feature = "livekit")]
    #[error(transparent)]
    Join(#[from] crate::room::livekit::JoinError),
    #[error("the tape {} cannot be begun: {cause}; give --record another folder", path.display())]
    Record { path: PathBuf, cause: std::io::Error },
    #[error("nobody of the cast could be hosted: {0}")]
    NobodyHosted(String),
    #[error("the visitor failed: {0}")]
    Visitor(String),
    #[error("this build lacks the feature `{0}`; build with default features")]
    NotBuilt(&'static str),
}

impl HostError {
    /// Whether the mend is on the user's side: exit code 2.
    pub fn is_usage(&self) -> bool {
        !matches!(
            self,
            Self::NobodyHosted(_) | Self::Visitor(_) | Self::NoRandomness(_) | Self::Terminal(_)
        )
    }
}

/// Somebody who comes to the room once the cast is there. The future ends when it has left.
#[cfg(all(feature = "llama", feature = "livekit"))]
pub type Guest = Box<dyn FnOnce(Door) -> BoxFuture<'static, Result<(), String>> + Send>;

/// Where a guest joins, and who gives it a token.
#[cfg(all(feature = "llama", feature = "livekit"))]
pub struct Door {
    pub url: String,
    pub mint: crate::room::token::Mint,
}

/// Runs the cast for one guest, and ends when it has left. Returns the turns of the run.
///
/// # Errors
/// When a part cannot start, or the guest failed; see [`HostError`].
#[cfg(all(feature = "llama", feature = "livekit"))]
pub async fn entertain(config: &Config, guest: Guest) -> Result<Vec<TurnRecord>, HostError> {
    boot::run(config, boot::Visit { guest: Some(guest), then_end: true, quiet: true, record: None })
        .await
}

/// Runs the cast until a signal, or until the demo is over. Returns the turns of the run.
///
/// # Errors
/// When a part cannot start; see [`HostError`].
#[cfg(all(feature = "llama", feature = "livekit"))]
pub async fn run(config: &Config, show: Show) -> Result<Vec<TurnRecord>, HostError> {
    let guest = show.demo.then_some(Box::new(demo::play) as Guest);
    let visit = boot::Visit { guest, then_end: show.exit, quiet: false, record: show.record };
    boot::run(config, visit).await
}

/// Refuses: this build lacks the engine or the room.
///
/// # Errors
/// Always.
#[cfg(not(all(feature = "llama", feature = "livekit")))]
pub async fn run(_: &Config, _: Show) -> Result<Vec<TurnRecord>, HostError> {
    Err(HostError::NotBuilt("llama` and `livekit"))
}

/// An identity for a visitor: its name made plain, and a random end so that two Toms are two.
pub fn visitor_identity(name: &str) -> String {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(24)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let end = random_hex::<4>().unwrap_or_else(|_| "0".to_owned());
    format!("{}-{end}", if plain.is_empty() { "visitor" } else { &plain })
}

/// `N` random bytes in hexadecimal.
fn random_hex<const N: usize>() -> Result<String, HostError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| HostError::NoRandomness(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
