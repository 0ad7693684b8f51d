//! Piper voices: a VITS network in ONNX, run by `rten`.
//!
//! One model speaks for the whole cast. Pitch costs nothing: the network is asked to speak slower
//! or faster, and the resampler that brings its sound to the room's rate anyway makes up for it.

use std::path::PathBuf;

use async_trait::async_trait;

use super::espeak::Phonemiser;
use super::{Synthesiser, VoiceError, normalise};
use crate::audio::Pcm;
use crate::persona::VoiceStyle;

mod config;
mod lips;
mod model;
mod sound;

use config::{Config, Encoded, Inference};
use lips::Timing;
use model::Worker;

/// Spoken once at the start: the first run of the network plans and packs, and costs several
/// times the later ones.
const WARM_UP: &str = "All the world's a stage.";

/// A clause of four words (1.1 s) takes 0.32 s of one core of a small server, 0.18 s of two. It is
/// on the way to the first sound, while the language model has a head start.
const THREADS: usize = 2;

#[derive(Clone, Debug)]
pub struct Options {
    /// The ONNX file; its configuration lies beside it, with `.json` added to the whole name.
    pub model: PathBuf,
    /// The phonemiser: a path or a name on `PATH`.
    pub espeak: PathBuf,
    /// Cores for one clause. Two halve the time to the first sound; more give little.
    pub threads: usize,
    pub variation: Variation,
}

/// Whether the same clause sounds a little different each time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variation {
    /// As the model's configuration says: livelier.
    #[default]
    Natural,
    /// Always the same sound, for tests.
    None,
}

impl Options {
    pub fn new(model: impl Into<PathBuf>) -> Self {
        Self {
            model: model.into(),
            espeak: "espeak-ng".into(),
            threads: THREADS,
            variation: Variation::Natural,
        }
    }
}

/// A loaded voice.
#[derive(Debug)]
pub struct PiperVoice {
    config: Config,
    phonemes: Phonemiser,
    worker: Worker,
    variation: Variation,
}

impl PiperVoice {
    /// Loads the files, starts the phonemiser and speaks one clause to itself.
    ///
    /// # Errors
    /// [`VoiceError::Start`] names the file or program that is missing or wrong, and the mend.
    pub async fn start(options: Options) -> Result<Self, VoiceError> {
        let mut json = options.model.clone().into_os_string();
        json.push(".json");
        let load = move || {
            let config = Config::read(json.as_ref())?;
            let worker = Worker::start(&options.model, options.threads, config.num_speakers)?;
            Ok((config, worker, options))
        };
        let loaded = tokio::task::spawn_blocking(load).await;
        let (config, worker, options) = loaded
            .map_err(|error| VoiceError::Start(format!("the voice cannot load: {error}")))??;
        let phonemes = Phonemiser::new(&options.espeak, &config.espeak.voice);
        let voice = Self { config, phonemes, worker, variation: options.variation };
        let sound = voice.synthesise(WARM_UP, &VoiceStyle::default()).await?;
        if sound.samples.is_empty() {
            let model = options.model.display();
            return Err(VoiceError::Start(format!(
                "the voice {model} is silent; `troupe models verify` checks it"
            )));
        }
        Ok(voice)
    }

    /// Times that the phonemiser died and was started again.
    pub fn phonemiser_restarts(&self) -> u64 {
        self.phonemes.restarts()
    }

    fn inference(&self, style: &VoiceStyle, pitch_ratio: f32) -> Inference {
        let Inference { noise_scale, length_scale, noise_w } = self.config.inference;
        let length_scale = length_scale * pitch_ratio / style.pace.clamp(0.5, 2.0);
        match self.variation {
            Variation::Natural => Inference { noise_scale, length_scale, noise_w },
            Variation::None => Inference { noise_scale: 0.0, length_scale, noise_w: 0.0 },
        }
    }
}

#[async_trait]
impl Synthesiser for PiperVoice {
    async fn synthesise(&self, text: &str, style: &VoiceStyle) -> Result<Pcm, VoiceError> {
        let text = normalise::speakable(text);
        if text.is_empty() {
            return Ok(Pcm::default());
        }
        let phonemes = self.phonemes.phonemes(&text).await?;
        if phonemes.is_empty() {
            return Ok(Pcm::default());
        }
        let Encoded { ids, chars, unknown } = self.config.encode(&phonemes);
        if unknown > 0 {
            tracing::debug!(unknown, phonemes, "the voice lacks phonemes");
        }
        let pitch_ratio = (style.pitch.clamp(-12.0, 12.0) / 12.0).exp2();
        let spoken = self.worker.run(ids, self.inference(style, pitch_ratio)).await?;
        let rate_hz = self.config.audio.sample_rate_hz;
        let voiced = sound::voiced(&spoken.samples, rate_hz);
        let timing = Timing { rate_hz, pitch_ratio, cut: voiced.start };
        let sound = sound::finish(&spoken.samples[voiced], rate_hz, pitch_ratio);
        let sound = sound.map_err(VoiceError::Model)?;
        Ok(Pcm { mouth: lips::cues(&chars, &spoken.lengths, &timing), ..sound })
    }
}
