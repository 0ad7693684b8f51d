//! Pictures and sounds on their way into seats: encoded one after the other on a thread of their
//! own, each once for all who wait for it. Whoever waits holds up its own seat only.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{Builder, Scope};

use super::Worker;
use super::task::Task;
use crate::llm::llama::projector::{Projector, Size};
use crate::llm::media::{Encoded, Part, is_media, is_picture};
use crate::llm::sampler::Token;
use crate::llm::scheduler::{Job, JobId, Row};
use crate::llm::{EngineError, Medium, Message};
use crate::medium::MediumId;

/// The thread that encodes. It has one medium in hand, and the next is chosen when that is done:
/// who waits then, and for what, is known by the tasks.
pub(super) struct Encoder<'m> {
    projector: &'m Projector<'m>,
    /// What every sound is made into, where that is the same for all.
    any_sound: Option<Vec<Part>>,
    wishes: SyncSender<Medium>,
    made: Receiver<Made>,
    in_hand: Option<MediumId>,
}

type Made = (MediumId, Result<Vec<f32>, String>);

/// What a task has of the media of its prompt.
#[derive(Default)]
pub(super) struct Needed {
    /// To be encoded before the prompt is computed.
    missing: Vec<Medium>,
    /// Kept until the prompt is computed, whatever leaves the gallery.
    held: HashMap<MediumId, Arc<Encoded>>,
    /// Encoded for this task first.
    asked: Vec<MediumId>,
    /// Nothing of the seat can be kept.
    pub anew: bool,
}

impl Needed {
    fn needs(&self, id: &MediumId) -> bool {
        self.held.contains_key(id) || self.misses(id)
    }

    fn misses(&self, id: &MediumId) -> bool {
        self.first(id).is_some()
    }

    fn first(&self, id: &MediumId) -> Option<&Medium> {
        self.missing.iter().find(|medium| medium.id() == id)
    }

    /// The prompt is computed.
    pub(super) fn done(&mut self) {
        self.held.clear();
    }
}

impl<'m> Encoder<'m> {
    /// Starts the thread, which ends when this is dropped.
    pub(super) fn open<'s>(
        scope: &'s Scope<'s, '_>,
        projector: &'m Projector<'m>,
    ) -> Result<Self, std::io::Error>
    where
        'm: 's,
    {
        let (wishes, media) = sync_channel::<Medium>(1);
        let (make, made) = sync_channel(1);
        let work = move || {
            for medium in media {
                let values = projector.encode(&medium);
                if make.send((medium.id().clone(), values)).is_err() {
                    break;
                }
            }
        };
        Builder::new().name("llama media".to_owned()).spawn_scoped(scope, work)?;
        let any_sound = projector.parts_of_any_sound();
        Ok(Self { projector, any_sound, wishes, made, in_hand: None })
    }

    /// What is made of a medium, where a step takes each part of it.
    fn parts(&self, medium: &Medium, step_tokens: usize) -> Result<Vec<Part>, String> {
        if let (Medium::Sound(_), Some(parts)) = (medium, &self.any_sound) {
            return Ok(parts.clone());
        }
        let parts = self.projector.parts(Size::of(medium))?;
        let too_long = |part: &Part| matches!(part, Part::Positions(many) if *many > step_tokens);
        let whole = self.projector.sees_whole() && medium.picture().is_some();
        if whole && parts.iter().any(too_long) {
            return Err(format!("a step takes only {step_tokens} of its places"));
        }
        Ok(parts)
    }
}

/// The media of messages, each once.
fn media(messages: &[Message]) -> Vec<Medium> {
    let mut all: Vec<Medium> = Vec::new();
    for medium in messages.iter().flat_map(|message| &message.media) {
        if !all.contains(medium) {
            all.push(medium.clone());
        }
    }
    all
}

fn unusable(medium: &Medium, why: &str) -> EngineError {
    let id = medium.id();
    EngineError::Failed(match medium {
        Medium::Picture(_) => format!("the picture {id} cannot be used: {why}; show another"),
        Medium::Sound(_) => format!("the sound {id} cannot be used: {why}; say it again"),
    })
}

impl Worker<'_> {
    /// Gives the media of a job's messages their tokens, as far as they are in its window.
    pub(super) fn learn(&mut self, job: &Job) -> Result<(), EngineError> {
        let Some(task) = self.tasks.get(&job.id) else { return Ok(()) };
        if !task.messages().iter().any(|message| !message.media.is_empty()) {
            return Ok(());
        }
        let Some(encoder) = &self.encoder else { return Err(EngineError::Blind) };
        let window = &self.windows[job.seat.0];
        let seen = if task.warms_up() {
            media(task.messages())
        } else {
            media(&window.visible(task.messages()))
        };
        let (scheduler, tasks) = (&self.scheduler, &self.tasks);
        let needed = |id: &MediumId, tokens: &[Token]| {
            let first = tokens.iter().find(|token| is_media(**token));
            seen.iter().any(|medium| medium.id() == id)
                || first.is_some_and(|first| scheduler.holds(*first))
                || tasks.values().any(|task| task.media.needs(id))
        };
        for medium in &seen {
            if self.gallery.tokens(medium.id()).is_some() {
                continue;
            }
            let parts = encoder.parts(medium, self.step_tokens);
            let parts = parts.map_err(|why| unusable(medium, &why))?;
            self.gallery.learn(medium.id(), medium.kind(), &parts, needed);
        }
        Ok(())
    }

    /// Whether every medium in the `rest` of a job's prompt is at hand. The job waits for others.
    pub(super) fn at_hand(&mut self, id: JobId, rest: &[Token]) -> bool {
        let Some(task) = self.tasks.get_mut(&id) else { return true };
        let mut missing = Vec::new();
        for medium in media(task.messages()) {
            let last = self
                .gallery
                .tokens(medium.id())
                .and_then(|tokens| tokens.iter().rev().find(|token| is_media(**token)).copied());
            let Some(_) = last.filter(|last| rest.contains(last)) else { continue };
            if task.media.held.contains_key(medium.id()) {
                continue;
            }
            match self.gallery.encoded(medium.id()) {
                Some(encoded) => drop(task.media.held.insert(medium.id().clone(), encoded)),
                None => missing.push(medium),
            }
        }
        task.media.missing = missing;
        task.media.missing.is_empty()
    }

    /// Counts the media of a prompt that its seat had not, and that were encoded before.
    pub(super) fn count_shared(&mut self, id: JobId, new: &[Token]) {
        let Some(task) = self.tasks.get(&id) else { return };
        let mut shared = media(task.messages());
        shared.retain(|medium| {
            let first = self
                .gallery
                .tokens(medium.id())
                .and_then(|tokens| tokens.iter().find(|token| is_media(**token)));
            first.is_some_and(|first| new.contains(first))
                && !task.media.asked.contains(medium.id())
        });
        self.gallery.count_shared(shared.iter());
    }

    /// Takes what was encoded, and lets those begin who waited for it.
    pub(super) fn take_encoded(&mut self) {
        let Some(encoder) = &mut self.encoder else { return };
        let (id, values) = match encoder.made.try_recv() {
            Ok(made) => made,
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => {
                // Its thread has ended; who waits is told with the next wish.
                encoder.in_hand = None;
                return;
            }
        };
        encoder.in_hand = None;
        let kept = match values {
            Ok(values) => {
                let encoded = self.gallery.keep(&id, values, self.context.width());
                encoded.ok_or_else(|| "it is not made into what it should be".to_owned())
            }
            Err(why) => Err(why),
        };
        let waiting = self.tasks.iter().filter(|(_, task)| task.media.misses(&id));
        let mut waiting: Vec<_> = waiting.map(|(job, _)| *job).collect();
        waiting.sort_unstable();
        for job in waiting {
            match &kept {
                Ok(encoded) => self.hand_over(job, &id, encoded),
                Err(why) => {
                    let missing = self.tasks.get(&job).and_then(|task| task.media.first(&id));
                    let error = missing.map(|medium| unusable(medium, why));
                    self.end(job, Err(error.unwrap_or_else(|| EngineError::Failed(why.clone()))));
                }
            }
        }
    }

    fn hand_over(&mut self, job: JobId, id: &MediumId, encoded: &Arc<Encoded>) {
        let Some(Task { media, .. }) = self.tasks.get_mut(&job) else { return };
        media.missing.retain(|medium| medium.id() != id);
        media.held.insert(id.clone(), Arc::clone(encoded));
        if !media.missing.is_empty() {
            return;
        }
        let begins = self.scheduler.running().find(|running| running.id == job).copied();
        if let Some(Err(error)) = begins.map(|job| self.start(job)) {
            self.end(job, Err(error));
        }
    }

    /// Has the next medium encoded: of the best class, then of whoever came first.
    pub(super) fn encode_next(&mut self) {
        let Some(encoder) = self.encoder.as_mut().filter(|encoder| encoder.in_hand.is_none())
        else {
            return;
        };
        let waiting = self.tasks.iter_mut().filter(|(_, task)| !task.media.missing.is_empty());
        let Some((&job, task)) = waiting.min_by_key(|(job, task)| (task.class(), **job)) else {
            return;
        };
        let Some(medium) = task.media.missing.first().cloned() else { return };
        task.media.asked.push(medium.id().clone());
        let id = medium.id().clone();
        if encoder.wishes.try_send(medium).is_ok() {
            encoder.in_hand = Some(id);
        } else {
            let why = "the thread that encodes pictures and sounds has ended; restart the host";
            let why = why.to_owned();
            self.end(job, Err(EngineError::Failed(why)));
        }
    }

    /// Computes a part of a medium, or some of it.
    pub(super) fn compute_medium(&mut self, rows: &[Row]) -> Result<(), EngineError> {
        let failed = |why: &str| EngineError::Failed(why.to_owned());
        let found = rows.first().and_then(|first| {
            let held = self.tasks.get(&first.job)?.media.held.values();
            let of = |encoded: &&Arc<Encoded>| encoded.values(first.token, rows.len()).is_some();
            Some((first.token, Arc::clone(held.into_iter().find(of)?)))
        });
        let (from, encoded) = found.ok_or_else(|| failed("a picture or a sound was lost"))?;
        let values = encoded.values(from, rows.len()).unwrap_or_default();
        let sees_whole = self.encoder.as_ref().is_some_and(|one| one.projector.sees_whole());
        let causal = !(sees_whole && is_picture(from));
        let cells: Vec<_> = rows.iter().map(|row| self.cell(row)).collect();
        if self.context.compute_values(cells.into_iter(), values, causal) {
            return Ok(());
        }
        Err(failed("llama.cpp cannot compute a picture or a sound; its log says why"))
    }
}
