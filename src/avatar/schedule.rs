//! Which face is drawn when: often while something moves, seldom at rest, at once when the state
//! changes, never when nobody looks, and less often when the processor is short.

use std::time::Duration;

use super::actor::{Actor, Sound};
use super::pose::Pose;
use crate::room::AgentState;
use crate::time::{Time, micros};

/// Pictures a second of a face that moves, from the one that is wanted to the least.
pub const RATES_FPS: [u32; 4] = [15, 12, 8, 4];
/// Pictures of a face at rest: so many a second, and so many at once after a longer rest (a blink
/// is two).
const REST_FPS: f32 = 2.0;
const REST_BURST: f32 = 3.0;
/// How often it is looked whether somebody looks.
const UNSEEN: Duration = Duration::from_millis(250);
/// A picture that comes this much after it was due is late; when they all do, the processor is
/// short.
const LATE: Duration = Duration::from_millis(30);
/// A rate is tried for so long before a slower one is.
const SLOWER_AFTER: Duration = Duration::from_secs(1);
/// And so long, all of it in time, before a faster one is.
const FASTER_AFTER: Duration = Duration::from_secs(5);
/// The newest tick's share of the lag.
const LAG_SHARE: f32 = 0.15;

/// What has become of the pictures, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub drawn: u64,
    /// Were due, and not drawn: nobody looked, or nothing had changed.
    pub skipped: u64,
    /// Came late.
    pub late: u64,
}

/// The faces of a cast, by their number in it.
#[derive(Debug)]
pub struct Schedule {
    faces: Vec<Entry>,
    pace: Pace,
    counts: Counts,
}

#[derive(Debug)]
struct Entry {
    actor: Actor,
    due: Time,
    /// Waits for its next beat.
    at_rest: bool,
    /// The last picture's; none when whoever looks now has not seen it.
    shown: Option<Pose>,
    /// Pictures at rest that may be drawn.
    credit: f32,
    credited: Time,
}

impl Schedule {
    /// Everybody is drawn at once for the first time.
    pub fn new(now: Time, seeds: &[u64]) -> Self {
        let entry = |seed: &u64| Entry {
            actor: Actor::new(now, *seed),
            due: now,
            at_rest: false,
            shown: None,
            credit: REST_BURST,
            credited: now,
        };
        let faces = seeds.iter().map(entry).collect();
        Self { faces, pace: Pace::new(now), counts: Counts::default() }
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Pictures a second of a face that moves, as things are.
    pub fn rate_fps(&self) -> u32 {
        RATES_FPS[self.pace.step]
    }

    /// A persona's new state.
    pub fn set_state(&mut self, now: Time, face: usize, state: AgentState) {
        let entry = &mut self.faces[face];
        if entry.actor.pose(now).state != state {
            entry.actor.set_state(now, state);
            entry.due = entry.due.min(now);
        }
    }

    /// A frame of its voice is played.
    pub fn hear(&mut self, now: Time, face: usize, sound: Sound) {
        let entry = &mut self.faces[face];
        entry.actor.hear(now, sound);
        if entry.at_rest {
            (entry.at_rest, entry.due) = (false, entry.due.min(now));
        }
    }

    /// When the next picture is due.
    pub fn wake(&self) -> Option<Time> {
        self.faces.iter().map(|entry| entry.due).min()
    }

    /// A face that is due; those that move go first.
    pub fn due(&self, now: Time) -> Option<usize> {
        let due = self.faces.iter().enumerate().filter(|(_, entry)| entry.due <= now);
        due.min_by_key(|(_, entry)| (entry.at_rest, entry.due)).map(|(face, _)| face)
    }

    /// Takes a face that is due: the pose to draw, or none when that would be in vain.
    pub fn take(&mut self, now: Time, face: usize, is_seen: bool) -> Option<Pose> {
        let rate_fps = self.rate_fps();
        let entry = &mut self.faces[face];
        let lag = now.since(entry.due);
        self.counts.late += u64::from(lag > LATE);
        if !entry.at_rest {
            self.pace.tick(now, lag);
        }
        if !is_seen {
            (entry.shown, entry.due, entry.at_rest) = (None, now + UNSEEN, true);
            self.counts.skipped += 1;
            return None;
        }
        let pose = entry.actor.pose(now);
        entry.plan(now, rate_fps);
        if entry.shown.is_some_and(|shown| shown.looks_like(&pose)) {
            self.counts.skipped += 1;
            return None;
        }
        entry.shown = Some(pose);
        self.counts.drawn += 1;
        Some(pose)
    }
}

impl Entry {
    fn plan(&mut self, now: Time, rate_fps: u32) {
        let passed = now.since(self.credited).as_secs_f32();
        self.credit = (self.credit + passed * REST_FPS).min(REST_BURST);
        self.credited = now;
        if self.actor.is_moving(now) {
            let period = Duration::from_secs(1) / rate_fps;
            // In step with the last one, unless that is past already.
            let next = self.due + period;
            self.due = if next > now { next } else { now + period };
            self.at_rest = false;
            return;
        }
        self.credit -= 1.0;
        let earned = Duration::from_secs_f32((1.0 - self.credit).max(0.0) / REST_FPS);
        self.due = self.actor.next_beat(now).max(now + earned);
        self.at_rest = true;
    }
}

/// How fast faces that move are drawn, by how late their turns come.
#[derive(Debug)]
struct Pace {
    /// Of [`RATES_FPS`].
    step: usize,
    lag_us: f32,
    /// Since when this step holds, and since when it was never late.
    since: Time,
    calm_since: Time,
}

impl Pace {
    fn new(now: Time) -> Self {
        Self { step: 0, lag_us: 0.0, since: now, calm_since: now }
    }

    fn tick(&mut self, now: Time, lag: Duration) {
        self.lag_us += (micros(lag) as f32 - self.lag_us) * LAG_SHARE;
        let late_us = micros(LATE) as f32;
        if self.lag_us > late_us / 2.0 {
            self.calm_since = now;
        }
        if self.lag_us > late_us && now.since(self.since) >= SLOWER_AFTER {
            self.change(now, (self.step + 1).min(RATES_FPS.len() - 1));
        } else if self.step > 0 && now.since(self.calm_since.max(self.since)) >= FASTER_AFTER {
            self.change(now, self.step - 1);
        }
    }

    fn change(&mut self, now: Time, step: usize) {
        *self = Self { step, ..Self::new(now) };
    }
}

#[cfg(test)]
mod tests;
