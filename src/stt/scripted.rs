//! The recogniser's double: it answers what a script says, when it says so.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{Recogniser, RecogniserError, Recognition};
use crate::audio::Clip;

/// One answer of the script.
#[derive(Clone, Debug)]
pub struct Step {
    /// How long the recogniser takes over it.
    pub delay: Duration,
    pub answer: Result<Recognition, RecogniserError>,
}

impl Step {
    /// A sure text after `delay`.
    pub fn text(text: &str, delay: Duration) -> Self {
        let recognition =
            Recognition { text: text.to_owned(), no_speech: 0.0, token_probability: 0.9 };
        Self { delay, answer: Ok(recognition) }
    }

    /// The recogniser dies over the clip.
    pub fn death(delay: Duration) -> Self {
        Self { delay, answer: Err(RecogniserError::Died("the script says so".to_owned())) }
    }
}

/// Answers by clip where the script names it, else in the script's order.
///
/// Its time is tokio's: with a paused clock it is virtual.
#[derive(Debug, Default)]
pub struct ScriptedRecogniser {
    by_clip: HashMap<u64, Step>,
    in_order: Mutex<VecDeque<Step>>,
}

impl ScriptedRecogniser {
    pub fn in_order(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { in_order: Mutex::new(steps.into_iter().collect()), ..Self::default() }
    }

    /// Adds an answer for every clip with this [`fingerprint`].
    #[must_use]
    pub fn with_clip(mut self, fingerprint: u64, step: Step) -> Self {
        self.by_clip.insert(fingerprint, step);
        self
    }

    fn step(&self, clip: &Clip) -> Option<Step> {
        let known = self.by_clip.get(&fingerprint(clip)).cloned();
        known.or_else(|| self.in_order.lock().unwrap_or_else(PoisonError::into_inner).pop_front())
    }
}

#[async_trait]
impl Recogniser for ScriptedRecogniser {
    async fn recognise(&self, clip: &Clip) -> Result<Recognition, RecogniserError> {
        let step = self.step(clip).ok_or_else(|| {
            RecogniserError::Refused("the script has no answer left for it".to_owned())
        })?;
        tokio::time::sleep(step.delay).await;
        step.answer
    }
}

/// Names a clip by its samples, the same in every run (FNV-1a over 16 bit samples).
pub fn fingerprint(clip: &Clip) -> u64 {
    let bytes = clip.samples.iter().flat_map(|&sample| ((sample * 32_768.0) as i16).to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
