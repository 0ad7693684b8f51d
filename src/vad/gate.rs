//! From a probability per frame to "speech began" and "speech paused": a core without clock.

use std::time::Duration;

use crate::audio::{EARS_RATE_HZ, samples_to_duration};

/// Samples of one frame: what the detector judges at a time (16 ms at 16 kHz).
pub const FRAME_SAMPLES: usize = 256;

/// How long `frames` frames last.
pub fn frames_to_duration(frames: u32) -> Duration {
    samples_to_duration(FRAME_SAMPLES * frames as usize, EARS_RATE_HZ)
}

/// The number of frames nearest to a duration, at least one.
pub fn duration_to_frames(duration: Duration) -> u32 {
    let frame = frames_to_duration(1);
    let frames = (duration + frame / 2).as_micros() / frame.as_micros();
    u32::try_from(frames).unwrap_or(u32::MAX).max(1)
}

/// When sound counts as speech.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// From this probability on a frame is voiced.
    pub enter: f32,
    /// Below this one a voiced stretch ends. The distance to `enter` keeps it from flickering.
    pub exit: f32,
    /// So much voice makes speech: a click is shorter.
    pub onset: Duration,
    /// So much silence makes a pause: the closure of a stop consonant is shorter.
    pub hang_over: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enter: 0.5,
            exit: 0.35,
            onset: Duration::from_millis(48),
            hang_over: Duration::from_millis(160),
        }
    }
}

/// What a frame changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Speech began `frames` frames ago, this one included.
    Started { frames: u32 },
    /// The hang-over has passed without voice.
    Paused,
}

/// Follows one speaker's frames.
#[derive(Clone, Debug)]
pub struct Gate {
    enter: f32,
    exit: f32,
    onset_frames: u32,
    hang_over_frames: u32,
    voiced: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Silent,
    /// Voice, but not yet enough of it: `voiced` of the newest `frames` frames.
    Rising {
        frames: u32,
        voiced: u32,
        unvoiced_in_row: u32,
    },
    Speech {
        unvoiced_in_row: u32,
    },
}

/// A rising stretch survives one unvoiced frame, not two: speech is seldom that full of holes.
const HOLE_FRAMES_MAX: u32 = 1;

impl Gate {
    pub fn new(options: &Options) -> Self {
        Self {
            enter: options.enter,
            exit: options.exit.min(options.enter),
            onset_frames: duration_to_frames(options.onset),
            hang_over_frames: duration_to_frames(options.hang_over),
            voiced: false,
            state: State::Silent,
        }
    }

    /// Takes the next frame's probability of speech, 0 to 1.
    pub fn frame(&mut self, probability: f32) -> Option<Change> {
        let threshold = if self.voiced { self.exit } else { self.enter };
        self.voiced = probability >= threshold;
        let (state, change) = match self.state {
            State::Silent if self.voiced => self.rise(1, 1, 0),
            State::Silent => (State::Silent, None),
            State::Rising { frames, voiced, .. } if self.voiced => {
                self.rise(frames + 1, voiced + 1, 0)
            }
            State::Rising { frames, voiced, unvoiced_in_row } => {
                self.rise(frames + 1, voiced, unvoiced_in_row + 1)
            }
            State::Speech { .. } if self.voiced => (State::Speech { unvoiced_in_row: 0 }, None),
            State::Speech { unvoiced_in_row } => self.fade(unvoiced_in_row + 1),
        };
        self.state = state;
        change
    }

    fn rise(&self, frames: u32, voiced: u32, unvoiced_in_row: u32) -> (State, Option<Change>) {
        if voiced >= self.onset_frames {
            (State::Speech { unvoiced_in_row: 0 }, Some(Change::Started { frames }))
        } else if unvoiced_in_row > HOLE_FRAMES_MAX {
            (State::Silent, None)
        } else {
            (State::Rising { frames, voiced, unvoiced_in_row }, None)
        }
    }

    fn fade(&self, unvoiced_in_row: u32) -> (State, Option<Change>) {
        if unvoiced_in_row >= self.hang_over_frames {
            (State::Silent, Some(Change::Paused))
        } else {
            (State::Speech { unvoiced_in_row }, None)
        }
    }

    /// Was the newest frame voiced?
    pub fn is_voiced(&self) -> bool {
        self.voiced
    }

    /// Speech is going on, or paused for less than the hang-over.
    pub fn is_speech(&self) -> bool {
        matches!(self.state, State::Speech { .. })
    }

    /// How many of the newest frames of speech have no voice; 0 outside of speech.
    pub fn unvoiced_frames(&self) -> u32 {
        match self.state {
            State::Speech { unvoiced_in_row } => unvoiced_in_row,
            State::Silent | State::Rising { .. } => 0,
        }
    }

    /// There is voice that may become speech with the next frames.
    pub fn is_rising(&self) -> bool {
        matches!(self.state, State::Rising { .. })
    }

    /// Forgets what it heard: the next frame follows on silence.
    pub fn reset(&mut self) {
        self.voiced = false;
        self.state = State::Silent;
    }
}

#[cfg(test)]
mod tests;
