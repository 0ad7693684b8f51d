//! What no single mechanism decides is weighed: whether a line is unfinished, whether those whom it
//! calls are to answer, whether a line that calls nobody wants an answer. Each is a logistic
//! regression over signs, which are closed classes of words, places of names and the state of the
//! talk, so that they mean the same in every room. `scripts/fit-weights.py` fits the weights and
//! tells how well they do on rooms that they were not fitted to.

mod called;
mod classes;
mod unfinished;
mod wanted;
mod weights;

use super::Scene;
use super::reading::Reading;

/// Each sign with its value, in the order of its weights.
pub(super) type Signs = Vec<(&'static str, f32)>;

/// What is weighed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matter {
    /// The speaker is not done.
    Unfinished,
    /// Those who are called are to answer: they are spoken to, and not only thanked or let off.
    Called,
    /// A line that calls nobody wants an answer from the cast.
    Wanted,
}

impl Matter {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Called => "called",
            Self::Wanted => "wanted",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Weighed {
    pub matter: Matter,
    /// 0 to 1.
    pub likely: f32,
    pub signs: Signs,
}

impl Weighed {
    pub(super) fn of(matter: Matter, reading: &Reading<'_>, scene: &Scene<'_>) -> Self {
        let (signs, (bias, weights)) = match matter {
            Matter::Unfinished => (unfinished::signs(reading, scene), weights::UNFINISHED),
            Matter::Called => (called::signs(reading, scene), weights::CALLED),
            Matter::Wanted => (wanted::signs(reading, scene), weights::WANTED),
        };
        let worth = |(sign, weight): (&(&str, f32), &(&str, f32))| sign.1 * weight.1;
        let sum: f32 = bias + signs.iter().zip(weights).map(worth).sum::<f32>();
        Self { matter, likely: 1.0 / (1.0 + (-sum).exp()), signs }
    }
}

fn bit(is: bool) -> f32 {
    f32::from(u8::from(is))
}
