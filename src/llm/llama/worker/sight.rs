//! Pictures on their way into seats: encoded one after the other on a thread of their own, each
//! once for all who wait for it. Whoever waits holds up its own seat only.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{Builder, Scope};

use super::Worker;
use super::task::Task;
use crate::llm::llama::eyes::Eyes;
use crate::llm::media::{Encoded, Part, is_media};
use crate::llm::sampler::Token;
use crate::llm::scheduler::{Job, JobId, Row};
use crate::llm::{EngineError, Message};
use crate::picture::{Picture, PictureId};

/// The thread that encodes. It has one picture in hand, and the next is chosen when that is done:
/// who waits then, and for what, is known by the tasks.
pub(super) struct Sight<'m> {
    eyes: &'m Eyes<'m>,
    wishes: SyncSender<Picture>,
    made: Receiver<Made>,
    in_hand: Option<PictureId>,
}

type Made = (PictureId, Result<Vec<f32>, String>);

/// What a task has of the pictures of its prompt.
#[derive(Default)]
pub(super) struct Shown {
    /// To be encoded before the prompt is computed.
    missing: Vec<Picture>,
    /// Kept until the prompt is computed, whatever leaves the gallery.
    held: HashMap<PictureId, Arc<Encoded>>,
    /// Encoded for this task first.
    asked: Vec<PictureId>,
    /// Nothing of the seat can be kept.
    pub anew: bool,
}

impl Shown {
    fn needs(&self, id: &PictureId) -> bool {
        self.held.contains_key(id) || self.misses(id)
    }

    fn misses(&self, id: &PictureId) -> bool {
        self.missing.iter().any(|picture| picture.id() == id)
    }

    /// The prompt is computed.
    pub(super) fn done(&mut self) {
        self.held.clear();
    }
}

impl<'m> Sight<'m> {
    /// Starts the thread, which ends when this is dropped.
    pub(super) fn open<'s>(
        scope: &'s Scope<'s, '_>,
        eyes: &'m Eyes<'m>,
    ) -> Result<Self, std::io::Error>
    where
        'm: 's,
    {
        let (wishes, pictures) = sync_channel::<Picture>(1);
        let (make, made) = sync_channel(1);
        let work = move || {
            for picture in pictures {
                let values = eyes.encode(&picture);
                if make.send((picture.id().clone(), values)).is_err() {
                    break;
                }
            }
        };
        Builder::new().name("llama eyes".to_owned()).spawn_scoped(scope, work)?;
        Ok(Self { eyes, wishes, made, in_hand: None })
    }

    /// What is made of a picture, where a step takes each part of it.
    fn parts(&self, picture: &Picture, step_tokens: usize) -> Result<Vec<Part>, String> {
        let parts = self.eyes.parts((picture.width(), picture.height()))?;
        let too_long = |part: &Part| matches!(part, Part::Positions(many) if *many > step_tokens);
        if self.eyes.see_whole() && parts.iter().any(too_long) {
            return Err(format!("a step takes only {step_tokens} of its places"));
        }
        Ok(parts)
    }
}

/// The pictures of messages, each once.
fn pictures(messages: &[Message]) -> Vec<Picture> {
    let mut all: Vec<Picture> = Vec::new();
    for picture in messages.iter().flat_map(|message| &message.pictures) {
        if !all.contains(picture) {
            all.push(picture.clone());
        }
    }
    all
}

fn unusable(id: &PictureId, why: &str) -> EngineError {
    EngineError::Failed(format!("the picture {id} cannot be used: {why}; show another"))
}

impl Worker<'_> {
    /// Gives the pictures of a job's messages their tokens, as far as they are in its window.
    pub(super) fn learn(&mut self, job: &Job) -> Result<(), EngineError> {
        let Some(task) = self.tasks.get(&job.id) else { return Ok(()) };
        if !task.messages().iter().any(|message| !message.pictures.is_empty()) {
            return Ok(());
        }
        let Some(sight) = &self.sight else { return Err(EngineError::Blind) };
        let window = &self.windows[job.seat.0];
        let seen = if task.warms_up() {
            pictures(task.messages())
        } else {
            pictures(&window.visible(task.messages()))
        };
        let (scheduler, tasks) = (&self.scheduler, &self.tasks);
        let needed = |id: &PictureId, tokens: &[Token]| {
            let first = tokens.iter().find(|token| is_media(**token));
            seen.iter().any(|picture| picture.id() == id)
                || first.is_some_and(|first| scheduler.holds(*first))
                || tasks.values().any(|task| task.shown.needs(id))
        };
        for picture in &seen {
            if self.gallery.tokens(picture.id()).is_some() {
                continue;
            }
            let parts = sight.parts(picture, self.step_tokens);
            let parts = parts.map_err(|why| unusable(picture.id(), &why))?;
            self.gallery.learn(picture.id(), &parts, needed);
        }
        Ok(())
    }

    /// Whether every picture in the `rest` of a job's prompt is at hand. The job waits for others.
    pub(super) fn at_hand(&mut self, id: JobId, rest: &[Token]) -> bool {
        let Some(task) = self.tasks.get_mut(&id) else { return true };
        let mut missing = Vec::new();
        for picture in pictures(task.messages()) {
            let last = self
                .gallery
                .tokens(picture.id())
                .and_then(|tokens| tokens.iter().rev().find(|token| is_media(**token)).copied());
            let Some(_) = last.filter(|last| rest.contains(last)) else { continue };
            if task.shown.held.contains_key(picture.id()) {
                continue;
            }
            match self.gallery.encoded(picture.id()) {
                Some(encoded) => drop(task.shown.held.insert(picture.id().clone(), encoded)),
                None => missing.push(picture),
            }
        }
        task.shown.missing = missing;
        task.shown.missing.is_empty()
    }

    /// Counts the pictures of a prompt that its seat had not, and that were encoded before.
    pub(super) fn count_shared(&mut self, id: JobId, new: &[Token]) {
        let Some(task) = self.tasks.get(&id) else { return };
        let shared = pictures(task.messages()).into_iter().filter(|picture| {
            let first = self
                .gallery
                .tokens(picture.id())
                .and_then(|tokens| tokens.iter().find(|token| is_media(**token)));
            first.is_some_and(|first| new.contains(first))
                && !task.shown.asked.contains(picture.id())
        });
        self.gallery.counts.shared += shared.count() as u64;
    }

    /// Takes what was encoded, and lets those begin who waited for it.
    pub(super) fn look(&mut self) {
        let Some(sight) = &mut self.sight else { return };
        let (id, values) = match sight.made.try_recv() {
            Ok(made) => made,
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => {
                // Its thread has ended; who waits is told with the next wish.
                sight.in_hand = None;
                return;
            }
        };
        sight.in_hand = None;
        let kept = match values {
            Ok(values) => {
                let encoded = self.gallery.keep(&id, values, self.context.width());
                encoded.ok_or_else(|| "it is not made into what it should be".to_owned())
            }
            Err(why) => Err(why),
        };
        let waiting = self.tasks.iter().filter(|(_, task)| task.shown.misses(&id));
        let mut waiting: Vec<_> = waiting.map(|(job, _)| *job).collect();
        waiting.sort_unstable();
        for job in waiting {
            match &kept {
                Ok(encoded) => self.show(job, &id, encoded),
                Err(why) => self.end(job, Err(unusable(&id, why))),
            }
        }
    }

    fn show(&mut self, job: JobId, id: &PictureId, encoded: &Arc<Encoded>) {
        let Some(Task { shown, .. }) = self.tasks.get_mut(&job) else { return };
        shown.missing.retain(|picture| picture.id() != id);
        shown.held.insert(id.clone(), Arc::clone(encoded));
        if !shown.missing.is_empty() {
            return;
        }
        let begins = self.scheduler.running().find(|running| running.id == job).copied();
        if let Some(Err(error)) = begins.map(|job| self.start(job)) {
            self.end(job, Err(error));
        }
    }

    /// Has the next picture encoded: of the best class, then of whoever came first.
    pub(super) fn encode_next(&mut self) {
        let Some(sight) = self.sight.as_mut().filter(|sight| sight.in_hand.is_none()) else {
            return;
        };
        let waiting = self.tasks.iter_mut().filter(|(_, task)| !task.shown.missing.is_empty());
        let Some((&job, task)) = waiting.min_by_key(|(job, task)| (task.class(), **job)) else {
            return;
        };
        let Some(picture) = task.shown.missing.first().cloned() else { return };
        task.shown.asked.push(picture.id().clone());
        let id = picture.id().clone();
        if sight.wishes.try_send(picture).is_ok() {
            sight.in_hand = Some(id);
        } else {
            let why = "the thread that encodes pictures has ended; restart the host".to_owned();
            self.end(job, Err(EngineError::Failed(why)));
        }
    }

    /// Computes a part of a picture, or some of it.
    pub(super) fn compute_picture(&mut self, rows: &[Row]) -> Result<(), EngineError> {
        let failed = |why: &str| EngineError::Failed(why.to_owned());
        let found = rows.first().and_then(|first| {
            let held = self.tasks.get(&first.job)?.shown.held.values();
            let of = |encoded: &&Arc<Encoded>| encoded.values(first.token, rows.len()).is_some();
            Some((first.token, Arc::clone(held.into_iter().find(of)?)))
        });
        let (from, encoded) = found.ok_or_else(|| failed("a picture was lost"))?;
        let values = encoded.values(from, rows.len()).unwrap_or_default();
        let causal = self.sight.as_ref().is_none_or(|sight| !sight.eyes.see_whole());
        let cells: Vec<_> = rows.iter().map(|row| self.cell(row)).collect();
        if self.context.compute_values(cells.into_iter(), values, causal) {
            return Ok(());
        }
        Err(failed("llama.cpp cannot compute a picture; its log says why"))
    }
}
