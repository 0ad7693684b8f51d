//! The humans in the room: who makes a sound, and whom they talk with.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::id::HumanId;
use crate::time::Time;

/// Sounds of one human whose end is awaited. A recogniser that lags is at most a few behind; the
/// oldest are forgotten first.
const SOUNDS_MAX: usize = 16;

#[derive(Clone, Debug, Default)]
pub(super) struct People {
    here: BTreeMap<HumanId, Human>,
    /// Sounds of humans who are not here, or not yet, and whose end may come after they are: else
    /// it would be taken for the end of what they say then. Forgotten like all sounds.
    away: BTreeMap<HumanId, VecDeque<Sound>>,
    /// Humans of a restored conversation who are still to join it.
    expected: BTreeMap<HumanId, Human>,
}

/// A sound that may become a line.
#[derive(Clone, Copy, Debug)]
struct Sound {
    began: Time,
    /// It went on for longer than a cough does.
    lasts: bool,
    /// Its words so far only show that its maker listens.
    nod: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Human {
    pub name: String,
    sounds: VecDeque<Sound>,
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
    /// Whether the human comes in with a sound that has not ended.
    pub(super) fn join(&mut self, id: HumanId, name: String) -> bool {
        let sounds = self.away.remove(&id).unwrap_or_default();
        let comes_speaking = !sounds.is_empty();
        let known = self.expected.remove(&id).unwrap_or_default();
        let human = self.here.entry(id).or_insert(known);
        human.name = name;
        human.sounds.extend(sounds);
        comes_speaking
    }

    /// Whom a human named and who answered it, for when it joins.
    pub(super) fn expect(
        &mut self,
        id: HumanId,
        named: Option<(usize, Time)>,
        answered: Option<(usize, Time)>,
    ) {
        self.expected.insert(id, Human { named, answered, ..Human::default() });
    }

    pub(super) fn leave(&mut self, id: &HumanId) -> bool {
        let Some(human) = self.here.remove(id) else { return false };
        if !human.sounds.is_empty() {
            self.away.insert(id.clone(), human.sounds);
        }
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.here.is_empty()
    }

    pub(super) fn get(&self, id: &HumanId) -> Option<&Human> {
        self.here.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &HumanId) -> Option<&mut Human> {
        self.here.get_mut(id)
    }

    /// Everybody but `id`, with their names.
    pub(super) fn without<'a>(
        &'a self,
        id: Option<&'a HumanId>,
    ) -> impl Iterator<Item = (&'a HumanId, &'a str)> {
        let others = self.here.iter().filter(move |(other, _)| Some(*other) != id);
        others.map(|(other, human)| (other, human.name.as_str()))
    }

    /// Whether the human is here.
    pub(super) fn sound_began(&mut self, id: &HumanId, now: Time) -> bool {
        let here = self.here.get_mut(id).map(|human| &mut human.sounds);
        let is_here = here.is_some();
        let sounds = here.unwrap_or_else(|| self.away.entry(id.clone()).or_default());
        if sounds.len() == SOUNDS_MAX {
            sounds.pop_front();
        }
        sounds.push_back(Sound { began: now, lasts: false, nod: false });
        is_here
    }

    /// Whether the human is here. Sounds end in the order of their beginning.
    pub(super) fn sound_ended(&mut self, id: &HumanId) -> bool {
        let here = self.here.get_mut(id).map(|human| &mut human.sounds);
        let is_here = here.is_some();
        if let Some(sounds) = here.or_else(|| self.away.get_mut(id)) {
            sounds.pop_front();
        }
        is_here
    }

    /// Gives up the sounds whose end was not told within `patience`.
    pub(super) fn give_up_sounds(&mut self, now: Time, patience: Duration) {
        let here = self.here.values_mut().map(|human| &mut human.sounds);
        for sounds in here.chain(self.away.values_mut()) {
            sounds.retain(|sound| sound.began + patience > now);
        }
        self.away.retain(|_, sounds| !sounds.is_empty());
    }

    /// Somebody's sound, here or away, has not ended.
    pub(super) fn make_sounds(&self) -> bool {
        !self.away.is_empty() || self.here.values().any(|human| !human.sounds.is_empty())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&HumanId, &Human)> {
        self.here.iter()
    }

    /// Until when somebody counts as speaking, if anybody does: a sound counts for `patience`.
    pub(super) fn speaking_until(&self, patience: Duration) -> Option<Time> {
        let newest = self.here.values().filter_map(|human| human.sounds.back());
        newest.map(|sound| sound.began).max().map(|began| began + patience)
    }

    /// The human's newest sound goes on. False when there is none.
    pub(super) fn sound_lasts(&mut self, id: &HumanId) -> bool {
        self.judge(id, |sound| (sound.lasts, sound.nod) = (true, false))
    }

    /// The human's newest sound is one of listening. False when there is none.
    pub(super) fn sound_is_nod(&mut self, id: &HumanId) -> bool {
        self.judge(id, |sound| sound.nod = true)
    }

    fn judge(&mut self, id: &HumanId, judge: impl FnOnce(&mut Sound)) -> bool {
        let here = self.here.get_mut(id).map(|human| &mut human.sounds);
        let sounds = here.or_else(|| self.away.get_mut(id));
        sounds.and_then(VecDeque::back_mut).map(judge).is_some()
    }

    /// Until when somebody may be about to speak: a sound that is neither long nor a nod may be
    /// speech for `undecided`, one that lasts until it is over. None when nobody is.
    pub(super) fn undecided_until(&self, undecided: Duration, patience: Duration) -> Option<Time> {
        let sounds = self.here.values().flat_map(|human| &human.sounds);
        let until = sounds
            .filter(|sound| !sound.nod)
            .map(|sound| sound.began + if sound.lasts { patience } else { undecided });
        until.max()
    }
}

/// Whom `memory` holds, if that is not longer ago than `reach`.
pub(super) fn recent(memory: Option<(usize, Time)>, now: Time, reach: Duration) -> Option<usize> {
    memory.filter(|(_, at)| now.since(*at) <= reach).map(|(persona, _)| persona)
}
