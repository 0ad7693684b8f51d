//! Where an utterance begins and ends: a core without clock.
//!
//! It takes one speaker's frames and names stretches of samples. Every [`Effect::SpeechStarted`]
//! is followed by exactly one [`Effect::Utterance`] or [`Effect::SpeechDropped`] before the next,
//! and the stretches never overlap.
//!
//! Every pause is told: a model may be asked whether the turn is complete, and its answer sets the
//! wait for that pause (see [`Endpointer::judged`]). Without an answer the wait is a fixed one.

use std::time::Duration;

use crate::audio::{EARS_RATE_HZ, duration_to_samples, samples_to_duration};
use crate::time::Time;
use crate::vad::gate::{self, Change, FRAME_SAMPLES, Gate, duration_to_frames, frames_to_duration};

mod history;
pub mod patience;

use history::{History, Past};
use patience::Patience;

/// Whoever speaks again so soon after an utterance had not finished: no answer begins sooner, so
/// it is none to an answer. The pause is learnt from, though it was taken for the end.
const GOES_ON_WITHIN: Duration = Duration::from_millis(1_000);

/// A pause that goes on is told again after so much silence: with more of it a model tells an end
/// from a pause more surely, and a turn that was not recognised as complete is not waited for long.
const TOLD_AGAIN: [Duration; 3] =
    [Duration::from_millis(400), Duration::from_millis(800), Duration::from_millis(1_300)];

/// So much voice without a pause in it is more than a click, a cough or a short nod.
pub const LASTING: Duration = Duration::from_millis(300);
/// So much voice in all is speech, whatever its words are.
pub const LONG: Duration = Duration::from_millis(1_000);

/// How speech is cut into utterances.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub gate: gate::Options,
    /// After so little silence a pause may be beginning. It is a lull once in six or seven times,
    /// and the other times a pause or the end, for which 0.1 s are won.
    pub lull: Duration,
    /// So much silence after the last voice ends an utterance about which no model was heard.
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
    /// With less voice than this a turn is seldom over, however complete it sounds: a name that is
    /// called ("Felix, …") takes half a second, and what it is called for comes after it.
    pub brief: Duration,
    /// The least wait after so little, when a pause is judged: longer than a pause behind a name.
    pub brief_wait: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            gate: gate::Options::default(),
            lull: Duration::from_millis(64),
            silence: Duration::from_millis(350),
            pre_roll: Duration::from_millis(300),
            post_roll: Duration::from_millis(200),
            least_voice: Duration::from_millis(128),
            longest: Duration::from_secs(15),
            gap: Duration::from_millis(100),
            brief: Duration::from_millis(700),
            brief_wait: Duration::from_millis(550),
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
    /// There is no voice just now: the utterance as it is if nothing more comes. What follows is
    /// [`Effect::Resumed`], a pause or an end.
    Lull(Span),
    /// The speaker pauses, and the gate's hang-over has passed: the utterance as it is if nothing
    /// more comes. Either [`Effect::Resumed`] follows or an end.
    Paused(Span),
    /// The pause goes on: the same utterance with all the silence since.
    StillPaused(Span),
    /// The speaker went on after [`Effect::Paused`] or [`Effect::Lull`].
    Resumed,
    /// There is much voice, `voiced` in all: told once of each stretch between two pauses, when it
    /// has lasted for [`LASTING`] or at once when it follows a pause (whoever calls a name goes on
    /// so), and once of the utterance, when that has [`LONG`].
    Lasts {
        voiced: Duration,
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
    patience: Patience,
    /// The wait for the pause in hand, when a model was heard about it.
    judged: Option<Duration>,
    history: History,
    open: Option<Open>,
    /// The last voice of the newest utterance that ended in silence.
    ended: Option<Time>,
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
    /// Of these, since the beginning or the last pause.
    stretch_frames: u32,
    /// There was a pause in it.
    went_on: bool,
    told_lasting: bool,
    told_long: bool,
    told_lull: bool,
    /// It is the rest of an utterance that was cut, so it is kept however short it is.
    rest: bool,
    pause: Pause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    No,
    /// After so little voice that it may be a noise.
    Untold,
    /// And told again so often.
    Told {
        again: usize,
    },
}

impl Pause {
    fn is_told(self) -> bool {
        matches!(self, Self::Told { .. })
    }
}

impl Endpointer {
    pub fn new(options: Options) -> Self {
        let gate = Gate::new(&options.gate);
        let history = History::new(options.longest);
        Self {
            options,
            gate,
            patience: Patience::default(),
            judged: None,
            history,
            open: None,
            ended: None,
            taken_to_sample: 0,
        }
    }

    /// Takes what a model made of the pause that began at `voiced_end`: the probability that the
    /// turn is complete, 0 to 1. It sets the wait for this pause; call [`Self::wake`] after it.
    /// False when that pause is over.
    pub fn judged(&mut self, voiced_end: Time, complete: f32) -> bool {
        let told = |open: &Open| open.pause.is_told() && open.voiced_end == voiced_end;
        let Some(open) = self.open.as_ref().filter(|open| told(open)) else { return false };
        let brief = frames_to_duration(open.voiced_frames) < self.options.brief;
        let least = if brief { self.options.brief_wait } else { Duration::ZERO };
        self.judged = Some(self.patience.wait(complete).max(least));
        true
    }

    fn wait(&self) -> Duration {
        self.judged.unwrap_or(self.options.silence)
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
            None if self.gate.is_speech() && self.gate.is_voiced() => {
                effects.extend(self.end_lull());
                self.go_on(1);
            }
            None => effects.extend(self.lull(now)),
        }
        effects.extend(self.lasts());
        self.end_when_silent(now, frame, &mut effects);
        self.cut_when_long(now, frame, &mut effects);
        if change == Some(Change::Paused) {
            effects.extend(self.pause(now));
        }
        effects.extend(self.pause_on(now, frame.at));
        effects
    }

    fn lasts(&mut self) -> Option<Effect> {
        let open = self.open.as_mut().filter(|open| open.pause == Pause::No)?;
        let voiced = frames_to_duration(open.voiced_frames);
        let lasting = open.went_on || frames_to_duration(open.stretch_frames) >= LASTING;
        let long = voiced >= LONG;
        let is_news = lasting && !open.told_lasting || long && !open.told_long;
        open.told_lasting |= lasting;
        open.told_long |= long;
        is_news.then_some(Effect::Lasts { voiced })
    }

    /// There is less silence than the hang-over, and enough for a lull.
    fn lull(&mut self, now: Time) -> Option<Effect> {
        let due = self.gate.unvoiced_frames() == duration_to_frames(self.options.lull);
        let least_voice = self.options.least_voice;
        let news = |open: &&mut Open| due && open.pause == Pause::No && open.is_kept(least_voice);
        self.open.as_mut().filter(news)?.told_lull = true;
        let open = self.open.as_ref()?;
        Some(Effect::Lull(open.span(self.end_sample(open), now, false)))
    }

    /// Voice goes on where no pause was.
    fn end_lull(&mut self) -> Option<Effect> {
        let open = self.open.as_mut()?;
        std::mem::take(&mut open.told_lull).then_some(Effect::Resumed)
    }

    /// The hang-over has passed.
    fn pause(&mut self, now: Time) -> Option<Effect> {
        let least_voice = self.options.least_voice;
        let open = self.open.as_mut().filter(|open| open.pause == Pause::No)?;
        if !open.is_kept(least_voice) {
            open.pause = Pause::Untold;
            return None;
        }
        open.pause = Pause::Told { again: 0 };
        let open = self.open.as_ref()?;
        Some(Effect::Paused(open.span(self.end_sample(open), now, false)))
    }

    /// The pause goes on, as is known `until` then.
    fn pause_on(&mut self, now: Time, until: Time) -> Option<Effect> {
        let (Some(open), Some(newest)) = (&mut self.open, self.history.newest()) else {
            return None;
        };
        let due = open.told_again_after()?;
        if until.since(open.voiced_end) < due {
            return None;
        }
        if let Pause::Told { again } = &mut open.pause {
            *again += 1;
        }
        Some(Effect::StillPaused(open.span(newest.to_sample, now, false)))
    }

    /// Nothing came since the newest frame, for longer than frames are apart.
    fn is_gap(&self, at: Time) -> bool {
        self.history.newest().is_some_and(|newest| at.since(newest.at) > self.options.gap)
    }

    fn start(&mut self, frames: u32, effects: &mut Vec<Effect>) {
        let first = self.history.back(frames);
        let voiced_start = first.at - frames_to_duration(1);
        if self.open.is_some() {
            self.resume(voiced_start, effects);
            return self.go_on(frames);
        }
        if let Some(ended) = self.ended.take()
            && voiced_start.since(ended) <= GOES_ON_WITHIN
        {
            self.patience.learn(voiced_start.since(ended));
        }
        let begin = first.to_sample.saturating_sub(FRAME_SAMPLES as u64);
        let pre_roll = duration_to_samples(self.options.pre_roll, EARS_RATE_HZ) as u64;
        self.open = Some(Open {
            from_sample: begin.saturating_sub(pre_roll).max(self.taken_to_sample),
            voiced_start,
            voiced_end: first.at,
            voiced_to_sample: first.to_sample,
            voiced_frames: 0,
            stretch_frames: 0,
            went_on: false,
            told_lasting: false,
            told_long: false,
            told_lull: false,
            rest: false,
            pause: Pause::No,
        });
        self.go_on(frames);
        effects.push(Effect::SpeechStarted { at: voiced_start });
    }

    /// The speaker goes on, since `at`.
    fn resume(&mut self, at: Time, effects: &mut Vec<Effect>) {
        let Some(open) = &mut self.open else { return };
        let pause = std::mem::replace(&mut open.pause, Pause::No);
        self.judged = None;
        open.stretch_frames = 0;
        open.told_lasting = false;
        open.told_lull = false;
        open.went_on |= pause.is_told();
        if pause.is_told() {
            self.patience.learn(at.since(open.voiced_end));
            effects.push(Effect::Resumed);
        }
    }

    /// The newest `frames` frames belong to the speech in hand.
    fn go_on(&mut self, frames: u32) {
        let (Some(open), Some(newest)) = (&mut self.open, self.history.newest()) else { return };
        let voiced = self.history.voiced_of(frames);
        open.voiced_frames += voiced;
        open.stretch_frames += voiced;
        open.voiced_end = newest.at;
        open.voiced_to_sample = newest.to_sample;
    }

    fn end_when_silent(&mut self, now: Time, frame: Frame, effects: &mut Vec<Effect>) {
        let Some(open) = &self.open else { return };
        let samples = frame.to_sample.saturating_sub(open.voiced_to_sample);
        let by_samples = samples_to_duration(samples as usize, EARS_RATE_HZ);
        let by_clock = frame.at.since(open.voiced_end);
        // A sound that is just beginning decides first whether it is more of the same speech.
        if by_samples.max(by_clock) >= self.wait() && !self.gate.is_rising() {
            effects.extend(self.close(now));
        }
    }

    /// When [`Self::wake`] is due, should no frame come before.
    pub fn wake_at(&self) -> Option<Time> {
        self.pauses_at().into_iter().chain(self.pauses_on_at()).chain(self.ends_at()).min()
    }

    /// When the clock makes a pause of missing frames.
    fn pauses_at(&self) -> Option<Time> {
        let open = self.open.as_ref().filter(|open| open.pause == Pause::No)?;
        self.by_clock(open, self.options.gate.hang_over)
    }

    /// When the clock makes it a longer one.
    fn pauses_on_at(&self) -> Option<Time> {
        let open = self.open.as_ref()?;
        self.by_clock(open, open.told_again_after()?)
    }

    /// When the clock ends the utterance in hand.
    fn ends_at(&self) -> Option<Time> {
        self.by_clock(self.open.as_ref()?, self.wait())
    }

    fn by_clock(&self, open: &Open, silence: Duration) -> Option<Time> {
        let newest = self.history.newest()?;
        Some((open.voiced_end + silence).max(newest.at + self.options.gap))
    }

    /// Ends or pauses an utterance whose speaker's frames stopped coming.
    pub fn wake(&mut self, now: Time) -> Option<Effect> {
        if self.ends_at().is_some_and(|at| at <= now) {
            return self.close(now);
        }
        if self.pauses_on_at().is_some_and(|at| at <= now) {
            return self.pause_on(now, now);
        }
        self.pauses_at().filter(|&at| at <= now)?;
        // Voice that comes now is heard as going on.
        self.gate.reset();
        self.pause(now)
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
        self.judged = None;
        if !open.is_kept(self.options.least_voice) {
            return Some(Effect::SpeechDropped);
        }
        self.ended = Some(open.voiced_end);
        let to_sample = self.end_sample(&open);
        self.taken_to_sample = to_sample;
        Some(Effect::Utterance(open.span(to_sample, now, false)))
    }

    /// Where the speech ends with its post-roll, as far as that has come.
    fn end_sample(&self, open: &Open) -> u64 {
        let post_roll = duration_to_samples(self.options.post_roll, EARS_RATE_HZ) as u64;
        let newest = self.history.newest().map_or(open.voiced_to_sample, |past| past.to_sample);
        newest.min(open.voiced_to_sample + post_roll)
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
        self.taken_to_sample = place;
        self.judged = None;
        effects.push(Effect::Utterance(open.span(place, now, rest.is_some())));
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

    /// There is voice that may become speech with the next frames.
    pub fn is_rising(&self) -> bool {
        self.gate.is_rising()
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

impl Open {
    /// There is enough voice for an utterance.
    fn is_kept(&self, least_voice: Duration) -> bool {
        self.rest || frames_to_duration(self.voiced_frames) >= least_voice
    }

    /// How much silence tells of the pause in hand again.
    fn told_again_after(&self) -> Option<Duration> {
        match self.pause {
            Pause::Told { again } => TOLD_AGAIN.get(again).copied(),
            Pause::No | Pause::Untold => None,
        }
    }

    fn span(&self, to_sample: u64, endpoint: Time, cut: bool) -> Span {
        Span {
            from_sample: self.from_sample,
            to_sample,
            voiced_start: self.voiced_start,
            voiced_end: self.voiced_end,
            voiced: frames_to_duration(self.voiced_frames),
            endpoint,
            cut,
        }
    }
}

#[cfg(test)]
mod tests;
