//! The sound of a speech on a time line, and which words are where on it. No clock, no tasks.

use std::collections::VecDeque;
use std::time::Duration;

use crate::audio::{FRAME_SAMPLES, ROOM_RATE_HZ};
use crate::mouth::{Cue, Shape};
use crate::turn::Restart;

/// Handed samples that are kept: what a transport may still hold when the speech is stopped.
const KEPT_SAMPLES: u64 = 4 * FRAME_SAMPLES as u64;
/// So often a sentence is begun anew; then it goes on where it was, or a noisy room would hear
/// nothing but its beginning.
const ANEW_MAX: u32 = 2;
/// The dying away after a clause's last word: who heard all but this heard the word.
const TAIL_SAMPLES: u64 = 40 * ROOM_RATE_HZ as u64 / 1_000;
/// The rests of speech: after a sentence, and within one.
const SENTENCE_PAUSE: Duration = Duration::from_millis(240);
const CLAUSE_PAUSE: Duration = Duration::from_millis(110);

pub(super) type Frame = [i16; FRAME_SAMPLES];

/// Positions are samples since the speech's first one; time in which nothing was there to play
/// does not count.
#[derive(Debug, Default)]
pub(super) struct Track {
    samples: VecDeque<i16>,
    /// Position of the front of `samples`.
    base: u64,
    handed: u64,
    clauses: Vec<Placed>,
    /// What the mouth does from a position on; none where no voice tells.
    shapes: Vec<(u64, Option<Shape>)>,
    /// All clauses' text.
    text: String,
    captioned: usize,
    begun: bool,
    /// Where the sentence begins that was begun anew last, and how often it was.
    anew: (u64, u32),
}

#[derive(Debug)]
struct Placed {
    /// Where its text ends in [`Track::text`].
    text_end: usize,
    start: u64,
    end: u64,
}

/// Which words count at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    Begun,
    Ended,
}

impl Track {
    /// Puts a clause at the end, after a pause that fits the one before it. `waited` is for how
    /// long nothing was there to play; it is part of the pause.
    pub(super) fn add(&mut self, text: &str, sound: &[i16], waited: Duration) {
        if !sound.is_empty() && self.end() > 0 {
            let pause = pause_after(&self.text).saturating_sub(waited);
            self.pad(samples_in(pause) as usize);
        }
        let start = self.end();
        self.samples.extend(sound);
        self.text.push_str(text);
        self.clauses.push(Placed { text_end: self.text.len(), start, end: self.end() });
    }

    /// What the mouth does in the clause that was added last.
    pub(super) fn add_mouth(&mut self, cues: &[Cue]) {
        let Some(clause) = self.clauses.last() else { return };
        if cues.is_empty() {
            self.shapes.push((clause.start, None));
            return;
        }
        let cues = cues.iter().map(|cue| (clause.start + u64::from(cue.at), Some(cue.shape)));
        self.shapes.extend(cues.filter(|(at, _)| *at < clause.end));
        self.shapes.push((clause.end, Some(Shape::Closed)));
    }

    /// What the mouth does in the middle of the next frame, where the voice tells.
    pub(super) fn next_shape(&self) -> Option<Shape> {
        let middle = self.handed + FRAME_SAMPLES as u64 / 2;
        let before = self.shapes.partition_point(|(at, _)| *at <= middle).checked_sub(1)?;
        self.shapes[before].1
    }

    /// The end of all that was added.
    fn end(&self) -> u64 {
        self.base + self.samples.len() as u64
    }

    fn pad(&mut self, samples: usize) {
        self.samples.extend(std::iter::repeat_n(0, samples));
    }

    pub(super) fn handed(&self) -> u64 {
        self.handed
    }

    /// Some of it was handed.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// How much comes after `position`.
    pub(super) fn left(&self, position: u64) -> u64 {
        self.end().saturating_sub(position)
    }

    /// Lets the next frame be one that was handed before: the sound was heard up to `position`, and
    /// what was cut there is said again, from the beginning of a clause or sentence.
    pub(super) fn rewind(&mut self, position: u64, from: Restart) {
        let to = self.begin_of(position, from);
        let sentence = self.begin_of(position, Restart::Sentence);
        let (place, count) = self.anew;
        let count = if place == sentence && to < position { count + 1 } else { 1 };
        self.anew = (sentence, count);
        let to = if count > ANEW_MAX { position } else { to };
        self.handed = on_a_frame(to.min(self.handed)).max(self.base);
    }

    /// Lets the next frame be the one at `position`, which was handed before.
    pub(super) fn go_back(&mut self, position: u64) {
        self.handed = on_a_frame(position.min(self.handed)).max(self.base);
    }

    /// Where the clause or sentence begins that is not over at `position`.
    fn begin_of(&self, position: u64, from: Restart) -> u64 {
        let Some(at) = self.clauses.iter().position(|clause| position < clause.last()) else {
            return position;
        };
        let ends = |at: usize| ends_sentence(&self.text[..self.clauses[at].text_end]);
        let back = (0..at).rev().take_while(|&before| !ends(before)).last();
        let begin = match from {
            Restart::Clause => at,
            Restart::Sentence => back.unwrap_or(at),
        };
        self.clauses[begin].start
    }

    pub(super) fn has_whole_frame(&self) -> bool {
        self.end() - self.handed >= FRAME_SAMPLES as u64
    }

    pub(super) fn has_sound(&self) -> bool {
        self.end() > self.handed
    }

    /// The next frame; the last one is filled up with silence.
    pub(super) fn take_frame(&mut self) -> Frame {
        let missing = FRAME_SAMPLES.saturating_sub((self.end() - self.handed) as usize);
        self.pad(missing);
        let frame = self.frame_at(self.handed);
        self.handed += FRAME_SAMPLES as u64;
        self.begun = true;
        // It may have to be said again from its sentence on.
        let old = self.handed.saturating_sub(KEPT_SAMPLES);
        let kept = on_a_frame(old.min(self.begin_of(old, Restart::Sentence)));
        self.samples.drain(..kept.saturating_sub(self.base) as usize);
        self.base = self.base.max(kept);
        frame
    }

    fn frame_at(&self, position: u64) -> Frame {
        let from = position.saturating_sub(self.base) as usize;
        let mut frame = [0; FRAME_SAMPLES];
        for (to, sample) in frame.iter_mut().zip(self.samples.range(from.min(self.samples.len())..))
        {
            *to = *sample;
        }
        frame
    }

    /// The sound from `position` on, falling to silence within `fade`, in whole frames. Nothing
    /// when there is no sound to fade.
    pub(super) fn fade_out(&self, position: u64, fade: Duration) -> Vec<Frame> {
        let length = samples_in(fade);
        let left = self.end().saturating_sub(position.max(self.base));
        let frames = length.min(left).div_ceil(FRAME_SAMPLES as u64);
        let frame = |n: u64| {
            let offset = n * FRAME_SAMPLES as u64;
            let mut frame = self.frame_at(position + offset);
            for (sample, at) in frame.iter_mut().zip(offset + 1..) {
                let gain = 1.0 - at.min(length) as f32 / length as f32;
                *sample = (f32::from(*sample) * gain) as i16;
            }
            frame
        };
        (0..frames).map(frame).collect()
    }

    /// The text whose words were played to their end at `position`.
    pub(super) fn heard(&self, position: u64) -> &str {
        if position == 0 {
            return "";
        }
        &self.text[..self.text_at(position, Reached::Ended)]
    }

    /// The text of the words that began until `position`, as far as it was not asked for before.
    pub(super) fn caption(&mut self, position: u64) -> &str {
        let from = self.captioned;
        self.captioned = from.max(self.text_at(position, Reached::Begun));
        &self.text[from..self.captioned]
    }

    /// All text that no caption had yet.
    pub(super) fn caption_rest(&mut self) -> &str {
        let from = std::mem::replace(&mut self.captioned, self.text.len());
        &self.text[from..]
    }

    fn text_at(&self, position: u64, reached: Reached) -> usize {
        let mut from = 0;
        for clause in &self.clauses {
            let last = clause.last();
            if position < last {
                let Some(played) = position.checked_sub(clause.start) else { return from };
                let share = played as f64 / (last - clause.start) as f64;
                return from + words_until(&self.text[from..clause.text_end], share, reached);
            }
            from = clause.text_end;
        }
        from
    }
}

impl Placed {
    /// Whoever heard it up to here heard all its words.
    fn last(&self) -> u64 {
        self.end - TAIL_SAMPLES.min((self.end - self.start) / 2)
    }
}

fn on_a_frame(position: u64) -> u64 {
    position - position % FRAME_SAMPLES as u64
}

/// Where the last word ends that is reached after `share` (0 to 1) of the clause's sound. A word
/// takes as much of it as it has letters, and one more; a comma takes two.
fn words_until(clause: &str, share: f64, reached: Reached) -> usize {
    let words: Vec<(usize, f64)> = word_ends(clause);
    let total: f64 = words.iter().map(|(_, weight)| weight).sum();
    let mut spent = 0.0;
    let mut end = 0;
    for (word_end, weight) in words {
        let edge = match reached {
            Reached::Begun => spent,
            Reached::Ended => spent + weight,
        };
        if edge > share * total {
            break;
        }
        spent += weight;
        end = word_end;
    }
    end
}

/// Each word's end in bytes and its weight; white space leads a word.
fn word_ends(clause: &str) -> Vec<(usize, f64)> {
    let mut words = Vec::new();
    let mut weight = 0.0;
    let mut chars = clause.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c.is_whitespace() {
            continue;
        }
        weight += match c {
            ',' | ';' | ':' | '—' => 2.0,
            c if c.is_alphanumeric() => 1.0,
            _ => 0.0,
        };
        if chars.peek().is_none_or(|(_, next)| next.is_whitespace()) {
            words.push((at + c.len_utf8(), weight + 1.0));
            weight = 0.0;
        }
    }
    words
}

fn ends_sentence(text: &str) -> bool {
    let end = text.trim_end_matches(|c: char| !c.is_alphanumeric() && !".!?…".contains(c));
    end.ends_with(['.', '!', '?'])
}

fn pause_after(text: &str) -> Duration {
    if ends_sentence(text) { SENTENCE_PAUSE } else { CLAUSE_PAUSE }
}

pub(super) fn samples_in(duration: Duration) -> u64 {
    duration.as_micros() as u64 * u64::from(ROOM_RATE_HZ) / 1_000_000
}

#[cfg(test)]
mod tests;
