//! Utterances that wait for the recogniser: a core without clock.
//!
//! They leave in order of onset. When the queue is full, neighbouring utterances of one human
//! become one, so that nothing said is lost; only when that is impossible is one turned away.

use std::time::Duration;

use crate::audio::{Clip, EARS_RATE_HZ, duration_to_samples};
use crate::id::UtteranceId;
use crate::stt::{Recognition, Utterance};
use crate::time::Time;

/// How much may wait, and when utterances are joined.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// So many clips wait at most.
    pub capacity: usize,
    /// A joined clip is no longer than this: Whisper hears 30 s at a time, with some margin.
    pub clip_max: Duration,
    /// Consecutive utterances of one human are joined when they wait together and so little
    /// time is between them: it is one thought, and one pass is cheaper than two.
    pub join_gap: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            capacity: 8,
            clip_max: Duration::from_secs(28),
            join_gap: Duration::from_millis(1_500),
        }
    }
}

/// Silence between joined clips, so that their words do not run together.
const JOINT: Duration = Duration::from_millis(200);

/// What waited.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub utterance: Utterance,
    /// The utterances that were joined to it, in order.
    pub merged: Vec<UtteranceId>,
    /// Since when its first part waits.
    pub since: Time,
    /// What was recognised of it ahead of its end: it only waits for its turn.
    pub known: Option<Known>,
}

/// A recognition that was made before it was sure that the utterance was over.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub recognition: Recognition,
    /// When the recogniser took the clip up, and when it was done.
    pub begun: Time,
    pub done: Time,
}

/// Counted since the queue was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Utterances that were joined to another.
    pub merged: u64,
    /// Clips that left the queue.
    pub taken: u64,
    /// How long they waited, in all and at most.
    pub waited: Duration,
    pub waited_max: Duration,
    /// The most clips that ever waited at once.
    pub length_max: usize,
}

#[derive(Debug)]
pub struct Queue {
    options: Options,
    /// In order of onset.
    waiting: Vec<Waiting>,
    counters: Counters,
}

impl Queue {
    pub fn new(options: Options) -> Self {
        let options = Options { capacity: options.capacity.max(1), ..options };
        Self { options, waiting: Vec::new(), counters: Counters::default() }
    }

    /// Takes an utterance in.
    ///
    /// # Errors
    /// Gives it back when the queue is full of clips that cannot be joined.
    pub fn push(&mut self, now: Time, utterance: Utterance) -> Result<(), Box<Utterance>> {
        self.push_known(now, utterance, None)
    }

    /// The same, with what was recognised of it already.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn push_known(
        &mut self,
        now: Time,
        utterance: Utterance,
        known: Option<Known>,
    ) -> Result<(), Box<Utterance>> {
        let onset = utterance.voiced_start;
        let index = self.waiting.partition_point(|other| other.utterance.voiced_start <= onset);
        let waiting = Waiting { utterance, merged: Vec::new(), since: now, known };
        self.waiting.insert(index, waiting);
        if self.waiting.len() > self.options.capacity && !self.make_room() {
            return Err(Box::new(self.waiting.remove(index).utterance));
        }
        self.counters.length_max = self.counters.length_max.max(self.waiting.len());
        Ok(())
    }

    /// Joins the two neighbours of one human with the shortest sum; those with nobody between
    /// them first, because joining them changes no order.
    fn make_room(&mut self) -> bool {
        let pairs = (0..self.waiting.len()).filter_map(|first| {
            let human = &self.waiting[first].utterance.human;
            let rest = &self.waiting[first + 1..];
            let between = rest.iter().position(|other| other.utterance.human == *human)?;
            let second = first + 1 + between;
            let length = self.joined_length(first, second);
            (length <= self.options.clip_max).then_some((between > 0, length, first, second))
        });
        let Some((_, _, first, second)) = pairs.min() else { return false };
        self.join(first, second);
        true
    }

    fn joined_length(&self, first: usize, second: usize) -> Duration {
        let length = |index: usize| self.waiting[index].utterance.clip.duration();
        length(first) + JOINT + length(second)
    }

    fn join(&mut self, first: usize, second: usize) {
        let Waiting { utterance, merged, .. } = self.waiting.remove(second);
        let earlier = &mut self.waiting[first];
        earlier.merged.push(utterance.id);
        earlier.merged.extend(merged);
        earlier.utterance = joined(&earlier.utterance, &utterance);
        earlier.known = None;
        self.counters.merged += 1;
    }

    /// The next to be recognised, joined with what belongs to it.
    pub fn pop(&mut self, now: Time) -> Option<Waiting> {
        if self.waiting.is_empty() {
            return None;
        }
        while self.continues() {
            self.join(0, 1);
        }
        Some(self.take_first(now))
    }

    /// The first, when its text is known and it began before `onset`, if there is one.
    pub fn pop_known(&mut self, now: Time, onset: Option<Time>) -> Option<Waiting> {
        let first = self.waiting.first()?;
        let in_order = onset.is_none_or(|onset| first.utterance.voiced_start <= onset);
        (first.known.is_some() && in_order).then(|| self.take_first(now))
    }

    fn take_first(&mut self, now: Time) -> Waiting {
        let next = self.waiting.remove(0);
        let waited = now.since(next.since);
        self.counters.taken += 1;
        self.counters.waited += waited;
        self.counters.waited_max = self.counters.waited_max.max(waited);
        next
    }

    /// Is the second in the queue more of the first? What is known already is no work to save.
    fn continues(&self) -> bool {
        let [first, second, ..] = &self.waiting[..] else { return false };
        if first.known.is_some() || second.known.is_some() {
            return false;
        }
        let (first, second) = (&first.utterance, &second.utterance);
        first.human == second.human
            && second.voiced_start.since(first.voiced_end) <= self.options.join_gap
            && self.joined_length(0, 1) <= self.options.clip_max
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn counters(&self) -> Counters {
        self.counters
    }
}

/// One utterance of two; an utterance that was cut goes on without a joint.
fn joined(first: &Utterance, second: &Utterance) -> Utterance {
    let joint = if first.cut { Duration::ZERO } else { JOINT };
    let joint = std::iter::repeat_n(0.0, duration_to_samples(joint, EARS_RATE_HZ));
    let sound = first.clip.samples.iter().copied();
    let samples = sound.chain(joint).chain(second.clip.samples.iter().copied()).collect();
    Utterance {
        id: first.id,
        human: first.human.clone(),
        clip: Clip { samples },
        voiced_start: first.voiced_start,
        voiced_end: second.voiced_end.max(first.voiced_end),
        endpoint: second.endpoint.max(first.endpoint),
        voiced: first.voiced + second.voiced,
        cut: second.cut,
    }
}

#[cfg(test)]
mod tests;
