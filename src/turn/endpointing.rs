//! Where an utterance begins and ends: a core without clock.
//!
//! It takes one speaker's frames and names stretches of samples. Every [`Effect::SpeechStarted`]
//! is followed by exactly one [`Effect::Utterance`] or [`Effect::SpeechDropped`] before the next,
//! and the stretches never overlap.
//!
//! The wait is fixed here. A predictor of the turn's end would be asked when the gate pauses, and
//! set the wait for that pause: see [`Endpointer::set_silence`].

use std::time::Duration;

use crate::audio::{EARS_RATE_HZ, duration_to_samples, samples_to_duration};
use crate::time::Time;
use crate::vad::gate::{self, Change, FRAME_SAMPLES, Gate, frames_to_duration};

mod history;

use history::{History, Past};

/// How speech is cut into utterances.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub gate: gate::Options,
    /// So much silence after the last voice ends an utterance.
    pub silence: Duration,
    /// Sound kept from before the first voiced frame: soft consonants come before voice.
    pub pre_roll: Duration,
    /// Sound kept after the last voiced frame, for the same reason.
    pub post_roll: Duration,
    /// With less voice than this it was a noise and no utterance.
    pub least_voice: Duration,
    /// The longest utterance; a longer one is cut at the quietest place of its newest part.
    pub longest: Duration,
    /// When no frame came for so long, the clock counts as silence (mute, DTX, a stalled link).
    pub gap: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            gate: gate::Options::default(),
            silence: Duration::from_millis(350),
            pre_roll: Duration::from_millis(300),
            post_roll: Duration::from_millis(200),
            least_voice: Duration::from_millis(128),
            longest: Duration::from_secs(15),
            gap: Duration::from_millis(100),
        }
    }
}

/// A frame of [`FRAME_SAMPLES`] samples, scored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Where it ends, counted in samples since the track began.
    pub to_sample: u64,
    /// When its last sample came.
    pub at: Time,
    /// Probability of speech, 0 to 1.
    pub probability: f32,
    /// Root mean square, 1 being full scale.
    pub level: f32,
}

/// What the frames came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Speech began; `at` is when its first voiced frame came.
    SpeechStarted {
        at: Time,
    },
    /// It was too short to be an utterance.
    SpeechDropped,
    Utterance(Span),
}

/// An utterance, as a stretch of the track.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// With pre-roll.
    pub from_sample: u64,
    /// With post-roll; exclusive.
    pub to_sample: u64,
    pub voiced_start: Time,
    pub voiced_end: Time,
    /// How much of it was voiced.
    pub voiced: Duration,
    pub endpoint: Time,
    /// The speech goes on in the next utterance: this one had reached the limit.
    pub cut: bool,
}

/// Follows one speaker.
#[derive(Debug)]
pub struct Endpointer {
    options: Options,
    gate: Gate,
    silence: Duration,
    history: History,
    open: Option<Open>,
    /// The end of the newest utterance: the next one begins there or later.
    taken_to_sample: u64,
}

/// An utterance that has begun.
#[derive(Debug)]
struct Open {
    from_sample: u64,
    voiced_start: Time,
    voiced_end: Time,
    voiced_to_sample: u64,
    voiced_frames: u32,
    /// It is the rest of an utterance that was cut, so it is kept however short it is.
    rest: bool,
}

impl Endpointer {
    pub fn new(options: Options) -> Self {
        let gate = Gate::new(&options.gate);
        let history = History::new(options.longest);
        Self { silence: options.silence, options, gate, history, open: None, taken_to_sample: 0 }
    }

    /// Sets the silence that ends the utterance in hand; the next one starts with the default.
    pub fn set_silence(&mut self, silence: Duration) {
        self.silence = silence;
    }

    /// Takes the next frame, in order and without overlap.
    pub fn frame(&mut self, now: Time, frame: Frame) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.open.is_none() && self.is_gap(frame.at) {
            self.gate.reset();
        }
        let change = self.gate.frame(frame.probability);
        self.history.push(Past {
            to_sample: frame.to_sample,
            at: frame.at,
            level: frame.level,
            voiced: self.gate.is_voiced(),
        });
        match change {
            Some(Change::Started { frames }) => self.start(frames, &mut effects),
            Some(Change::Paused) => {}
            None if self.gate.is_speech() && self.gate.is_voiced() => self.go_on(1),
            None => {}
        }
        self.end_when_silent(now, frame, &mut effects);
        self.cut_when_long(now, frame, &mut effects);
        effects
    }

    /// Nothing came since the newest frame, for longer than frames are apart.
    fn is_gap(&self, at: Time) -> bool {
        self.history.newest().is_some_and(|newest| at.since(newest.at) > self.options.gap)
    }

    fn start(&mut self, frames: u32, effects: &mut Vec<Effect>) {
        if self.open.is_some() {
            return self.go_on(frames);
        }
        let first = self.history.back(frames);
        let begin = first.to_sample.saturating_sub(FRAME_SAMPLES as u64);
        let voiced_start = first.at - frames_to_duration(1);
        let pre_roll = duration_to_samples(self.options.pre_roll, EARS_RATE_HZ) as u64;
        self.open = Some(Open {
            from_sample: begin.saturating_sub(pre_roll).max(self.taken_to_sample),
            voiced_start,
            voiced_end: first.at,
            voiced_to_sample: first.to_sample,
            voiced_frames: 0,
            rest: false,
        });
        self.go_on(frames);
        effects.push(Effect::SpeechStarted { at: voiced_start });
    }

    /// The newest `frames` frames belong to the speech in hand.
    fn go_on(&mut self, frames: u32) {
        let (Some(open), Some(newest)) = (&mut self.open, self.history.newest()) else { return };
        open.voiced_frames += self.history.voiced_of(frames);
        open.voiced_end = newest.at;
        open.voiced_to_sample = newest.to_sample;
    }

    fn end_when_silent(&mut self, now: Time, frame: Frame, effects: &mut Vec<Effect>) {
        let Some(open) = &self.open else { return };
        let samples = frame.to_sample.saturating_sub(open.voiced_to_sample);
        let by_samples = samples_to_duration(samples as usize, EARS_RATE_HZ);
        let by_clock = frame.at.since(open.voiced_end);
        // A sound that is just beginning decides first whether it is more of the same speech.
        if by_samples.max(by_clock) >= self.silence && !self.gate.is_rising() {
            effects.extend(self.close(now));
        }
    }

    /// When [`Self::wake`] is due, should no frame come before.
    pub fn wake_at(&self) -> Option<Time> {
        let open = self.open.as_ref()?;
        let newest = self.history.newest()?;
        Some((open.voiced_end + self.silence).max(newest.at + self.options.gap))
    }

    /// Ends an utterance whose speaker's frames stopped coming.
    pub fn wake(&mut self, now: Time) -> Option<Effect> {
        self.wake_at().filter(|&at| at <= now)?;
        self.close(now)
    }

    /// The track ended: what was said until here is an utterance.
    pub fn end(&mut self, now: Time) -> Option<Effect> {
        let effect = self.close(now);
        self.gate.reset();
        effect
    }

    fn close(&mut self, now: Time) -> Option<Effect> {
        let open = self.open.take()?;
        self.gate.reset();
        self.silence = self.options.silence;
        if !open.rest && frames_to_duration(open.voiced_frames) < self.options.least_voice {
            return Some(Effect::SpeechDropped);
        }
        let post_roll = duration_to_samples(self.options.post_roll, EARS_RATE_HZ) as u64;
        let newest = self.history.newest().map_or(open.voiced_to_sample, |past| past.to_sample);
        let to_sample = newest.min(open.voiced_to_sample + post_roll);
        Some(Effect::Utterance(self.span(&open, to_sample, now, false)))
    }

    fn span(&mut self, open: &Open, to_sample: u64, endpoint: Time, cut: bool) -> Span {
        self.taken_to_sample = to_sample;
        Span {
            from_sample: open.from_sample,
            to_sample,
            voiced_start: open.voiced_start,
            voiced_end: open.voiced_end,
            voiced: frames_to_duration(open.voiced_frames),
            endpoint,
            cut,
        }
    }

    fn cut_when_long(&mut self, now: Time, frame: Frame, effects: &mut Vec<Effect>) {
        let longest = duration_to_samples(self.options.longest, EARS_RATE_HZ) as u64;
        let long = |open: &mut Open| frame.to_sample - open.from_sample >= longest;
        let Some(mut open) = self.open.take_if(long) else { return };
        let place = self.history.quietest_after(open.from_sample);
        let rest = self.history.rest_after(place);
        if let Some(last) = self.history.last_voiced_until(place) {
            open.voiced_end = last.at;
        }
        if let Some(rest) = &rest {
            open.voiced_frames = open.voiced_frames.saturating_sub(rest.voiced_frames);
        }
        effects.push(Effect::Utterance(self.span(&open, place, now, rest.is_some())));
        match rest {
            Some(rest) => {
                effects.push(Effect::SpeechStarted { at: rest.voiced_start });
                self.open = Some(rest);
            }
            None => self.gate.reset(),
        }
    }

    /// An utterance has begun and is not over.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The oldest sample that an utterance may still need.
    pub fn needed_from_sample(&self) -> u64 {
        if let Some(open) = &self.open {
            return open.from_sample;
        }
        let Some(newest) = self.history.newest() else { return 0 };
        // A rising stretch is at most twice the onset long, with a hole after each voiced frame.
        let before = self.options.pre_roll + 2 * self.options.gate.onset + frames_to_duration(2);
        let before = duration_to_samples(before, EARS_RATE_HZ) as u64;
        newest.to_sample.saturating_sub(before).max(self.taken_to_sample)
    }
}

#[cfg(test)]
mod tests;
