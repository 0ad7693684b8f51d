//! What the room is given of the cast, told to whoever has to know it again.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::id::{PersonaId, Speaker};
use crate::room::watched::{Watched, Watcher};
use crate::room::{Caption, Command, Transport};
use crate::time::{Clock, Time};

/// Two seconds of frames with their captions: the oldest are lost, and counted, when nobody looks.
const BOUND: usize = 128;

/// Something of a persona that went into the room.
#[derive(Clone, Debug)]
pub(super) enum Played {
    Sound { end: Time, samples: Arc<[i16]> },
    Words { at: Time, text: String },
}

/// A transport that tells what it is given, and the place to hear it.
pub(super) fn overheard(
    inner: Arc<dyn Transport>,
    clock: Clock,
) -> (Arc<dyn Transport>, broadcast::Receiver<Played>) {
    let (played, receiver) = broadcast::channel(BOUND);
    (Arc::new(Watched::new(inner, clock, Teller(played))), receiver)
}

/// A room that is gone needs nothing: what nobody receives is dropped.
struct Teller(broadcast::Sender<Played>);

impl Watcher for Teller {
    fn sent(&self, at: Time, command: &Command) {
        if let Command::Caption(Caption { speaker: Speaker::Persona(_), text, .. }) = command
            && !text.is_empty()
        {
            let _ = self.0.send(Played::Words { at, text: text.clone() });
        }
    }

    fn voiced(&self, _: &PersonaId, end: Time, frame: &[i16]) {
        let _ = self.0.send(Played::Sound { end, samples: frame.into() });
    }
}
