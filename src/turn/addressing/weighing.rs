//! What no single mechanism decides is weighed: whether a line is unfinished, whether those whom it
//! calls are to answer, whether a line that calls nobody wants an answer, and whether one behind a
//! persona's question lets that talk go on. Each is a logistic
//! regression over signs, which are closed classes of words, places of names and the state of the
//! talk, so that they mean the same in every room. `scripts/fit-weights.py` fits the weights and
//! tells how well they do on rooms that they were not fitted to.

mod called;
mod classes;
mod goes_on;
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
    /// A line behind a persona's question or offer lets that talk go on.
    GoesOn,
}

impl Matter {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Called => "called",
            Self::Wanted => "wanted",
            Self::GoesOn => "goes_on",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Weighed {
    pub matter: Matter,
    /// 0 to 1.
    pub likely: f32,
    pub signs: Signs,
    /// The one persona of whom it is so or not, where it is one: an index of [`Scene::cast`].
    pub of: Option<usize>,
}

impl Weighed {
    pub(super) fn of(matter: Matter, reading: &Reading<'_>, scene: &Scene<'_>) -> Self {
        let signs = match matter {
            Matter::Unfinished => unfinished::signs(reading, scene),
            Matter::Called => called::signs(reading, scene),
            Matter::Wanted => wanted::signs(reading, scene),
            Matter::GoesOn => goes_on::signs(reading, scene),
        };
        let (bias, weights) = weights(matter, scene.meaning.is_some());
        let meant = scene.meaning.map_or(0.0, |meaning| match matter {
            Matter::Unfinished => 0.0,
            Matter::Called => meaning.called,
            Matter::Wanted => meaning.wanted,
            Matter::GoesOn => meaning.goes_on,
        });
        let worth = |(sign, weight): (&(&str, f32), &(&str, f32))| sign.1 * weight.1;
        let sum: f32 = bias + meant + signs.iter().zip(weights).map(worth).sum::<f32>();
        Self { matter, likely: 1.0 / (1.0 + (-sum).exp()), signs, of: None }
    }
}

/// The bias, and the weights in the order of the signs: others where the line's meaning counts too.
fn weights(matter: Matter, meant: bool) -> weights::Table {
    match (matter, meant) {
        (Matter::Unfinished, _) => weights::UNFINISHED,
        (Matter::Called, false) => weights::CALLED,
        (Matter::Called, true) => weights::CALLED_MEANT,
        (Matter::Wanted, false) => weights::WANTED,
        (Matter::Wanted, true) => weights::WANTED_MEANT,
        (Matter::GoesOn, false) => weights::GOES_ON,
        (Matter::GoesOn, true) => weights::GOES_ON_MEANT,
    }
}

fn bit(is: bool) -> f32 {
    f32::from(u8::from(is))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_has_the_weight_of_its_name() {
        let scene = Scene { humans: vec!["Bob", "Zoë"], ..Scene::default() };
        let reading = Reading::of("Well, what do you think of it?", &scene);
        for matter in [Matter::Unfinished, Matter::Called, Matter::Wanted, Matter::GoesOn] {
            let signs = Weighed::of(matter, &reading, &scene).signs;
            let signs: Vec<_> = signs.iter().map(|(name, _)| *name).collect();
            for meant in [false, true] {
                let weights = weights(matter, meant).1.iter().map(|(name, _)| *name);
                let weights: Vec<_> = weights.collect();
                assert_eq!(signs, weights, "{matter:?}: run scripts/fit-weights.py --write");
            }
        }
    }
}
