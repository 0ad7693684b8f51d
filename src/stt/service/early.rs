//! Recognition ahead of time: what waits for a pass, what was made of it, what is still wanted.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::id::HumanId;
use crate::stt::Utterance;
use crate::stt::queue::Known;
use crate::time::Time;

/// Pauses of different speakers that wait for a pass. Of more the oldest is left out: its
/// utterance is as good as over.
pub const WAITING_MAX: usize = 4;
/// Texts that wait for the end of their utterance; a pause lasts seconds at most.
const MADE_MAX: usize = 16;
/// A speaker's words are shown so often at most.
const SHOWN_EVERY: Duration = Duration::from_secs(1);

/// What becomes of the pass in hand.
#[derive(Debug)]
pub(super) enum Fate {
    /// The speaker still pauses.
    Open,
    /// The speaker went on.
    Stale,
    /// The utterance is over and waits for it.
    Wanted(Box<Utterance>),
}

/// Is it one utterance with the same voice in it? Only the silence around it may differ.
pub(super) fn same_voice(one: &Utterance, other: &Utterance) -> bool {
    let voice = |utterance: &Utterance| (utterance.voiced_start, utterance.voiced_end);
    one.id == other.id && one.human == other.human && voice(one) == voice(other)
}

#[derive(Debug, Default)]
pub(super) struct Early {
    /// The oldest first, one for a speaker.
    waiting: VecDeque<Utterance>,
    /// One for a speaker, the oldest first.
    made: VecDeque<(Utterance, Known)>,
    shown: BTreeMap<HumanId, Time>,
}

impl Early {
    /// Has it wait for a pass, in place of what the same speaker had waiting. Returns how many of
    /// others were left out for it.
    pub(super) fn push(&mut self, utterance: Utterance) -> u64 {
        self.waiting.retain(|other| other.human != utterance.human);
        let full = self.waiting.len() == WAITING_MAX;
        if full {
            self.waiting.pop_front();
        }
        self.waiting.push_back(utterance);
        u64::from(full)
    }

    /// How many wait for a pass.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn pop(&mut self) -> Option<Utterance> {
        self.waiting.pop_front()
    }

    /// Keeps what was made of it until its end is known. Returns how many others were thrown away
    /// for it.
    pub(super) fn made(&mut self, utterance: Utterance, known: Known) -> u64 {
        let mut thrown = self.withdraw(&utterance.human);
        if self.made.len() == MADE_MAX {
            self.made.pop_front();
            thrown += 1;
        }
        self.made.push_back((utterance, known));
        thrown
    }

    /// Was a text made of just this voice?
    pub(super) fn has_made(&self, utterance: &Utterance) -> bool {
        self.made.iter().any(|(early, _)| same_voice(early, utterance))
    }

    /// Forgets what waits and what was made for this speaker. Returns how many texts were thrown
    /// away.
    pub(super) fn withdraw(&mut self, human: &HumanId) -> u64 {
        self.waiting.retain(|other| other.human != *human);
        let before = self.made.len();
        self.made.retain(|(other, _)| other.human != *human);
        (before - self.made.len()) as u64
    }

    /// The utterance is over: what was made of just this voice, and how many other texts of its
    /// speaker were thrown away.
    pub(super) fn claim(&mut self, utterance: &Utterance) -> (Option<Known>, u64) {
        let index = self.made.iter().position(|(early, _)| same_voice(early, utterance));
        let known = index.and_then(|index| self.made.remove(index)).map(|(_, known)| known);
        (known, self.withdraw(&utterance.human))
    }

    /// Says whether the words of a speaker are to be shown now, and if so remembers it.
    pub(super) fn may_show(&mut self, now: Time, human: &HumanId) -> bool {
        self.shown.retain(|_, at| now.since(*at) < SHOWN_EVERY);
        let may = !self.shown.contains_key(human);
        if may {
            self.shown.insert(human.clone(), now);
        }
        may
    }
}
