//! Smart Turn v3: a small Whisper encoder with one output, in ONNX, run by `rten`.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rten::{NodeId, Value};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;

use super::log_mel::{BANDS, LogMel, STEPS};
use super::{Predictor, PredictorError, onnx};
use crate::audio::Clip;
use crate::onnx::Network;

/// Cores for one question. The recogniser and the language model want theirs at the same moment.
const THREADS: usize = 1;

/// The model, shared by whoever asks.
#[derive(Clone)]
pub struct SmartTurn {
    loaded: Arc<Loaded>,
}

impl SmartTurn {
    /// Loads the model and asks it once: the first run plans and packs. It takes some 300 ms, so
    /// call it where blocking is allowed.
    ///
    /// # Errors
    /// When the file is not this model.
    pub fn load(path: &Path) -> Result<Self, PredictorError> {
        let loaded = Loaded::load(path).map_err(|cause| {
            PredictorError(format!(
                "{} is not an end-of-turn model: {cause}; `troupe models pull` brings one",
                path.display()
            ))
        })?;
        let model = Self { loaded: Arc::new(loaded) };
        model.ask(&[])?;
        Ok(model)
    }

    /// The probability that the speaker has finished, 0 to 1, by up to eight seconds of sound
    /// that end in the pause. Takes some 100 ms of one core.
    ///
    /// # Errors
    /// When the model's runtime fails over it.
    pub fn ask(&self, samples: &[f32]) -> Result<f32, PredictorError> {
        self.loaded
            .run(samples)
            .map_err(|cause| PredictorError(format!("the end-of-turn model failed: {cause}")))
    }
}

#[async_trait]
impl Predictor for SmartTurn {
    async fn probability(&self, clip: &Clip) -> Result<f32, PredictorError> {
        let (model, clip) = (self.clone(), clip.clone());
        let asked = tokio::task::spawn_blocking(move || model.ask(&clip.samples)).await;
        asked.map_err(|error| PredictorError(error.to_string()))?
    }
}

struct Loaded {
    log_mel: LogMel,
    network: Network,
    features: NodeId,
    probability: NodeId,
}

impl Loaded {
    fn load(path: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        let network = Network::new(onnx::without_rounding(&bytes)?, THREADS)?;
        let (features, probability) = (network.node("input_features")?, network.output()?);
        Ok(Self { log_mel: LogMel::new(), network, features, probability })
    }

    fn run(&self, samples: &[f32]) -> Result<f32, String> {
        let features = self.log_mel.of(samples).map_err(|error| error.to_string())?;
        let features = NdTensor::from_data([1, BANDS, STEPS], features);
        let inputs = vec![(self.features, features.into())];
        match self.network.run(inputs, &[self.probability])?.next() {
            Some(Value::FloatTensor(output)) => {
                output.iter().next().copied().ok_or_else(|| "it gave nothing".to_owned())
            }
            _ => Err("it gave no probability".to_owned()),
        }
    }
}
