//! What humans show: the host asks the room for frames when the eyes want to look, has them and
//! pasted files made into pictures on a thread for such work, and keeps a typed line back until the
//! pictures that came with it are ready.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

use crate::admin::state::{Pictures, Publisher};
use crate::avatar::schedule::RATES_FPS;
use crate::eyes::{Eyes, Options, Seen};
use crate::id::HumanId;
use crate::picture::{Picture, Source};
use crate::room::Transport;
use crate::time::Time;
use crate::video::I420;

/// Pictures in the making or waiting for it: each takes some 20 ms of a core, a pasted one up to a
/// second. What finds no place is seen at the next look; a pasted one is refused.
const MAKING_MAX: usize = 8;
/// Of these at a time: a hostile file may take 256 MiB to be found out.
const WORKERS_MAX: usize = 2;
/// Typed lines that wait for their pictures, of all humans.
const HELD_MAX: usize = 32;

/// A picture that is ready; none where it was no picture, or nobody sees.
pub(super) struct Made {
    pub(super) human: HumanId,
    pub(super) source: Source,
    pub(super) picture: Option<Picture>,
}

/// A line as it was typed.
pub(super) struct Typed {
    pub(super) human: HumanId,
    pub(super) at: Time,
    pub(super) text: String,
}

pub(super) struct Sight {
    eyes: Eyes,
    /// Nobody of the cast sees: nothing is looked at or into.
    blind: bool,
    transport: Arc<dyn Transport>,
    publisher: Publisher,
    made: mpsc::Sender<Made>,
    workers: Arc<Semaphore>,
    making: usize,
    /// Frames and files that found no place.
    dropped: u64,
    /// Pictures of each human in the making.
    open: HashMap<HumanId, usize>,
    held: VecDeque<Typed>,
}

impl Sight {
    /// And where what is made comes out.
    pub(super) fn new(
        sees: bool,
        transport: Arc<dyn Transport>,
        publisher: Publisher,
    ) -> (Self, mpsc::Receiver<Made>) {
        // As large as what may be in the making, so that nobody waits for a place.
        let (made, inbox) = mpsc::channel(MAKING_MAX);
        let sight = Self {
            eyes: Eyes::new(Options::default()),
            blind: !sees,
            transport,
            publisher,
            made,
            workers: Arc::new(Semaphore::new(WORKERS_MAX)),
            making: 0,
            dropped: 0,
            open: HashMap::new(),
            held: VecDeque::new(),
        };
        (sight, inbox)
    }

    pub(super) fn view(&mut self, human: &HumanId, source: Source, on: bool) {
        if !self.blind {
            self.eyes.view(human, source, on);
        }
    }

    pub(super) fn left(&mut self, human: &HumanId) {
        self.eyes.left(human);
    }

    pub(super) fn speaks(&mut self, human: &HumanId, speaks: bool) {
        self.eyes.speaks(human, speaks);
    }

    pub(super) fn wake_at(&self) -> Option<Time> {
        self.eyes.wake_at()
    }

    /// Looks at what is due.
    pub(super) fn wake(&mut self, now: Time) {
        if self.eyes.wake_at().is_none_or(|at| at > now) {
            return;
        }
        // Faces give way first; at their slowest, looks become fewer.
        let faces = self.publisher.status().faces;
        self.eyes.set_strained(faces.is_some_and(|faces| RATES_FPS.last() == Some(&faces.fps)));
        for (human, source) in self.eyes.looks(now) {
            self.transport.look(&human, source);
        }
    }

    /// A frame that was looked for.
    pub(super) fn frame(&mut self, human: HumanId, source: Source, frame: Arc<I420>) {
        if self.making >= MAKING_MAX {
            self.dropped += 1;
        } else if self.eyes.frame(&human, source, &frame) {
            self.make(human, source, move || Some(Picture::of_frame(&frame)));
        }
    }

    /// A file from the chat. What can be told of it at once comes back; else it comes out later.
    pub(super) fn pasted(&mut self, human: HumanId, file: Vec<u8>) -> Option<Made> {
        let full = self.making >= MAKING_MAX;
        if self.blind || full {
            self.dropped += u64::from(full);
            return Some(Made { human, source: Source::Chat, picture: None });
        }
        let whose = human.clone();
        self.make(human, Source::Chat, move || {
            Picture::of_file(&file)
                .inspect_err(|error| tracing::warn!(human = %whose, %error, "not shown"))
                .ok()
        });
        None
    }

    fn make(
        &mut self,
        human: HumanId,
        source: Source,
        picture: impl FnOnce() -> Option<Picture> + Send + 'static,
    ) {
        self.making += 1;
        *self.open.entry(human.clone()).or_default() += 1;
        let (made, workers) = (self.made.clone(), self.workers.clone());
        tokio::spawn(async move {
            // It is never closed.
            let _turn = workers.acquire_owned().await;
            // What makes the decoder panic is no picture.
            let picture = tokio::task::spawn_blocking(picture).await.unwrap_or_default();
            // A room that is gone needs none.
            let _ = made.send(Made { human, source, picture }).await;
        });
    }

    /// What came out is no longer in the making. The lines that waited for it come back.
    pub(super) fn came_out(&mut self, made: &Made) -> Vec<Typed> {
        self.making -= 1;
        if let Some(open) = self.open.get_mut(&made.human) {
            *open -= 1;
            if *open > 0 {
                return Vec::new();
            }
            self.open.remove(&made.human);
        }
        let held = std::mem::take(&mut self.held);
        let (ready, held) = held.into_iter().partition(|typed| typed.human == made.human);
        self.held = held;
        Vec::from(ready)
    }

    /// A picture is to go with a line.
    pub(super) fn take(&mut self, now: Time, made: Made) {
        self.eyes.made(now, &made.human, made.source, made.picture.clone());
        if let Some(picture) = made.picture {
            self.publisher.picture(picture);
        }
    }

    /// The line, unless it waits for a picture.
    pub(super) fn typed(&mut self, typed: Typed) -> Option<Typed> {
        if self.open.contains_key(&typed.human) && self.held.len() < HELD_MAX {
            self.held.push_back(typed);
            return None;
        }
        Some(typed)
    }

    /// What goes with a line of `speaker`, given only this once.
    pub(super) fn give(&mut self, now: Time, speaker: &HumanId) -> Vec<Seen> {
        self.eyes.give(now, speaker)
    }

    /// What would go with a line of `speaker` now.
    pub(super) fn would_give(&self, now: Time, speaker: &HumanId) -> Vec<Seen> {
        self.eyes.would_give(now, speaker)
    }

    /// For the pages; none where nobody sees and nothing was shown.
    pub(super) fn shown(&self) -> Option<Pictures> {
        let (seen, dropped) = (self.eyes.counts(), self.dropped);
        let shown = Pictures { seen, dropped, ..Pictures::default() };
        (!self.blind || shown != Pictures::default()).then_some(shown)
    }
}
