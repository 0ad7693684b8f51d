//! Which frames of cameras and screens the model gets to see: a core without clock or tasks.
//!
//! A view is looked at once a second while its owner speaks, and seldom otherwise. Of what is seen
//! only a frame that differs from the last is made into a picture, and the newest picture of each
//! view waits for the next line of anybody. A line takes so many at most: its speaker's first, and
//! of the others' the newest.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::id::HumanId;
use crate::picture::{Picture, Source};
use crate::time::Time;
use crate::video::I420;

mod change;

use change::Cells;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Between two looks at somebody who speaks.
    pub speaking: Duration,
    /// And at anybody else.
    pub quiet: Duration,
    /// A look that brings no frame is given up after this.
    pub patience: Duration,
    /// A picture that no line took by then is no longer what is being shown.
    pub fresh: Duration,
    /// What has not changed goes with a line again after this: pictures leave the conversation.
    pub again: Duration,
    /// Pictures that go with a line.
    pub per_line: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            speaking: Duration::from_secs(1),
            quiet: Duration::from_secs(3),
            patience: Duration::from_secs(3),
            fresh: Duration::from_secs(30),
            again: Duration::from_secs(120),
            per_line: 2,
        }
    }
}

/// What has become of the frames and pictures, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Frames that were asked for.
    pub looks: u64,
    /// Frames that came.
    pub frames: u64,
    /// Of them, those that showed nothing new.
    pub unchanged: u64,
    /// Pictures that went with a line.
    pub given: u64,
    /// Pictures that a newer one replaced before a line took them, or that grew old.
    pub replaced: u64,
    /// Files that were no pictures, and pictures that nobody could look at.
    pub refused: u64,
}

/// A picture that goes with a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub human: HumanId,
    pub source: Source,
    /// None: nobody could look at it.
    pub picture: Option<Picture>,
}

/// A camera or a screen, or what its owner puts into the chat.
type Key = (HumanId, Source);

/// See the module.
#[derive(Debug, Default)]
pub struct Eyes {
    options: Options,
    views: BTreeMap<Key, View>,
    speaking: BTreeSet<HumanId>,
    /// The processor is short: looks are half as many.
    strained: bool,
    counts: Counts,
}

#[derive(Debug, Default)]
struct View {
    /// There is something to look at.
    on: bool,
    looked: Option<Time>,
    /// A look is under way.
    awaited: bool,
    /// A frame is being made into a picture.
    making: bool,
    /// What the last picture showed.
    last: Option<Cells>,
    waiting: VecDeque<Waiting>,
}

#[derive(Clone, Debug)]
struct Waiting {
    at: Time,
    picture: Option<Picture>,
    /// When a line took it: a view's newest stays, to be given again.
    given: Option<Time>,
}

impl From<(Key, Waiting)> for Seen {
    fn from(((human, source), Waiting { picture, .. }): (Key, Waiting)) -> Self {
        Self { human, source, picture }
    }
}

impl Eyes {
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// There is a camera or a screen to look at, or no longer.
    pub fn view(&mut self, human: &HumanId, source: Source, on: bool) {
        let view = self.views.entry((human.clone(), source)).or_default();
        *view = View { on, waiting: std::mem::take(&mut view.waiting), ..View::default() };
        self.forget_empty();
    }

    /// What was shown just before still goes with a line.
    fn forget_empty(&mut self) {
        self.views.retain(|_, view| view.on || !view.waiting.is_empty());
    }

    pub fn left(&mut self, human: &HumanId) {
        self.speaking.remove(human);
        self.views.retain(|(owner, _), _| owner != human);
    }

    pub fn speaks(&mut self, human: &HumanId, speaks: bool) {
        if speaks {
            self.speaking.insert(human.clone());
        } else {
            self.speaking.remove(human);
        }
    }

    /// Whether the processor is short.
    pub fn set_strained(&mut self, strained: bool) {
        self.strained = strained;
    }

    /// The views that are to be looked at now; each counts as looked at.
    pub fn looks(&mut self, now: Time) -> Vec<(HumanId, Source)> {
        let due: Vec<_> =
            self.due().filter(|(_, at)| *at <= now).map(|(view, _)| view.clone()).collect();
        for key in &due {
            let Some(view) = self.views.get_mut(key) else { continue };
            (view.looked, view.awaited) = (Some(now), true);
            self.counts.looks += 1;
        }
        due
    }

    /// When [`Self::looks`] has something to tell.
    pub fn wake_at(&self) -> Option<Time> {
        self.due().map(|(_, at)| at).min()
    }

    fn due(&self) -> impl Iterator<Item = (&Key, Time)> {
        let Options { speaking, quiet, patience, .. } = self.options;
        let strain = if self.strained { 2 } else { 1 };
        self.views.iter().filter(|(_, view)| view.on).map(move |(key, view)| {
            let period = if self.speaking.contains(&key.0) { speaking } else { quiet } * strain;
            let period = if view.awaited { period.max(patience) } else { period };
            (key, view.looked.map_or(Time::ZERO, |looked| looked + period))
        })
    }

    /// A frame has come. Whether a picture is to be made of it, to be told by [`Self::made`].
    pub fn frame(&mut self, human: &HumanId, source: Source, frame: &I420) -> bool {
        let Some(view) = self.views.get_mut(&(human.clone(), source)) else { return false };
        self.counts.frames += 1;
        view.awaited = false;
        let cells = Cells::of(frame);
        if view.making || view.last.as_ref().is_some_and(|last| !cells.differ(last)) {
            self.counts.unchanged += 1;
            return false;
        }
        (view.last, view.making) = (Some(cells), true);
        true
    }

    /// A picture is ready, of a view or of the chat; none is one that nobody can look at.
    pub fn made(&mut self, now: Time, human: &HumanId, source: Source, picture: Option<Picture>) {
        self.counts.refused += u64::from(picture.is_none());
        let key = (human.clone(), source);
        // A view may have gone meanwhile, and its picture was shown nevertheless.
        let view = self.views.entry(key).or_default();
        view.making = false;
        let room = if source == Source::Chat { self.options.per_line } else { 1 };
        while view.waiting.len() >= room {
            let left = view.waiting.pop_front();
            self.counts.replaced += u64::from(left.is_some_and(|left| left.given.is_none()));
        }
        view.waiting.push_back(Waiting { at: now, picture, given: None });
    }

    /// What goes with a line of `speaker`, oldest first; it is given only this once.
    pub fn give(&mut self, now: Time, speaker: &HumanId) -> Vec<Seen> {
        self.forget_old(now);
        let chosen = self.chosen(now, speaker);
        for (key, taken) in &chosen {
            let Some(view) = self.views.get_mut(key) else { continue };
            for waiting in view.waiting.iter_mut().filter(|waiting| waiting.at == taken.at) {
                waiting.given = Some(now);
            }
            if key.1 == Source::Chat {
                view.waiting.retain(|waiting| waiting.given.is_none());
            }
        }
        self.counts.given += chosen.len() as u64;
        self.forget_empty();
        chosen.into_iter().map(Seen::from).collect()
    }

    /// What would go with a line of `speaker` now.
    pub fn would_give(&self, now: Time, speaker: &HumanId) -> Vec<Seen> {
        self.chosen(now, speaker).into_iter().map(Seen::from).collect()
    }

    fn chosen(&self, now: Time, speaker: &HumanId) -> Vec<(Key, Waiting)> {
        let Options { again, per_line, fresh, .. } = self.options;
        let ready = |view: &View, waiting: &Waiting| match waiting.given {
            Some(given) => view.on && now.since(given) >= again,
            None => view.on || now.since(waiting.at) <= fresh,
        };
        let of_view = |(key, view): (&Key, &View)| -> Vec<(Key, Waiting)> {
            let ready = view.waiting.iter().filter(|waiting| ready(view, waiting));
            ready.map(|waiting| (key.clone(), waiting.clone())).collect()
        };
        let mut chosen: Vec<_> = self.views.iter().flat_map(of_view).collect();
        chosen.sort_by_key(|(key, waiting)| (key.0 != *speaker, Reverse(waiting.at)));
        chosen.truncate(per_line);
        chosen.sort_by_key(|(_, waiting)| waiting.at);
        chosen
    }

    /// What was shown long ago, and is shown no more, goes.
    fn forget_old(&mut self, now: Time) {
        let fresh = self.options.fresh;
        for view in self.views.values_mut().filter(|view| !view.on) {
            let before = view.waiting.len();
            view.waiting
                .retain(|waiting| now.since(waiting.at) <= fresh && waiting.given.is_none());
            self.counts.replaced += (before - view.waiting.len()) as u64;
        }
    }
}

#[cfg(test)]
mod tests;
