//! Who of several answers a question to the room: what the cards' words say, what the model says,
//! and how much each of them counts.

use serde::{Deserialize, Serialize};

use crate::llm::Score;

/// Who chooses among those who may answer a question that is put to nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decide {
    /// The words that the question shares with the cards, else rotation.
    #[default]
    Evidence,
    /// How likely the question is to each persona.
    Model,
    /// Both, weighed.
    Both,
}

impl Decide {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Model => "model",
            Self::Both => "both",
        }
    }

    /// Whether the model is asked.
    pub fn asks_the_model(self) -> bool {
        self != Self::Evidence
    }
}

/// How much the two count: measured for each model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// Of the words shared with a card, the best card of the line being 1.
    pub words: f32,
    /// Of the likelihood, in nats a token above the mean of all who were asked.
    pub nats_per_token: f32,
}

impl Default for Weights {
    /// What measured best with the default model.
    fn default() -> Self {
        Self { words: 1.0, nats_per_token: 4.0 }
    }
}

/// One who may answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bid {
    /// What the line's words say for it, 0 for nothing.
    pub words: f32,
    pub score: Score,
}

/// The best of `bids`, and how sure that is, 0 to 1; the first of equals. `None` when nothing tells
/// them apart.
pub fn best(decide: Decide, weights: Weights, bids: &[Bid]) -> Option<(usize, f32)> {
    let weight_of_words = if decide == Decide::Model { 0.0 } else { f64::from(weights.words) };
    let per_token = if decide.asks_the_model() { f64::from(weights.nats_per_token) } else { 0.0 };
    let most = bids.iter().map(|bid| bid.words).fold(0.0, f32::max);
    let mean = bids.iter().map(|bid| bid.score.nats_per_token()).sum::<f64>() / bids.len() as f64;
    let worth = |bid: &Bid| {
        let words = if most > 0.0 { f64::from(bid.words / most) } else { 0.0 };
        weight_of_words * words + per_token * (bid.score.nats_per_token() - mean)
    };
    let worths: Vec<f64> = bids.iter().map(worth).collect();
    if worths.iter().any(|worth| !worth.is_finite()) {
        return None;
    }
    let first = |best: usize, one: usize| if worths[one] > worths[best] { one } else { best };
    let at = (0..worths.len()).reduce(first)?;
    let differ = worths.iter().any(|worth| *worth < worths[at]);
    let total: f64 = worths.iter().map(|worth| (worth - worths[at]).exp()).sum();
    differ.then_some((at, (1.0 / total) as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bid(words: f32, nats: f64) -> Bid {
        Bid { words, score: Score { nats, tokens: 10 } }
    }

    fn chosen(decide: Decide, bids: &[Bid]) -> Option<usize> {
        let weights = Weights { words: 1.0, nats_per_token: 2.0 };
        best(decide, weights, bids).map(|(at, _)| at)
    }

    #[test]
    fn words_and_likelihood_are_weighed() {
        let bids = [bid(3.0, -40.0), bid(0.0, -30.0), bid(1.0, -39.0)];
        assert_eq!(chosen(Decide::Evidence, &bids), Some(0));
        assert_eq!(chosen(Decide::Model, &bids), Some(1));
        // A nat a token more is worth two, the most of the words one.
        assert_eq!(chosen(Decide::Both, &bids), Some(1));
        assert_eq!(chosen(Decide::Both, &[bid(3.0, -34.0), bid(0.0, -30.0)]), Some(0));
    }

    #[test]
    fn where_nothing_tells_them_apart_nobody_is_chosen() {
        assert_eq!(chosen(Decide::Both, &[bid(0.0, -3.0), bid(0.0, -3.0)]), None);
        assert_eq!(chosen(Decide::Model, &[]), None);
        let unread = Bid { words: 0.0, score: Score::default() };
        assert_eq!(chosen(Decide::Model, &[unread, bid(0.0, -3.0)]), None);
    }

    #[test]
    fn the_surer_the_farther_apart() {
        let sure =
            |nats: f64| best(Decide::Model, Weights::default(), &[bid(0.0, nats), bid(0.0, -90.0)]);
        let (near, far) = (sure(-89.0).unwrap().1, sure(-60.0).unwrap().1);
        assert!(0.5 < near && near < far && far <= 1.0, "{near} {far}");
    }
}
