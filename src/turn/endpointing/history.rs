//! The newest frames of a speaker, to look back for a beginning and for a place to cut.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Open, Pause};
use crate::time::Time;
use crate::vad::gate::{duration_to_frames, frames_to_duration};

/// How far back a cut is looked for. People breathe about that often.
const LOOK_BACK: Duration = Duration::from_secs(3);
/// A quiet place is judged over so many frames (80 ms): one quiet frame is the inside of a word.
const QUIET_FRAMES: usize = 5;

#[derive(Clone, Copy, Debug)]
pub(super) struct Past {
    pub to_sample: u64,
    pub at: Time,
    pub level: f32,
    pub voiced: bool,
}

#[derive(Debug)]
pub(super) struct History {
    frames: VecDeque<Past>,
    frames_max: usize,
}

impl History {
    /// For utterances up to `longest`; a cut leaves at least half of that.
    pub(super) fn new(longest: Duration) -> Self {
        let frames_max = duration_to_frames(LOOK_BACK.min(longest / 2)) as usize;
        Self { frames: VecDeque::with_capacity(frames_max), frames_max }
    }

    pub(super) fn push(&mut self, past: Past) {
        if self.frames.len() == self.frames_max {
            self.frames.pop_front();
        }
        self.frames.push_back(past);
    }

    pub(super) fn newest(&self) -> Option<Past> {
        self.frames.back().copied()
    }

    /// The frame that is `frames` frames back, the newest being 1 back.
    pub(super) fn back(&self, frames: u32) -> Past {
        let index = self.frames.len().saturating_sub(frames.max(1) as usize);
        self.frames[index]
    }

    /// How many of the newest `frames` frames are voiced.
    pub(super) fn voiced_of(&self, frames: u32) -> u32 {
        count(self.frames.iter().rev().take(frames as usize))
    }

    /// The sample in the middle of the quietest stretch after `sample`.
    pub(super) fn quietest_after(&self, sample: u64) -> u64 {
        let frames: Vec<Past> =
            self.frames.iter().filter(|past| past.to_sample > sample).copied().collect();
        let loudness = |stretch: &&[Past]| stretch.iter().map(|past| past.level).sum::<f32>();
        frames
            .windows(QUIET_FRAMES)
            .min_by(|a, b| loudness(a).total_cmp(&loudness(b)))
            .map(|stretch| stretch[QUIET_FRAMES / 2].to_sample)
            .or(frames.last().map(|past| past.to_sample))
            .unwrap_or(sample)
    }

    pub(super) fn last_voiced_until(&self, sample: u64) -> Option<Past> {
        self.frames.iter().rev().find(|past| past.to_sample <= sample && past.voiced).copied()
    }

    /// The utterance that begins at a cut, when there is voice after it.
    pub(super) fn rest_after(&self, sample: u64) -> Option<Open> {
        let after = || self.frames.iter().filter(|past| past.to_sample > sample);
        let first = after().find(|past| past.voiced)?;
        let last = after().rfind(|past| past.voiced)?;
        Some(Open {
            from_sample: sample,
            voiced_start: first.at - frames_to_duration(1),
            voiced_end: last.at,
            voiced_to_sample: last.to_sample,
            voiced_frames: count(after()),
            stretch_frames: count(after()),
            went_on: false,
            told_lasting: false,
            told_long: false,
            told_lull: false,
            rest: true,
            pause: Pause::No,
        })
    }
}

fn count<'a>(frames: impl Iterator<Item = &'a Past>) -> u32 {
    u32::try_from(frames.filter(|past| past.voiced).count()).unwrap_or(u32::MAX)
}
