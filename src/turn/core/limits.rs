//! What humans and the settings allow: who sleeps, and how many turns a minute has.

use std::collections::VecDeque;
use std::time::Duration;

use super::Core;
use crate::id::LineId;
use crate::persona::Mode;
use crate::time::Time;
use crate::turn::Effect;
use crate::turn::addressing::SleepWords;

const MINUTE: Duration = Duration::from_secs(60);

/// The grants of the last minute, as far as a limit asks for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Minute(VecDeque<Time>);

impl Minute {
    pub(super) fn granted(&mut self, now: Time) {
        self.forget(now);
        self.0.push_back(now);
    }

    fn forget(&mut self, now: Time) {
        while self.0.front().is_some_and(|at| now.since(*at) >= MINUTE) {
            self.0.pop_front();
        }
    }
}

impl Core {
    /// By which phrases humans send personas to sleep and wake them.
    pub fn set_sleep_words(&mut self, words: SleepWords) {
        self.sleep_words = words;
    }

    /// Whether the minute has no turn left for who was not called by name.
    pub(super) fn minute_is_full(&mut self, now: Time) -> bool {
        let Some(most) = self.options.turns_per_minute else { return false };
        self.minute.forget(now);
        self.minute.0.len() + self.floor.waiting_count() >= most as usize
    }

    /// Obeys a human's "go to sleep" and "wake up".
    pub(super) fn obey_sleep_words(&mut self, line: LineId, text: &str) {
        let orders = self.sleep_words.read(text, self.cast.iter().map(|one| &one.card));
        for persona in orders.sleep {
            let member = &mut self.cast[persona];
            if member.mode != Mode::Asleep {
                member.mode_before = Some(member.mode);
                member.slept_by = Some(line);
                self.now_in(persona, Mode::Asleep);
            }
        }
        for persona in orders.wake {
            let member = &mut self.cast[persona];
            if member.mode == Mode::Asleep {
                // Whoever was configured asleep is woken to what a persona is otherwise.
                let mode = member.mode_before.take().unwrap_or_default();
                self.now_in(persona, mode);
            }
        }
    }

    fn now_in(&mut self, persona: usize, mode: Mode) {
        let id = self.cast[persona].id.clone();
        self.set_mode(persona, mode);
        self.effects.push(Effect::Mode { persona: id, mode });
    }
}

#[cfg(test)]
mod tests;
