//! all-MiniLM-L6-v2: a small BERT with its weights in 8 bits, in ONNX, run by `rten`.

use std::path::Path;

use rten::{NodeId, Value};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;

use super::pieces::Pieces;
use super::{Embed, EmbedError, SIDES, Vector};
use crate::onnx::Network;

/// Cores for one text: it takes a few milliseconds.
const THREADS: usize = 1;
/// Word pieces that are read of a text, with the two marks around them. The beginning and the end
/// of what is longer tell as much, in bounded time.
const PIECES_MAX: usize = 64;

pub struct MiniLm {
    pieces: Pieces,
    network: Network,
    /// Token ids, which of them count, and which sentence they are of.
    inputs: [NodeId; 3],
    states: NodeId,
}

impl MiniLm {
    /// Loads the model and its tokenizer, and asks it once: the first run plans and packs. Call it
    /// where blocking is allowed.
    ///
    /// # Errors
    /// When the files are not this model.
    pub fn load(model: &Path, tokenizer: &Path) -> Result<Self, EmbedError> {
        let wrong = |path: &Path, cause: String| {
            EmbedError(format!(
                "{} is no model of sentences: {cause}; `troupe models pull` brings one",
                path.display()
            ))
        };
        let json = std::fs::read_to_string(tokenizer).map_err(|error| error.to_string());
        let pieces = json.and_then(|json| Pieces::of(&json));
        let pieces = pieces.map_err(|cause| wrong(tokenizer, cause))?;
        let model = Self::open(model, pieces).map_err(|cause| wrong(model, cause))?;
        model.embed("Is it there?")?;
        Ok(model)
    }

    fn open(path: &Path, pieces: Pieces) -> Result<Self, String> {
        let network = Network::open(path, THREADS)?;
        let node = |name| network.node(name);
        let inputs = [node("input_ids")?, node("attention_mask")?, node("token_type_ids")?];
        let states = node("last_hidden_state")?;
        Ok(Self { pieces, network, inputs, states })
    }

    fn run(&self, text: &str) -> Result<Vector, String> {
        let ids = self.pieces.ids(text, PIECES_MAX);
        let count = ids.len();
        let row = |values: Vec<i32>| Value::from(NdTensor::from_data([1, count], values));
        let [ids_at, mask_at, types_at] = self.inputs;
        let inputs = vec![
            (ids_at, row(ids).into()),
            (mask_at, row(vec![1; count]).into()),
            (types_at, row(vec![0; count]).into()),
        ];
        match self.network.run(inputs, &[self.states])?.next() {
            Some(Value::FloatTensor(states)) if states.shape() == [1, count, SIDES] => {
                let states: Vec<f32> = states.iter().copied().collect();
                Ok(mean(&states))
            }
            _ => Err(format!("it gave no {count} states of {SIDES}")),
        }
    }
}

impl Embed for MiniLm {
    fn embed(&self, text: &str) -> Result<Vector, EmbedError> {
        self.run(text)
            .map_err(|cause| EmbedError(format!("the model of sentences failed: {cause}")))
    }
}

/// The mean of all states, of length 1.
fn mean(states: &[f32]) -> Vector {
    let mut sum = [0.0; SIDES];
    for state in states.chunks_exact(SIDES) {
        for (sum, one) in sum.iter_mut().zip(state) {
            *sum += one;
        }
    }
    let length = sum.iter().map(|one| one * one).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    sum.map(|one| one / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_has_the_length_of_one() {
        let mut states = vec![0.0; 2 * SIDES];
        (states[0], states[SIDES + 1]) = (3.0, 4.0);
        let found = mean(&states);
        assert_eq!((found[0], found[1]), (0.6, 0.8));
        assert_eq!(mean(&[]), [0.0; SIDES], "nothing has no direction");
    }

    #[test]
    fn files_that_are_no_model_are_refused_with_the_mend() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.onnx");
        std::fs::write(&path, b"{}").expect("written");
        let error = MiniLm::load(&path, &path).err().expect("refused").to_string();
        assert!(error.contains("is no model of sentences") && error.contains("pull"), "{error}");
        let error = MiniLm::load(&path, &folder.path().join("none")).err().expect("refused");
        assert!(error.to_string().contains("none is no model of sentences"), "{error}");
    }
}
