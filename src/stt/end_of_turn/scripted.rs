//! The model's double: it answers what a script says, when it says so.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{Predictor, PredictorError};
use crate::audio::Clip;

/// Answers in the script's order. Its time is tokio's: with a paused clock it is virtual.
#[derive(Debug, Default)]
pub struct ScriptedPredictor {
    steps: Mutex<VecDeque<(f32, Duration)>>,
}

impl ScriptedPredictor {
    /// Each answer is a probability, and how long it takes.
    pub fn in_order(steps: impl IntoIterator<Item = (f32, Duration)>) -> Self {
        Self { steps: Mutex::new(steps.into_iter().collect()) }
    }
}

#[async_trait]
impl Predictor for ScriptedPredictor {
    async fn probability(&self, _: &Clip) -> Result<f32, PredictorError> {
        let step = self.steps.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let (complete, delay) =
            step.ok_or_else(|| PredictorError("the script has no answer left for it".to_owned()))?;
        tokio::time::sleep(delay).await;
        Ok(complete)
    }
}
