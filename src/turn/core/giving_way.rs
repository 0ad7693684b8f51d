//! A human makes a sound while a persona has the floor: the persona falls silent at once and keeps
//! its place, until it is known whether somebody wants to speak.

use std::collections::VecDeque;
use std::time::Duration;

use super::Core;
use super::lines::Said;
use crate::id::{HumanId, LineId};
use crate::time::Time;
use crate::turn::endpointing::LONG;
use crate::turn::floor::{Cause, Holder};
use crate::turn::{Effect, Manner, Restart, addressing};

/// A holder that is silent for longer than this has lost its listeners anyway. Words come within a
/// second or two, from a recogniser that is not overrun.
const HELD_MAX: Duration = Duration::from_secs(5);
/// After so much silence a speech begins its sentence anew.
const THREAD_LOST: Duration = Duration::from_millis(1_000);
/// Heard lines that wait for the end of a speech which they ended: one of each of a few humans.
const DEFERRED_MAX: usize = 16;

/// A line that is taken when the speech that it interrupts has ended: only then is known what of
/// that was heard, and so what the line answers.
#[derive(Clone, Debug)]
pub(super) struct Deferred {
    id: LineId,
    human: HumanId,
    manner: Manner,
    said: Said,
}

/// Lines in the order in which they came.
pub(super) type Lines = VecDeque<Deferred>;

impl Core {
    pub(super) fn speech_started(&mut self, now: Time, human: &HumanId) {
        if self.people.sound_began(human, now) {
            self.hold(now);
        } else {
            self.stats.events_ignored += 1;
        }
    }

    /// `voiced` is what the sound has of voice by now.
    pub(super) fn speech_lasts(&mut self, now: Time, human: &HumanId, voiced: Duration) {
        if !self.people.sound_lasts(human) {
            self.stats.events_ignored += 1;
        } else if voiced >= LONG {
            self.give_way();
        } else {
            self.hold(now);
        }
    }

    /// What was recognised in a pause decides what the sound's length did not.
    pub(super) fn words(&mut self, human: &HumanId, text: &str) {
        if !addressing::is_listening(text) {
            self.give_way();
        } else if !self.people.sound_is_nod(human) {
            self.stats.events_ignored += 1;
        }
    }

    /// Somebody may be about to speak.
    pub(super) fn hold(&mut self, now: Time) {
        let fade = self.options.fade;
        let free = |holder: &&mut Holder| holder.stopped.is_none() && holder.held_at.is_none();
        for holder in self.floor.holders.iter_mut().filter(free) {
            holder.held_at = Some(now);
            self.effects.push(Effect::Hold { turn: holder.ticket.turn, fade });
        }
    }

    /// Somebody speaks.
    fn give_way(&mut self) {
        self.stop_if(Cause::Onset, |_| true);
    }

    /// Takes a line, or keeps it until the speech that it ends has ended.
    pub(super) fn take_line(
        &mut self,
        now: Time,
        id: LineId,
        human: HumanId,
        manner: Manner,
        said: Said,
    ) {
        let heard = manner == Manner::Heard;
        if heard {
            self.people.sound_ended(&human);
        }
        let audible = self.floor.holders.iter().any(|holder| holder.audible);
        if heard && !(audible && addressing::is_listening(&said.text)) {
            self.give_way();
        }
        let ends = self.floor.holders.iter().any(|holder| holder.stopped.is_some());
        let waits = heard && ends || !self.deferred.is_empty();
        if waits && self.deferred.len() < DEFERRED_MAX {
            self.deferred.push_back(Deferred { id, human, manner, said });
        } else {
            self.take_deferred(now);
            self.line(now, id, human, manner, said);
        }
    }

    /// Takes the lines that waited for the end of a speech.
    pub(super) fn take_deferred(&mut self, now: Time) {
        for Deferred { id, human, manner, said } in std::mem::take(&mut self.deferred) {
            self.line(now, id, human, manner, said);
        }
    }

    /// Takes them when no speech is still to end.
    pub(super) fn after_an_end(&mut self, now: Time) {
        if self.floor.holders.iter().all(|holder| holder.stopped.is_none()) {
            self.take_deferred(now);
        }
    }

    /// Lets those who were held go on, if nobody wanted to speak.
    pub(super) fn resume(&mut self, now: Time) {
        let patience = self.options.speech_timeout;
        let until = self.people.undecided_until(self.options.undecided, patience);
        let undecided = until.is_some_and(|until| until > now);
        let mut lost = false;
        for holder in self.floor.holders.iter_mut().filter(|one| one.stopped.is_none()) {
            let Some(held_at) = holder.held_at else { continue };
            let silence = now.since(held_at);
            if silence >= HELD_MAX {
                lost = true;
            } else if !undecided {
                holder.held_at = None;
                let sentence = silence > THREAD_LOST;
                let from = if sentence { Restart::Sentence } else { Restart::Clause };
                self.effects.push(Effect::Resume { turn: holder.ticket.turn, from });
            }
        }
        if lost {
            self.stop_if(Cause::Onset, |holder| holder.held_at.is_some());
        }
    }

    /// When [`Self::resume`] has something to do, should nothing happen before.
    pub(super) fn resumes_at(&self) -> Option<Time> {
        let held = self.floor.holders.iter().filter(|holder| holder.stopped.is_none());
        let held_at = held.filter_map(|holder| holder.held_at).min()?;
        let patience = self.options.speech_timeout;
        let decided = self.people.undecided_until(self.options.undecided, patience);
        Some(decided.map_or(held_at + HELD_MAX, |decided| decided.min(held_at + HELD_MAX)))
    }
}

#[cfg(test)]
mod tests;
