//! whisper.cpp, with one model and one state for its whole life.

use std::time::{Duration, Instant};

use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState,
};

use crate::Arguments;
use crate::wire::{Message, SAMPLES_MAX};

const RATE_HZ: usize = 16_000;
/// The encoder has one position for 20 ms.
const POSITIONS_PER_SECOND: usize = 50;
/// Matrix kernels like round numbers.
const POSITIONS_STEP: usize = 64;
/// Below this, words are repeated even in clips of a second.
const POSITIONS_MIN: usize = 256;
/// Fast speech has some 6 tokens a second; what is far beyond runs in circles.
const TOKENS_PER_SECOND: usize = 10;
const TOKENS_SPARE: usize = 16;
/// Among what whisper.cpp says of its build when the kernels of `.cargo/config.toml` are in it.
const FAST: &str = "LLAMAFILE = 1";
const SLOW: &str = "whisper.cpp was built without its fast kernels, and a clip takes 1.6 times as \
                    long; run `cargo clean -p whisper-rs-sys` and build again";
/// whisper.cpp takes no clip shorter than 100 ms; half a second is safe.
const SAMPLES_MIN: usize = RATE_HZ / 2;

pub(crate) struct Engine {
    state: WhisperState,
    language: String,
    threads: i32,
    margin: usize,
    positions_max: usize,
    token_end: i32,
    load: Duration,
}

impl Engine {
    /// Loads the model and hears a second of silence, so that the first clip is not slower.
    pub(crate) fn load(arguments: &Arguments) -> Result<Self, String> {
        let begun = Instant::now();
        if !whisper_rs::print_system_info().contains(FAST) {
            eprintln!("{SLOW}");
        }
        let path = arguments.model.display();
        let mut parameters = WhisperContextParameters::default();
        parameters.use_gpu(false);
        let context =
            WhisperContext::new_with_params(&arguments.model, parameters).map_err(|error| {
                format!("the model {path} cannot be loaded: {error}; run `troupe models pull`")
            })?;
        let state = context.create_state().map_err(|error| {
            format!("there is no room for the state of the model {path}: {error}")
        })?;
        let mut engine = Self {
            state,
            language: arguments.language.clone(),
            threads: i32::from(arguments.threads.max(1)),
            margin: arguments.margin as usize,
            positions_max: usize::try_from(context.n_audio_ctx()).unwrap_or(0),
            token_end: context.token_eot(),
            load: Duration::ZERO,
        };
        engine.hear(&vec![0.0; RATE_HZ]).map_err(|cause| format!("the model {path}: {cause}"))?;
        engine.load = begun.elapsed();
        Ok(engine)
    }

    pub(crate) fn load_ms(&self) -> u64 {
        self.load.as_millis() as u64
    }

    pub(crate) fn answer(&mut self, id: u64, samples: &[f32]) -> Message {
        let begun = Instant::now();
        match self.hear(samples) {
            Ok(heard) => Message::Text {
                id,
                text: heard.text,
                no_speech: heard.no_speech,
                token_probability: heard.token_probability,
                took_us: begun.elapsed().as_micros() as u64,
            },
            Err(cause) => Message::Refused { id, cause },
        }
    }

    fn hear(&mut self, samples: &[f32]) -> Result<Heard, String> {
        if samples.len() > SAMPLES_MAX || samples.iter().any(|sample| !sample.is_finite()) {
            return Err("the clip is longer than 30 s or has samples that are no numbers".into());
        }
        let mut padded;
        let mut samples = samples;
        if samples.len() < SAMPLES_MIN {
            padded = samples.to_vec();
            padded.resize(SAMPLES_MIN, 0.0);
            samples = &padded;
        }
        let language = self.language.clone();
        let parameters = self.parameters(&language, samples.len());
        self.state.full(parameters, samples).map_err(|error| format!("Whisper: {error}"))?;
        Ok(self.read())
    }

    fn parameters<'a>(&self, language: &'a str, samples: usize) -> FullParams<'a, 'static> {
        let tokens = TOKENS_SPARE + samples * TOKENS_PER_SECOND / RATE_HZ;
        let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        parameters.set_language(Some(language));
        parameters.set_n_threads(self.threads);
        parameters.set_audio_ctx(self.positions(samples) as i32);
        parameters.set_max_tokens(tokens as i32);
        parameters.set_single_segment(true);
        parameters.set_no_timestamps(true);
        parameters.set_no_context(true);
        parameters.set_suppress_blank(true);
        parameters.set_suppress_nst(true);
        // One pass: the gate judges a doubtful text, and a second pass would double the wait.
        parameters.set_temperature(0.0);
        parameters.set_temperature_inc(0.0);
        parameters.set_print_progress(false);
        parameters.set_print_realtime(false);
        parameters.set_print_special(false);
        parameters.set_print_timestamps(false);
        parameters
    }

    /// How many encoder positions the clip gets: its own and a margin. The full 1,500 cost four
    /// times as much for a clip of 5 s; too few make the decoder repeat itself.
    fn positions(&self, samples: usize) -> usize {
        let own = (samples * POSITIONS_PER_SECOND).div_ceil(RATE_HZ);
        let wanted = (own + self.margin).next_multiple_of(POSITIONS_STEP);
        wanted.clamp(POSITIONS_MIN.min(self.positions_max), self.positions_max)
    }

    fn read(&self) -> Heard {
        let mut text = String::new();
        let mut probabilities = Vec::new();
        let mut no_speech = 0.0_f32;
        for segment in self.state.as_iter() {
            text.push_str(&segment.to_str_lossy().unwrap_or_default());
            no_speech = no_speech.max(segment.no_speech_probability());
            let tokens = (0..segment.n_tokens()).filter_map(|index| segment.get_token(index));
            let words = tokens.filter(|token| token.token_id() < self.token_end);
            probabilities.extend(words.map(|token| token.token_probability()));
        }
        let sum: f32 = probabilities.iter().sum();
        Heard {
            text,
            no_speech: finite(no_speech),
            token_probability: finite(sum / probabilities.len().max(1) as f32),
        }
    }
}

struct Heard {
    text: String,
    no_speech: f32,
    token_probability: f32,
}

/// JSON has no NaN.
fn finite(probability: f32) -> f32 {
    if probability.is_finite() { probability } else { 0.0 }
}
