//! How like a stretch of sound is to what was played before it.

use super::DELAY_MAX;
use super::bands::{BANDS, Levels, loudest};

/// Levels below this are the microphone's own noise.
const NOISE_DB: f32 = -68.0;
/// A frame with a level above this sounds.
const SOUND_DB: f32 = -64.0;
/// Of fewer frames nothing is told.
const SOUND_FRAMES: usize = 10;
/// What was played is loud enough to be compared.
const PLAYED_DB: f32 = -50.0;
/// In so much of the window it has to be.
const PLAYED_SHARE: f32 = 0.4;

/// The best match.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Likeness {
    /// In frames.
    pub(super) delay: u64,
    /// How much louder each band comes back.
    pub(super) gain_db: Levels,
    /// What the match leaves unexplained, as a share of all change in the sound: 0 is the same.
    pub(super) unlike: f32,
    /// The same of the frames in which there is a sound: that two sounds begin at one time explains
    /// nothing here, and much above.
    pub(super) unlike_inside: f32,
}

/// Finds the delay at which `heard` is most like what was played. `played` gives the frame so
/// many before the newest of `heard`. None when too little was played.
pub(super) fn likeness(heard: &[Levels], played: impl Fn(u64) -> Levels) -> Option<Likeness> {
    let count = heard.len() as u64;
    let heard: Vec<Levels> =
        heard.iter().map(|levels| levels.map(|level| level.max(NOISE_DB))).collect();
    let frames: Vec<Levels> = (0..count + DELAY_MAX).map(played).collect();
    let spread = spread(&heard);
    let matches = (0..=DELAY_MAX).filter_map(|delay| {
        let window: Vec<&Levels> =
            (0..count).rev().filter_map(|back| frames.get((back + delay) as usize)).collect();
        if window.len() < heard.len() {
            return None;
        }
        let loud = window.iter().flat_map(|levels| levels.iter()).filter(|db| **db > PLAYED_DB);
        if (loud.count() as f32) < PLAYED_SHARE * (heard.len() * BANDS) as f32 {
            return None;
        }
        let gain_db = gains(&heard, &window);
        let unlike = left(&heard, &window, &gain_db) / spread;
        Some((unlike, delay, gain_db, window))
    });
    let best = matches.min_by(|one, other| one.0.total_cmp(&other.0));
    let (unlike, delay, gain_db, window) = best?;
    let unlike_inside = inside(&heard, &window).unwrap_or(unlike);
    Some(Likeness { delay, gain_db, unlike, unlike_inside })
}

/// How unlike they are where one of them sounds. None when the window is nearly silent.
fn inside(heard: &[Levels], played: &[&Levels]) -> Option<f32> {
    let pairs = || heard.iter().zip(played).map(|(heard, played)| (*heard, *played));
    let (sounding, beside): (Vec<Levels>, Vec<&Levels>) =
        pairs().filter(|(heard, _)| loudest(heard) > SOUND_DB).unzip();
    if sounding.len() < SOUND_FRAMES {
        return None;
    }
    let gain_db = gains(&sounding, &beside);
    let comes = |played: &Levels| (0..BANDS).any(|band| played[band] + gain_db[band] > SOUND_DB);
    let (heard, played): (Vec<Levels>, Vec<&Levels>) =
        pairs().filter(|(heard, played)| loudest(heard) > SOUND_DB || comes(played)).unzip();
    Some(left(&heard, &played, &gain_db) / spread(&sounding))
}

/// The middle one of each band's differences.
fn gains(heard: &[Levels], played: &[&Levels]) -> Levels {
    std::array::from_fn(|band| {
        let differences =
            heard.iter().zip(played).map(|(heard, played)| heard[band] - played[band]);
        let mut differences: Vec<f32> = differences.collect();
        let middle = differences.len() / 2;
        *differences.select_nth_unstable_by(middle, f32::total_cmp).1
    })
}

/// The root mean square of what the gains do not explain.
fn left(heard: &[Levels], played: &[&Levels], gain_db: &Levels) -> f32 {
    let frames = heard.iter().zip(played);
    let errors = frames.flat_map(|(heard, played)| {
        (0..BANDS).map(move |band| heard[band] - (played[band] + gain_db[band]).max(NOISE_DB))
    });
    let sum: f32 = errors.map(|error| error * error).sum();
    (sum / (heard.len() * BANDS) as f32).sqrt()
}

/// The root mean square of the sound's own changes, band by band.
fn spread(heard: &[Levels]) -> f32 {
    let count = heard.len().max(1) as f32;
    let mean: Levels =
        std::array::from_fn(|band| heard.iter().map(|levels| levels[band]).sum::<f32>() / count);
    let square = |levels: &Levels| -> f32 {
        levels.iter().zip(&mean).map(|(level, mean)| (level - mean).powi(2)).sum()
    };
    let sum: f32 = heard.iter().map(square).sum();
    (sum / (count * BANDS as f32)).sqrt().max(1e-3)
}
