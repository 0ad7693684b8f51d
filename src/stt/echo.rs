//! The cast's own sound that comes back through a human's open microphone.
//!
//! A core without clock. It knows what was played, as levels of six bands every 10 ms, and compares
//! a human's sound with it, at every delay up to [`DELAY_MAX`]. Until it is known whether a
//! microphone hears the cast, sound that may be an echo is held back for half a second at most and
//! then goes on as it was; from a microphone that does hear it, only what is louder than its echo
//! can be goes on, and everything else is silence.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::id::HumanId;
use crate::time::Time;

mod bands;
mod likeness;
mod words;

use bands::{BANDS, Bands, FRAME_SAMPLES, Levels, loudest};
use likeness::{Likeness, likeness};
use words::Said;

/// The way through the server, both jitter buffers, the air and back, in frames of 10 ms.
const DELAY_MAX: u64 = 80;
/// Frames that are compared at a time; fewer are when a sound is shorter.
const WINDOW: u64 = 50;
const WINDOW_MIN: u64 = 30;
/// What was played is kept for so many frames.
const KEPT: usize = 300;
/// Of a microphone. Rooms, breath and coughs far away are below it.
const LOUD_DB: f32 = -60.0;
/// Of what was played: below it nothing comes back that a microphone would take.
const PLAYED_DB: f32 = -50.0;
/// A room rings on: the levels of what was played fall by so much in a frame at most, which is a
/// reverberation of half a second.
const RING_DB: f32 = 1.2;
/// So unlike may a window be to what was played, 0 being the same and 1 anything else. With real
/// speech in simple rooms nine of ten windows of an echo are below, and one of thirty of others.
const UNLIKE_MAX: f32 = 0.5;
/// A shorter window proves less.
const UNLIKE_SHORT_MAX: f32 = 0.42;
/// After so many frames in which the cast was loud and a microphone was not, it does not hear it.
const CLEAN_AFTER: u64 = 100;
/// Few ways there and back take so many: a sound that begins after them is let through while it is
/// compared.
const SLOW_WAY: u64 = 65;
/// A human is louder than the echo by so much in a band.
const EXCESS_DB: f32 = 9.0;
const EXCESS_BANDS: usize = 3;
/// The echo's place is known to so many frames: rooms smear it.
const PLACE_FRAMES: u64 = 4;
/// Two looks that find the cast find it so near to each other.
const SAME_FRAMES: u64 = 3;
/// A place where the cast was found is confirmed by a look that leaves less than this unexplained
/// of the frames that sound. Nineteen of twenty looks at an echo do, and one of twelve at others.
const UNLIKE_INSIDE_MAX: f32 = 0.78;
/// So many such looks find a microphone of which nothing is known.
const CONFIRMED_MIN: u32 = 2;
/// A microphone that did not hear the cast is found to by so many such looks in a row: they are
/// 50 ms apart, so the last shares nothing with the first.
const CLEAN_CONFIRMED_MIN: u32 = 10;
/// So many looks that find nothing there end a suspicion of a microphone of which nothing is known,
const DOUBTS_MAX: u32 = 4;
/// for which sound waits longer.
const TRIAL: u64 = 5 * DOUBTS_MAX as u64;
/// One ends that of a microphone that did not hear the cast,
const CLEAN_DOUBTS_MAX: u32 = 1;
/// and so many in a row the certainty.
const HEARS_DOUBTS_MAX: u32 = 5;
/// What is known of a microphone counts for less with every later look at it.
const AGEING: f32 = 0.01;
/// Of the newest five frames so many.
const EXCESS_FRAMES: u32 = 3;
/// Once somebody speaks, it goes on for so many frames: speech has quiet places.
const SPEAKS_FRAMES: u64 = 30;

/// What was done, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    /// Echo that was replaced by silence, in all microphones.
    pub silenced_ms: u64,
    /// Sound that was held back until it was known what it is.
    pub held_back_ms: u64,
    /// Lines that were the cast's own words.
    pub lines: u64,
    /// Microphones that were found to hear the cast.
    pub microphones: u64,
    /// Frames that were played and not looked at in time.
    pub missed: u64,
}

/// A stretch of a human's sound; `at` is when its last sample came.
pub type Stretch = (Time, Vec<i16>);

/// Everybody's microphones, and what they may hear.
#[derive(Default)]
pub struct EchoGuard {
    played: Played,
    said: Said,
    microphones: BTreeMap<HumanId, Microphone>,
    stats: Stats,
}

impl EchoGuard {
    /// A persona's sound, mono at the room's rate, was handed to the room and ends at `end`.
    pub fn played(&mut self, end: Time, samples: &[i16]) {
        self.played.push(frame_of(end), samples);
    }

    /// A persona's words were handed with it.
    pub fn said(&mut self, at: Time, text: &str) {
        self.said.push(at, text);
    }

    /// So many frames of what was played came too late to be looked at.
    pub fn missed(&mut self, frames: u64) {
        self.stats.missed += frames;
    }

    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Takes a human's sound, mono at the ears' rate, and gives what of it goes on to the ears now.
    /// `speaks` is whether it is in an utterance that has begun.
    pub fn heard(
        &mut self,
        human: &HumanId,
        at: Time,
        samples: &[i16],
        speaks: bool,
    ) -> Vec<Stretch> {
        if !self.microphones.contains_key(human) {
            self.microphones.insert(human.clone(), Microphone::default());
        }
        let Some(microphone) = self.microphones.get_mut(human) else { return Vec::new() };
        microphone.listen(&self.played, frame_of(at), samples);
        let stretch = (at, samples.to_vec());
        microphone.pass(&self.played, stretch, speaks, &mut self.stats)
    }

    /// The human's track ended: what was held back of it.
    pub fn end(&mut self, human: &HumanId) -> Vec<Stretch> {
        let microphone = self.microphones.get_mut(human);
        microphone.map(|one| one.waiting.drain(..).collect()).unwrap_or_default()
    }

    /// The human left: it may come back with another microphone.
    pub fn left(&mut self, human: &HumanId) {
        self.microphones.remove(human);
    }

    /// Whether a line that began at `began` is the cast's own words, out of a microphone that hears
    /// them. It is counted.
    pub fn is_echo(&mut self, human: &HumanId, began: Time, text: &str) -> bool {
        let hears = self.microphones.get(human).is_some_and(Microphone::hears_the_cast);
        let is_echo = hears && self.said.holds(began, text);
        self.stats.lines += u64::from(is_echo);
        is_echo
    }
}

/// The number of the frame that ends at a time.
fn frame_of(end: Time) -> u64 {
    end.as_us() / 10_000
}

/// Three of the room's samples are one of the ears'.
fn at_ears_rate(samples: &[i16]) -> Vec<i16> {
    let three = samples.chunks_exact(3);
    three.map(|three| (three.iter().map(|one| i32::from(*one)).sum::<i32>() / 3) as i16).collect()
}

/// What was played, frame by frame, with the ringing of a room.
#[derive(Default)]
struct Played {
    bands: Bands,
    levels: VecDeque<Levels>,
    /// The number of the newest.
    newest: u64,
}

impl Played {
    fn push(&mut self, end: u64, samples: &[i16]) {
        let mono = at_ears_rate(samples);
        let count = (mono.len() / FRAME_SAMPLES) as u64;
        let begin = end.saturating_sub(count);
        if begin > self.newest {
            let silent = (begin - self.newest).min(KEPT as u64);
            self.newest = begin - silent;
            for _ in 0..silent {
                self.keep([bands::FLOOR_DB; BANDS]);
            }
        }
        for frame in mono.chunks_exact(FRAME_SAMPLES) {
            let levels = self.bands.levels(frame);
            self.keep(levels);
        }
    }

    fn keep(&mut self, mut levels: Levels) {
        if let Some(before) = self.levels.back() {
            for (level, before) in levels.iter_mut().zip(before) {
                *level = level.max(before - RING_DB);
            }
        }
        if self.levels.len() == KEPT {
            self.levels.pop_front();
        }
        self.levels.push_back(levels);
        self.newest += 1;
    }

    fn at(&self, frame: u64) -> Levels {
        let back = self.newest.checked_sub(frame);
        // Since then nothing was played, and the room rings on.
        let silent = frame.saturating_sub(self.newest) as f32;
        let index = self.levels.len().checked_sub(1 + back.unwrap_or(0) as usize);
        let levels = index.and_then(|index| self.levels.get(index));
        let levels = levels.copied().unwrap_or([bands::FLOOR_DB; BANDS]);
        levels.map(|level| (level - RING_DB * silent).max(bands::FLOOR_DB))
    }

    /// Whether something played may come back at `frame`.
    fn may_return(&self, frame: u64) -> bool {
        let from = frame.saturating_sub(DELAY_MAX);
        (from..=frame).any(|frame| loudest(&self.at(frame)) > PLAYED_DB)
    }
}

/// Whether a microphone hears the cast.
#[derive(Clone, Debug)]
enum Coupling {
    Unknown,
    Clean,
    Hears(Likeness),
}

impl Coupling {
    /// Looks without the cast after which it is not believed to be there.
    fn doubts_max(&self) -> u32 {
        match self {
            Self::Unknown => DOUBTS_MAX,
            Self::Clean => CLEAN_DOUBTS_MAX,
            Self::Hears(_) => HEARS_DOUBTS_MAX,
        }
    }
}

/// A place where the cast seems to come back.
#[derive(Clone, Copy, Debug)]
struct Suspect {
    /// In frames.
    delay: u64,
    /// Looks that found it there again.
    confirmed: u32,
}

/// One human's.
struct Microphone {
    bands: Bands,
    levels: VecDeque<Levels>,
    newest: u64,
    coupling: Coupling,
    /// Frames in a row in which the cast was loud and this was not.
    quiet: u64,
    /// Found once, and to be confirmed.
    suspect: Option<Suspect>,
    /// Looks that did not find the cast where it is believed to come back.
    doubts: u32,
    judged: u64,
    waiting: VecDeque<Stretch>,
    waiting_frames: u64,
    /// Until then all goes on: somebody speaks.
    speaks_until: u64,
}

impl Default for Microphone {
    fn default() -> Self {
        Self {
            bands: Bands::default(),
            levels: VecDeque::new(),
            newest: 0,
            coupling: Coupling::Unknown,
            quiet: 0,
            suspect: None,
            doubts: 0,
            judged: 0,
            waiting: VecDeque::new(),
            waiting_frames: 0,
            speaks_until: 0,
        }
    }
}

impl Microphone {
    fn hears_the_cast(&self) -> bool {
        matches!(self.coupling, Coupling::Hears(_))
    }

    /// Keeps the levels; sound that did not come (mute, DTX) is silence.
    fn listen(&mut self, played: &Played, end: u64, samples: &[i16]) {
        let frames = samples.chunks_exact(FRAME_SAMPLES);
        let begin = end.saturating_sub(frames.len() as u64);
        if begin > self.newest {
            let silent = if self.newest == 0 { 0 } else { (begin - self.newest).min(KEPT as u64) };
            self.newest = begin - silent;
            for _ in 0..silent {
                self.keep(played, [bands::FLOOR_DB; BANDS]);
            }
        }
        for frame in frames {
            let levels = self.bands.levels(frame);
            self.keep(played, levels);
        }
    }

    fn keep(&mut self, played: &Played, levels: Levels) {
        self.newest += 1;
        if loudest(&levels) > LOUD_DB {
            if self.quiet >= SLOW_WAY && matches!(self.coupling, Coupling::Unknown) {
                self.let_through();
            }
            self.quiet = 0;
        } else if loudest(&played.at(self.newest)) > PLAYED_DB {
            self.quiet += 1;
        }
        if self.quiet >= CLEAN_AFTER {
            self.coupling = Coupling::Clean;
        }
        if self.levels.len() == WINDOW as usize {
            self.levels.pop_front();
        }
        self.levels.push_back(levels);
    }

    /// Somebody speaks, or may: for a while all goes on.
    fn let_through(&mut self) {
        self.speaks_until = self.newest + SPEAKS_FRAMES;
    }

    fn loud_of_newest(&self, frames: usize) -> usize {
        self.levels.iter().rev().take(frames).filter(|one| loudest(one) > LOUD_DB).count()
    }

    /// What goes on of `stretch` and of what was held back.
    fn pass(
        &mut self,
        played: &Played,
        stretch: Stretch,
        speaks: bool,
        stats: &mut Stats,
    ) -> Vec<Stretch> {
        if !played.may_return(self.newest) {
            return self.release(Some(stretch));
        }
        let found = self.judge(played);
        if found {
            stats.microphones += 1;
        }
        match self.coupling {
            Coupling::Unknown => return self.hold_back(stretch, speaks, stats),
            Coupling::Clean => return self.release(Some(stretch)),
            Coupling::Hears(_) => {}
        }
        if !found && self.somebody_speaks(played) {
            return self.release(Some(stretch));
        }
        let echo: Vec<Stretch> = self.release(Some(stretch)).into_iter().map(silent).collect();
        let samples: usize = echo.iter().map(|(_, samples)| samples.len()).sum();
        stats.silenced_ms += (samples * 10 / FRAME_SAMPLES) as u64;
        echo
    }

    /// What is known of a sound that may be an echo is too little: it waits.
    fn hold_back(&mut self, stretch: Stretch, speaks: bool, stats: &mut Stats) -> Vec<Stretch> {
        let goes_on = speaks || self.newest < self.speaks_until;
        let begins = self.waiting.is_empty() && self.loud_of_newest(1) == 0;
        if goes_on || begins {
            return self.release(Some(stretch));
        }
        let frames = (stretch.1.len() / FRAME_SAMPLES) as u64;
        self.waiting_frames += frames;
        stats.held_back_ms += frames * 10;
        self.waiting.push_back(stretch);
        let over = self.loud_of_newest(15) == 0;
        let most = if self.suspect.is_some() { WINDOW + TRIAL } else { WINDOW };
        if over || self.waiting_frames >= most {
            self.let_through();
            return self.release(None);
        }
        Vec::new()
    }

    fn release(&mut self, stretch: Option<Stretch>) -> Vec<Stretch> {
        self.waiting_frames = 0;
        self.waiting.drain(..).chain(stretch).collect()
    }

    /// Compares the newest sound with what was played. True when it was found to be an echo.
    fn judge(&mut self, played: &Played) -> bool {
        let length = (self.levels.len() as u64).min(WINDOW);
        let due = self.newest >= self.judged + 5;
        let sounding = self.loud_of_newest(WINDOW as usize) as u64;
        if !due || sounding < WINDOW_MIN * 4 / 5 || length < WINDOW_MIN {
            return false;
        }
        self.judged = self.newest;
        let whole = sounding >= WINDOW * 3 / 5;
        let window = if whole { length } else { WINDOW_MIN };
        let heard: Vec<Levels> =
            self.levels.iter().skip(self.levels.len() - window as usize).copied().collect();
        let found = likeness(&heard, |back| played.at(self.newest.saturating_sub(back)));
        let most = if window == WINDOW { UNLIKE_MAX } else { UNLIKE_SHORT_MAX };
        let Some(found) = found else { return false };
        let believed = match &self.coupling {
            Coupling::Hears(known) => Some(known.delay),
            Coupling::Clean | Coupling::Unknown => self.suspect.map(|suspect| suspect.delay),
        };
        match believed {
            Some(delay)
                if delay.abs_diff(found.delay) <= SAME_FRAMES
                    && found.unlike_inside < UNLIKE_INSIDE_MAX =>
            {
                return self.confirm(found, most);
            }
            Some(_) => self.doubt(),
            None if found.unlike < most => {
                self.suspect = Some(Suspect { delay: found.delay, confirmed: 0 });
                self.doubts = 0;
            }
            None => {}
        }
        false
    }

    /// The cast was found where it was before. True when that is news.
    fn confirm(&mut self, found: Likeness, most: f32) -> bool {
        let confirmed_min = match &mut self.coupling {
            Coupling::Hears(known) => {
                self.doubts = 0;
                known.unlike += AGEING;
                if found.unlike < known.unlike.min(most) {
                    *known = found;
                }
                return false;
            }
            Coupling::Clean => CLEAN_CONFIRMED_MIN,
            Coupling::Unknown => CONFIRMED_MIN,
        };
        let Some(suspect) = &mut self.suspect else { return false };
        suspect.confirmed += 1;
        if suspect.confirmed < confirmed_min {
            return false;
        }
        self.coupling = Coupling::Hears(found);
        self.suspect = None;
        (self.quiet, self.doubts) = (0, 0);
        true
    }

    /// The cast was not found where it was before. If that goes on, it never was: a human's speech
    /// is like it by chance.
    fn doubt(&mut self) {
        self.doubts += 1;
        if self.doubts < self.coupling.doubts_max() {
            return;
        }
        self.suspect = None;
        if self.hears_the_cast() {
            self.coupling = Coupling::Unknown;
            self.let_through();
        }
    }

    /// The newest frames are louder than the echo that this microphone hears.
    fn somebody_speaks(&mut self, played: &Played) -> bool {
        let Coupling::Hears(known) = &self.coupling else { return true };
        let newest = self.newest;
        let frames = self.levels.iter().rev().take(5).enumerate();
        let louder = frames.filter(|(back, heard)| {
            let latest = newest + PLACE_FRAMES - *back as u64;
            let frame = latest.saturating_sub(known.delay);
            let mut around = [bands::FLOOR_DB; BANDS];
            for frame in frame.saturating_sub(2 * PLACE_FRAMES)..=frame {
                for (loudest, level) in around.iter_mut().zip(played.at(frame)) {
                    *loudest = loudest.max(level);
                }
            }
            let excess = (0..BANDS).filter(|&band| {
                let echo = (around[band] + known.gain_db[band]).max(LOUD_DB);
                heard[band] > echo + EXCESS_DB
            });
            excess.count() >= EXCESS_BANDS
        });
        if louder.count() as u32 >= EXCESS_FRAMES {
            self.let_through();
        }
        newest < self.speaks_until
    }
}

fn silent((at, samples): Stretch) -> Stretch {
    (at, vec![0; samples.len()])
}

/// How long a sound is held back at most.
pub const HELD_BACK_MAX: Duration = Duration::from_millis(10 * (WINDOW + TRIAL));

#[cfg(test)]
mod tests;
