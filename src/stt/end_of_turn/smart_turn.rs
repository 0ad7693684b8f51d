//! Smart Turn v3: a small Whisper encoder with one output, in ONNX, run by `rten`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rten::{Model, NodeId, RunOptions, ThreadPool, Value};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;

use super::log_mel::{BANDS, LogMel, STEPS};
use super::{Predictor, PredictorError, onnx};
use crate::audio::Clip;

/// Cores for one question. The recogniser and the language model want theirs at the same moment.
const THREADS: usize = 1;

/// The model, shared by whoever asks.
#[derive(Clone)]
pub struct SmartTurn {
    network: Arc<Network>,
}

impl SmartTurn {
    /// Loads the model and asks it once: the first run plans and packs. It takes some 300 ms, so
    /// call it where blocking is allowed.
    ///
    /// # Errors
    /// When the file is not this model.
    pub fn load(path: &Path) -> Result<Self, PredictorError> {
        let network = Network::load(path).map_err(|cause| {
            PredictorError(format!(
                "{} is not an end-of-turn model: {cause}; `troupe models pull` brings one",
                path.display()
            ))
        })?;
        let model = Self { network: Arc::new(network) };
        model.ask(&[])?;
        Ok(model)
    }

    /// The probability that the speaker has finished, 0 to 1, by up to eight seconds of sound
    /// that end in the pause. Takes some 100 ms of one core.
    ///
    /// # Errors
    /// When the model's runtime fails over it.
    pub fn ask(&self, samples: &[f32]) -> Result<f32, PredictorError> {
        // A defect of the runtime costs one answer, not the host.
        let run = catch_unwind(AssertUnwindSafe(|| self.network.run(samples)));
        run.unwrap_or_else(|_| Err("the model's runtime panicked".to_owned()))
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

struct Network {
    log_mel: LogMel,
    model: Model,
    options: RunOptions,
    features: NodeId,
    probability: NodeId,
}

impl Network {
    fn load(path: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        let bytes = onnx::without_rounding(&bytes)?;
        let model = catch_unwind(|| Model::load(bytes))
            .map_err(|_| "the file is damaged".to_owned())?
            .map_err(|error| error.to_string())?;
        let features =
            model.node_id("input_features").map_err(|_| "it has no input_features".to_owned())?;
        let probability = *model.output_ids().first().ok_or_else(|| "no output".to_owned())?;
        let pool = Arc::new(ThreadPool::with_num_threads(THREADS));
        let options = RunOptions::default().with_thread_pool(Some(pool));
        Ok(Self { log_mel: LogMel::new(), model, options, features, probability })
    }

    fn run(&self, samples: &[f32]) -> Result<f32, String> {
        let features = self.log_mel.of(samples).map_err(|error| error.to_string())?;
        let features = NdTensor::from_data([1, BANDS, STEPS], features);
        let inputs = vec![(self.features, features.into())];
        let outputs = self.model.run(inputs, &[self.probability], Some(self.options.clone()));
        match outputs.map_err(|error| error.to_string())?.into_iter().next() {
            Some(Value::FloatTensor(output)) => {
                output.iter().next().copied().ok_or_else(|| "it gave nothing".to_owned())
            }
            _ => Err("it gave no probability".to_owned()),
        }
    }
}
