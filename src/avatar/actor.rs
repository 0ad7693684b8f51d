//! How a face moves: from the persona's state, the sound of its voice and the time, to a pose.
//!
//! Every part of a pose follows an aim, and comes nearer to it by the same share in the same time;
//! so poses are continuous, whatever happens and however seldom anybody asks.

use std::f32::consts::TAU;
use std::time::Duration;

use super::look::Dice;
use super::pose::{Mouth, Pose};
use crate::mouth::Shape;
use crate::room::AgentState;
use crate::time::Time;

/// Quieter than this is silence: -40 dBFS, as the playout has it.
const SILENCE_DBFS: f32 = -40.0;
/// From silence to as loud as a face shows; speech is played at -20 dBFS.
const SPAN_DB: f32 = 28.0;
/// A frame of sound holds the mouth for so long: itself and the jitter of its successor.
const SOUND_HOLDS: Duration = Duration::from_millis(45);
/// How fast parts follow their aims: after this time a third of the way is left.
const OPENING: Duration = Duration::from_millis(25);
const CLOSING: Duration = Duration::from_millis(35);
const FEATURES: Duration = Duration::from_millis(80);
const EYES: Duration = Duration::from_millis(40);
/// A blink: down, shut, up.
const BLINK_DOWN: Duration = Duration::from_millis(70);
const BLINK_SHUT: Duration = Duration::from_millis(60);
const BLINK_UP: Duration = Duration::from_millis(110);
/// People blink every two to six seconds.
const BLINK_EVERY: (f32, f32) = (2.2, 6.0);
/// A look to the side, now and then.
const GLANCE_EVERY: (f32, f32) = (4.0, 9.0);
const GLANCE_LASTS: (f32, f32) = (0.7, 1.8);
/// The eyes have arrived.
const GLANCE_TAKES: Duration = Duration::from_millis(150);
/// The dots of a face that thinks: with the blinks below two pictures a second.
const STEP: Duration = Duration::from_millis(700);
/// Aims hold still for so long: half a picture.
const FOLLOW_STEP: Duration = Duration::from_millis(30);
/// An aim that is nearer than this is reached.
const REACHED: f32 = 0.02;
/// Nobody asked for so long: what would have happened meanwhile did not.
const FORGOTTEN: Duration = Duration::from_secs(30);

/// The sound of one frame of a persona's voice, as it is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sound {
    /// Its root mean square against full scale.
    pub level_dbfs: f32,
    /// What the mouth does in it, where the voice tells.
    pub shape: Option<Shape>,
}

/// One persona's face as it moves.
#[derive(Debug)]
pub struct Actor {
    dice: Dice,
    /// The side it prefers: its head leans there, and it looks there when it thinks.
    lean: f32,
    state: AgentState,
    since: Time,
    at: Time,
    pose: Pose,
    /// How lively the head sways, 0 to 1, and how long it has.
    sway: f32,
    swayed_s: f32,
    /// The last sound, and until when it holds.
    sound: Option<(Sound, Time)>,
    blink_at: Time,
    glance: Glance,
}

#[derive(Debug)]
struct Glance {
    from: Time,
    to: Time,
    gaze: (f32, f32),
}

impl Actor {
    /// The same seed blinks and looks about in the same way.
    pub fn new(now: Time, seed: u64) -> Self {
        let mut dice = Dice(seed);
        let lean = if dice.part() < 0.5 { -1.0 } else { 1.0 };
        let blink_at = now + seconds(&mut dice, BLINK_EVERY);
        let glance = glance(&mut dice, now);
        let state = AgentState::Initializing;
        let mut actor = Self {
            dice,
            lean,
            state,
            since: now,
            at: now,
            pose: Pose::default(),
            sway: 0.0,
            swayed_s: 0.0,
            sound: None,
            blink_at,
            glance,
        };
        actor.pose = actor.aim(now);
        actor
    }

    pub fn set_state(&mut self, now: Time, state: AgentState) {
        if state != self.state {
            self.advance(now);
            (self.state, self.since) = (state, now);
        }
    }

    /// A frame of its voice is played from `now` on.
    pub fn hear(&mut self, now: Time, sound: Sound) {
        self.advance(now);
        self.sound = Some((sound, now + SOUND_HOLDS));
    }

    /// `now` is not before what it was told last.
    pub fn pose(&mut self, now: Time) -> Pose {
        self.advance(now);
        let blink = self.blink(now);
        Pose { state: self.state, lids: self.pose.lids * blink, step: self.step(now), ..self.pose }
    }

    /// Something moves on, so that pictures are worth their time.
    pub fn is_moving(&self, now: Time) -> bool {
        let aim = self.aim(now);
        let far = |a: f32, b: f32| (a - b).abs() > REACHED;
        let (mouth, aimed) = (self.pose.mouth, aim.mouth);
        self.state == AgentState::Speaking
            || self.sound.is_some_and(|(_, until)| now < until)
            || self.sway > REACHED
            || far(mouth.open, aimed.open)
            || far(mouth.wide, aimed.wide)
            || far(self.pose.level, aim.level)
            || far(self.pose.lids, aim.lids)
            || far(self.pose.brows, aim.brows)
            || far(self.pose.smile, aim.smile)
            || far(self.pose.tilt, aim.tilt)
            || (self.state == AgentState::Thinking && far(self.pose.gaze.1, aim.gaze.1))
    }

    /// When a face at rest looks different by itself next: it blinks, looks aside, or counts dots.
    pub fn next_beat(&self, now: Time) -> Time {
        let mut beats = vec![self.glance.from + GLANCE_TAKES, self.glance.to + GLANCE_TAKES];
        if self.state != AgentState::Initializing {
            beats.push(self.blink_at + BLINK_DOWN);
            beats.push(self.blink_at + BLINK_DOWN + BLINK_SHUT + BLINK_UP);
        }
        if self.state == AgentState::Thinking {
            let steps = now.since(self.since).as_micros() / STEP.as_micros() + 1;
            beats.push(self.since + STEP * u32::try_from(steps).unwrap_or(u32::MAX));
        }
        let later = beats.into_iter().filter(|beat| *beat > now).min();
        later.unwrap_or(now + Duration::from_secs(1))
    }

    /// Lets the time pass, with the sound's end where it is.
    fn advance(&mut self, now: Time) {
        if now.since(self.at) > FORGOTTEN {
            self.blink_at = now + seconds(&mut self.dice, BLINK_EVERY);
            self.glance = glance(&mut self.dice, now);
        }
        if let Some((_, until)) = self.sound
            && until <= now
        {
            self.follow(until);
            self.sound = None;
        }
        self.follow(now);
        if now >= self.blink_at + BLINK_DOWN + BLINK_SHUT + BLINK_UP {
            self.blink_at = now + seconds(&mut self.dice, BLINK_EVERY);
        }
        if now >= self.glance.to + GLANCE_TAKES {
            self.glance = glance(&mut self.dice, now);
        }
    }

    /// In small steps, so that it does not matter how often anybody asks.
    fn follow(&mut self, now: Time) {
        self.at = self.at.max(now - FORGOTTEN);
        while self.at < now {
            self.follow_step((self.at + FOLLOW_STEP).min(now));
        }
    }

    fn follow_step(&mut self, now: Time) {
        let passed = now.since(self.at);
        let aim = self.aim(self.at);
        let lively = if self.state == AgentState::Speaking { 1.0 } else { 0.0 };
        self.at = now;
        let pose = &mut self.pose;
        let jaw = if aim.mouth.open > pose.mouth.open { OPENING } else { CLOSING };
        let lips = share(passed, jaw);
        near(&mut pose.mouth.open, aim.mouth.open, lips);
        near(&mut pose.mouth.wide, aim.mouth.wide, lips);
        near(&mut pose.mouth.teeth, aim.mouth.teeth, lips);
        near(&mut pose.mouth.tongue, aim.mouth.tongue, lips);
        near(&mut pose.level, aim.level, share(passed, CLOSING));
        let features = share(passed, FEATURES);
        near(&mut pose.smile, aim.smile, features);
        near(&mut pose.lids, aim.lids, features);
        near(&mut pose.brows, aim.brows, features);
        near(&mut pose.tilt, aim.tilt, features);
        near(&mut pose.shift.0, aim.shift.0, features);
        near(&mut pose.shift.1, aim.shift.1, features);
        let eyes = share(passed, EYES);
        near(&mut pose.gaze.0, aim.gaze.0, eyes);
        near(&mut pose.gaze.1, aim.gaze.1, eyes);
        near(&mut self.sway, lively, features);
        self.swayed_s += passed.as_secs_f32() * self.sway;
    }

    /// What it would look like if it had all the time.
    fn aim(&self, now: Time) -> Pose {
        let mouth = self.sound.map_or_else(Mouth::default, |(sound, _)| mouth_of(sound));
        let level = self.sound.map_or(0.0, |(sound, _)| loudness(sound.level_dbfs));
        let gaze = if now >= self.glance.from && now < self.glance.to {
            self.glance.gaze
        } else {
            (0.0, 0.0)
        };
        let wave = |period_s: f32| (self.swayed_s * TAU / period_s).sin() * self.sway;
        let sway = (0.9 * wave(3.7), 0.5 * wave(2.3) - 0.7 * level);
        let still = Pose { mouth, level, gaze, shift: sway, ..Pose::default() };
        match self.state {
            AgentState::Initializing => Pose { lids: 0.0, smile: 0.2, gaze: (0.0, 0.0), ..still },
            AgentState::Idle => still,
            AgentState::Listening => {
                Pose { brows: 0.5, smile: 0.65, tilt: 2.6 * self.lean, gaze: half(gaze), ..still }
            }
            AgentState::Thinking => Pose {
                gaze: (0.6 * self.lean, -1.0),
                brows: 0.4,
                smile: 0.1,
                tilt: -2.0 * self.lean,
                ..still
            },
            AgentState::Speaking => Pose {
                smile: 0.35,
                brows: 0.1 + 0.7 * level * wave(2.9).max(0.0),
                tilt: 1.6 * wave(4.3),
                gaze: half(gaze),
                ..still
            },
        }
    }

    /// What a blink leaves of the opened eyes, 0 to 1.
    fn blink(&self, now: Time) -> f32 {
        let part = |from: Time, takes: Duration| {
            (now.since(from).as_secs_f32() / takes.as_secs_f32()).min(1.0)
        };
        let up_at = self.blink_at + BLINK_DOWN + BLINK_SHUT;
        if now < self.blink_at {
            1.0
        } else if now < up_at {
            1.0 - part(self.blink_at, BLINK_DOWN)
        } else {
            part(up_at, BLINK_UP)
        }
    }

    fn step(&self, now: Time) -> u8 {
        if self.state != AgentState::Thinking {
            return 0;
        }
        (now.since(self.since).as_micros() / STEP.as_micros() % 4) as u8
    }
}

fn seconds(dice: &mut Dice, (least, most): (f32, f32)) -> Duration {
    Duration::from_secs_f32(least + (most - least) * dice.part())
}

fn glance(dice: &mut Dice, now: Time) -> Glance {
    let from = now + seconds(dice, GLANCE_EVERY);
    let to = from + seconds(dice, GLANCE_LASTS);
    Glance { from, to, gaze: (dice.part() * 1.6 - 0.8, dice.part() * 0.7 - 0.35) }
}

fn half((x, y): (f32, f32)) -> (f32, f32) {
    (x / 2.0, y / 2.0)
}

/// How much of the way to its aim a part goes in `passed`, for its own time.
fn share(passed: Duration, own: Duration) -> f32 {
    1.0 - (-passed.as_secs_f32() / own.as_secs_f32()).exp()
}

fn near(part: &mut f32, aim: f32, share: f32) {
    *part += (aim - *part) * share;
}

/// 0 to 1.
fn loudness(level_dbfs: f32) -> f32 {
    ((level_dbfs - SILENCE_DBFS) / SPAN_DB).clamp(0.0, 1.0)
}

/// The mouth of a sound: by its shape where the voice tells it, else by its energy alone.
fn mouth_of(Sound { level_dbfs, shape }: Sound) -> Mouth {
    if level_dbfs <= SILENCE_DBFS {
        return Mouth::default();
    }
    let loud = loudness(level_dbfs);
    let Some(shape) = shape else {
        return Mouth { open: 0.14 + 0.62 * loud, wide: 0.1, teeth: 0.6, tongue: 0.0 };
    };
    let mouth = shaped(shape);
    Mouth { open: mouth.open * (0.75 + 0.3 * loud), ..mouth }
}

fn shaped(shape: Shape) -> Mouth {
    let mouth = |open, wide, teeth, tongue| Mouth { open, wide, teeth, tongue };
    match shape {
        Shape::Closed => Mouth::default(),
        Shape::Bite => mouth(0.16, 0.0, 1.0, 0.0),
        Shape::Tongue => mouth(0.34, 0.1, 0.6, 1.0),
        Shape::Teeth => mouth(0.22, 0.3, 0.9, 0.0),
        Shape::Push => mouth(0.3, -0.5, 0.5, 0.0),
        Shape::Back => mouth(0.32, 0.1, 0.5, 0.3),
        Shape::Mid => mouth(0.48, 0.1, 0.6, 0.0),
        Shape::Open => mouth(0.85, 0.1, 0.7, 0.0),
        Shape::Wide => mouth(0.34, 0.65, 0.9, 0.0),
        Shape::Round => mouth(0.58, -0.5, 0.0, 0.0),
        Shape::Small => mouth(0.28, -0.85, 0.0, 0.0),
    }
}

#[cfg(test)]
mod tests;
