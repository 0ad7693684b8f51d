//! The room at this machine: one human at its keyboard, and at its microphone where it has one.
//! No server, no network.
//!
//! ```text
//! keyboard ──────────────────► Guest ──► Event
//! microphone ► device ► echo ────┘
//! Command ──► screen (whoever shows the conversation)
//! voices  ──► Mixer ► device ► speaker
//! ```

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{Command, Event, LinkState, Member, Transport};
use crate::id::{HumanId, PersonaId};

#[cfg(feature = "console")]
pub mod device;
#[cfg(not(feature = "console"))]
#[path = "console/no_device.rs"]
pub mod device;
#[cfg(feature = "console")]
mod echo;
#[cfg(feature = "console")]
mod hear;
mod mixer;
#[cfg(any(test, feature = "console"))]
mod resample;
#[cfg(feature = "console")]
mod stream;

pub use mixer::Mixer;
#[cfg(feature = "console")]
use resample::Resampler;

/// Events waiting for the host: two seconds of a microphone. The senders wait when it is full.
const EVENTS_BOUND: usize = 256;
/// Commands waiting to be shown: minutes of captions. A screen that is further behind loses the
/// newest ones, which are counted.
const SCREEN_BOUND: usize = 1_024;
/// The identity of the human at this machine.
const HUMAN: &str = "you";

/// This machine's sound cannot be used: one sentence with the mend.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SoundError(pub String);

/// Which sound devices, by their ids or parts of their names; none is the system's default.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    pub input: Option<String>,
    pub output: Option<String>,
}

/// One sound device, as `--list` shows it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Listed {
    /// What `--input` and `--output` take.
    pub id: String,
    pub name: String,
    pub input: bool,
    pub output: bool,
}

/// The cast at this machine.
pub struct ConsoleRoom {
    screen: mpsc::Sender<Command>,
    dropped: AtomicU64,
    mixer: Option<Arc<Mixer>>,
}

impl fmt::Debug for ConsoleRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleRoom").field("sound", &self.mixer.is_some()).finish_non_exhaustive()
    }
}

/// The other ends of a [`ConsoleRoom`].
pub struct Ends {
    /// For the host.
    pub events: mpsc::Receiver<Event>,
    /// For whoever shows the conversation.
    pub screen: mpsc::Receiver<Command>,
    pub guest: Guest,
}

/// The human at this machine, as the room knows them.
#[derive(Clone, Debug)]
pub struct Guest {
    pub human: HumanId,
    events: mpsc::Sender<Event>,
}

impl Guest {
    /// Types a line. `false` when the host has ended.
    pub async fn types(&self, text: String) -> bool {
        self.tell(Event::Chat { human: self.human.clone(), text }).await
    }

    pub(crate) async fn tell(&self, event: Event) -> bool {
        self.events.send(event).await.is_ok()
    }
}

impl ConsoleRoom {
    /// A room in which `cast` and a human called `name` are already. Without a `mixer` the voices
    /// go nowhere, and the captions come at their pace all the same.
    pub fn open(cast: &[PersonaId], name: &str, mixer: Option<Arc<Mixer>>) -> (Self, Ends) {
        let human = HumanId::new(HUMAN);
        let members = cast.iter().cloned().map(Member::Persona);
        let up = |member| Event::Link { member, state: LinkState::Up };
        let mut first: Vec<_> = members.chain(std::iter::once(Member::Listener)).map(up).collect();
        first.push(Event::HumanJoined { human: human.clone(), name: name.to_owned() });

        let (events, events_out) = mpsc::channel(EVENTS_BOUND + first.len());
        for event in first {
            // There is room for them, and both ends are here.
            let _ = events.try_send(event);
        }
        let (screen, screen_out) = mpsc::channel(SCREEN_BOUND);
        let room = Self { screen, dropped: AtomicU64::new(0), mixer };
        (room, Ends { events: events_out, screen: screen_out, guest: Guest { human, events } })
    }

    /// Commands that the screen had no place for.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Transport for ConsoleRoom {
    fn send(&self, command: Command) {
        if self.screen.try_send(command).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn voice(&self, persona: &PersonaId, frame: &[i16]) {
        if let Some(mixer) = &self.mixer {
            mixer.push(persona, frame).await;
        }
    }

    fn clear_voice(&self, persona: &PersonaId) {
        if let Some(mixer) = &self.mixer {
            mixer.clear(persona);
        }
    }

    async fn close(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::AgentState;

    #[test]
    fn everybody_is_there_before_the_first_line() {
        let (_room, mut ends) = ConsoleRoom::open(&[PersonaId::new("ada")], "Tom", None);
        let mut told = Vec::new();
        while let Ok(event) = ends.events.try_recv() {
            told.push(match event {
                Event::Link { member: Member::Persona(id), state: LinkState::Up } => id.to_string(),
                Event::Link { member: Member::Listener, .. } => "listener".to_owned(),
                Event::HumanJoined { human, name } => format!("{human} is {name}"),
                other => panic!("{other:?}"),
            });
        }
        assert_eq!(told, ["ada", "listener", "you is Tom"]);
    }

    #[test]
    fn a_screen_that_nobody_reads_loses_the_newest_and_counts_them() {
        let (room, mut ends) = ConsoleRoom::open(&[], "Tom", None);
        let state = |state| Command::State { persona: PersonaId::new("ada"), state };
        for _ in 0..SCREEN_BOUND {
            room.send(state(AgentState::Thinking));
        }
        room.send(state(AgentState::Speaking));
        assert_eq!(room.dropped(), 1);
        while let Ok(command) = ends.screen.try_recv() {
            assert_eq!(command, state(AgentState::Thinking));
        }
    }
}
