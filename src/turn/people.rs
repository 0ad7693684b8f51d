//! The humans in the room: who makes a sound, and whom they talk with.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::id::HumanId;
use crate::time::Time;

/// Sounds of one human whose end is awaited. A recogniser that lags is at most a few behind; the
/// oldest are forgotten first.
const SOUNDS_MAX: usize = 16;

#[derive(Clone, Debug, Default)]
pub(super) struct People(BTreeMap<HumanId, Human>);

#[derive(Clone, Debug, Default)]
pub(super) struct Human {
    pub name: String,
    /// When each of the sounds began that may become a line.
    sounds: VecDeque<Time>,
    /// Whom this human last called by name: an index of the cast.
    pub named: Option<(usize, Time)>,
    /// Who last answered this human.
    pub answered: Option<(usize, Time)>,
    /// What this human asked last.
    pub asked: Option<String>,
    /// What this human began to say and did not end.
    pub unfinished: Option<(String, Time)>,
}

impl People {
    pub(super) fn join(&mut self, id: HumanId, name: String) {
        self.0.entry(id).or_default().name = name;
    }

    pub(super) fn leave(&mut self, id: &HumanId) -> bool {
        self.0.remove(id).is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, id: &HumanId) -> Option<&Human> {
        self.0.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &HumanId) -> Option<&mut Human> {
        self.0.get_mut(id)
    }

    /// Everybody but `id`, with their names.
    pub(super) fn without<'a>(
        &'a self,
        id: Option<&'a HumanId>,
    ) -> impl Iterator<Item = (&'a HumanId, &'a str)> {
        let others = self.0.iter().filter(move |(other, _)| Some(*other) != id);
        others.map(|(other, human)| (other, human.name.as_str()))
    }

    /// Gives up the sounds whose end was not told within `patience`.
    pub(super) fn give_up_sounds(&mut self, now: Time, patience: Duration) {
        for human in self.0.values_mut() {
            human.sounds.retain(|began| *began + patience > now);
        }
    }

    /// Until when somebody counts as speaking, if anybody does: a sound counts for `patience`.
    pub(super) fn speaking_until(&self, patience: Duration) -> Option<Time> {
        let newest = self.0.values().filter_map(|human| human.sounds.back());
        newest.max().map(|began| *began + patience)
    }
}

impl Human {
    pub(super) fn sound_began(&mut self, now: Time) {
        if self.sounds.len() == SOUNDS_MAX {
            self.sounds.pop_front();
        }
        self.sounds.push_back(now);
    }

    pub(super) fn sound_ended(&mut self) {
        self.sounds.pop_front();
    }
}

/// Whom `memory` holds, if that is not longer ago than `reach`.
pub(super) fn recent(memory: Option<(usize, Time)>, now: Time, reach: Duration) -> Option<usize> {
    memory.filter(|(_, at)| now.since(*at) <= reach).map(|(persona, _)| persona)
}
