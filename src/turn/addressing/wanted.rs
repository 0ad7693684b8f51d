//! How likely a line that calls nobody wants an answer from the cast at all: a logistic regression
//! over its [`signs`](super::signs). `scripts/fit-wanted.py` fits the weights and tells how well
//! they do on rooms that they were not fitted to.

use super::Scene;
use super::reading::Reading;
use super::signs::{self, Signs};

mod weights;

use weights::BIAS;
pub(super) use weights::WEIGHTS;

/// What the signs of a line say.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// How likely an answer is wanted, 0 to 1.
    pub likely: f32,
    /// Each sign with its value.
    pub signs: Signs,
}

impl Wanted {
    pub(super) fn of(reading: &Reading<'_>, scene: &Scene<'_>) -> Self {
        let signs = signs::signs(reading, scene);
        let of_sign = |(sign, weight): (&(&str, f32), &(&str, f32))| sign.1 * weight.1;
        let sum: f32 = BIAS + signs.iter().zip(WEIGHTS).map(of_sign).sum::<f32>();
        Self { likely: 1.0 / (1.0 + (-sum).exp()), signs }
    }
}
