//! A room without a network: plays voices on tokio's clock and remembers everything, for tests and
//! the simulator.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Command, Transport};
use crate::audio::{FRAME_MS, FRAME_SAMPLES};
use crate::id::{HumanId, PersonaId};
use crate::picture::Source;
use crate::time::{Clock, Time};
use crate::video::I420;

/// Frames that wait to be played, as [`Transport::voice`] promises.
const WAITING_MAX: usize = 2;
const FRAME_US: u64 = FRAME_MS as u64 * 1_000;

/// See the module.
#[derive(Debug)]
pub struct ScriptedRoom {
    clock: Clock,
    stuck: bool,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    commands: Vec<(Time, Command)>,
    voices: HashMap<PersonaId, Vec<PlayedFrame>>,
    faces: HashMap<PersonaId, Vec<(Time, Arc<I420>)>>,
    unseen: HashSet<PersonaId>,
    looks: Vec<(Time, HumanId, Source)>,
    closed: bool,
}

/// A frame that was played, or will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayedFrame {
    pub start: Time,
    pub samples: Vec<i16>,
}

impl ScriptedRoom {
    pub fn new(clock: Clock) -> Self {
        Self { clock, stuck: false, log: Mutex::default() }
    }

    /// A room that never takes a frame.
    pub fn stuck(clock: Clock) -> Self {
        Self { stuck: true, ..Self::new(clock) }
    }

    /// All commands so far, with the times of their coming.
    pub fn commands(&self) -> Vec<(Time, Command)> {
        self.log().commands.clone()
    }

    /// What the room heard of a persona, in order; frames that were cleared are not in it.
    pub fn voice_of(&self, persona: &PersonaId) -> Vec<PlayedFrame> {
        self.log().voices.get(persona).cloned().unwrap_or_default()
    }

    /// The faces that it was shown of a persona, in order.
    pub fn faces_of(&self, persona: &PersonaId) -> Vec<(Time, Arc<I420>)> {
        self.log().faces.get(persona).cloned().unwrap_or_default()
    }

    /// From now on somebody, or nobody, looks at a persona's face.
    pub fn set_seen(&self, persona: &PersonaId, seen: bool) {
        let mut log = self.log();
        if seen {
            log.unseen.remove(persona)
        } else {
            log.unseen.insert(persona.clone())
        };
    }

    /// What it was asked to look at, in order.
    pub fn looks(&self) -> Vec<(Time, HumanId, Source)> {
        self.log().looks.clone()
    }

    pub fn is_closed(&self) -> bool {
        self.log().closed
    }

    /// A poisoned log is still a log.
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the frame can be taken; `None` when that is now, and it is.
    fn try_take(&self, persona: &PersonaId, frame: &[i16]) -> Option<Time> {
        let now = self.clock.now();
        let mut log = self.log();
        let voice = log.voices.entry(persona.clone()).or_default();
        let waiting = voice.iter().rev().take_while(|frame| frame.start > now).count();
        if waiting >= WAITING_MAX {
            return Some(voice[voice.len() - waiting].start);
        }
        let end = voice.last().map_or(Time::ZERO, end_of);
        voice.push(PlayedFrame { start: end.max(now), samples: frame.to_vec() });
        None
    }
}

fn end_of(frame: &PlayedFrame) -> Time {
    Time::from_us(frame.start.as_us() + FRAME_US)
}

#[async_trait]
impl Transport for ScriptedRoom {
    fn send(&self, command: Command) {
        let now = self.clock.now();
        self.log().commands.push((now, command));
    }

    async fn voice(&self, persona: &PersonaId, frame: &[i16]) {
        assert_eq!(frame.len(), FRAME_SAMPLES, "a frame has 20 ms");
        if self.stuck {
            std::future::pending::<()>().await;
        }
        while let Some(room_at) = self.try_take(persona, frame) {
            tokio::time::sleep_until(self.clock.instant(room_at)).await;
        }
    }

    fn clear_voice(&self, persona: &PersonaId) {
        let now = self.clock.now();
        if let Some(voice) = self.log().voices.get_mut(persona) {
            voice.retain(|frame| frame.start <= now);
        }
    }

    fn face(&self, persona: &PersonaId, frame: Arc<I420>) {
        let now = self.clock.now();
        self.log().faces.entry(persona.clone()).or_default().push((now, frame));
    }

    fn is_seen(&self, persona: &PersonaId) -> bool {
        !self.log().unseen.contains(persona)
    }

    fn look(&self, human: &HumanId, source: Source) {
        let now = self.clock.now();
        self.log().looks.push((now, human.clone(), source));
    }

    async fn close(&self) {
        self.log().closed = true;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_full_buffer_holds_the_caller_and_clearing_empties_it() {
        let clock = Clock::start();
        let room = ScriptedRoom::new(clock);
        let ada = PersonaId::new("ada");
        for _ in 0..5 {
            room.voice(&ada, &[1; FRAME_SAMPLES]).await;
        }
        assert_eq!(clock.now(), Time::from_ms(40));
        let starts: Vec<_> = room.voice_of(&ada).iter().map(|frame| frame.start).collect();
        assert_eq!(starts, [0, 20, 40, 60, 80].map(Time::from_ms));
        tokio::time::advance(Duration::from_millis(5)).await;
        room.clear_voice(&ada);
        assert_eq!(room.voice_of(&ada).len(), 3);
    }
}
