//! The JSON file beside a Piper model.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use crate::tts::VoiceError;

/// Begins, ends and separates phonemes, in the model's own alphabet.
const BEGIN: &str = "^";
const END: &str = "$";
const PAD: &str = "_";
/// About forty seconds of speech; a clause has some hundred. What is beyond is left out.
const PHONEMES_MAX: usize = 800;

/// What the model was trained with.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    pub(super) audio: Audio,
    pub(super) espeak: Espeak,
    pub(super) inference: Inference,
    #[serde(default = "one")]
    pub(super) num_speakers: u32,
    phoneme_id_map: HashMap<String, Vec<i32>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Audio {
    #[serde(rename = "sample_rate")]
    pub(super) sample_rate_hz: u32,
}

#[derive(Debug, Deserialize)]
pub(super) struct Espeak {
    pub(super) voice: String,
}

/// How freely the model varies sound (`noise_scale`) and timing (`noise_w`), and how slowly it
/// speaks (`length_scale`).
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Inference {
    pub(super) noise_scale: f32,
    pub(super) length_scale: f32,
    pub(super) noise_w: f32,
}

/// A clause as the model is given it.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) ids: Vec<i32>,
    /// The phoneme of each id; none for what frames and separates them.
    pub(super) chars: Vec<Option<char>>,
    /// Characters that the voice does not know; they are left out.
    pub(super) unknown: usize,
}

fn one() -> u32 {
    1
}

impl Config {
    pub(super) fn read(path: &Path) -> Result<Self, VoiceError> {
        let wrong = |cause: String| {
            VoiceError::Start(format!(
                "{} is not the configuration of a Piper voice: {cause}; \
                 `troupe models pull` brings one",
                path.display(),
            ))
        };
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let config: Self = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        config.check().map_err(wrong)?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        if !(8_000..=48_000).contains(&self.audio.sample_rate_hz) {
            return Err(format!("a sample rate of {} Hz", self.audio.sample_rate_hz));
        }
        let length = self.inference.length_scale;
        if !(length.is_finite() && length > 0.0) {
            return Err(format!("a length_scale of {length}"));
        }
        match [BEGIN, END, PAD].iter().find(|mark| self.ids(mark).is_empty()) {
            Some(mark) => Err(format!("phoneme_id_map has no {mark:?}")),
            None => Ok(()),
        }
    }

    fn ids(&self, phoneme: &str) -> &[i32] {
        self.phoneme_id_map.get(phoneme).map_or(&[], Vec::as_slice)
    }

    /// The model's input for `phonemes` in IPA, each character by itself.
    pub(super) fn encode(&self, phonemes: &str) -> Encoded {
        let mut ids = Vec::with_capacity(phonemes.len() * 2 + 4);
        let mut chars = Vec::with_capacity(ids.capacity());
        let mut unknown = 0;
        let pad = self.ids(PAD);
        ids.extend(self.ids(BEGIN));
        ids.extend(pad);
        chars.resize(ids.len(), None);
        let mut buffer = [0; 4];
        for c in phonemes.chars().take(PHONEMES_MAX) {
            let id = self.ids(c.encode_utf8(&mut buffer));
            if id.is_empty() {
                unknown += 1;
                continue;
            }
            ids.extend(id);
            chars.resize(ids.len(), Some(c));
            ids.extend(pad);
            chars.resize(ids.len(), None);
        }
        ids.extend(self.ids(END));
        chars.resize(ids.len(), None);
        Encoded { ids, chars, unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json() -> serde_json::Value {
        serde_json::json!({
            "audio": {"sample_rate": 22050, "quality": "medium"},
            "espeak": {"voice": "en-us"},
            "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
            "phoneme_id_map": {"_": [0], "^": [1], "$": [2], "a": [14], "ˈ": [120]}
        })
    }

    fn read(json: &serde_json::Value) -> Result<Config, VoiceError> {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("voice.onnx.json");
        std::fs::write(&path, json.to_string()).expect("a written file");
        Config::read(&path)
    }

    #[test]
    fn phonemes_are_framed_and_padded_and_unknown_ones_left_out() {
        let config = read(&json()).expect("a good file");
        let encoded = config.encode("aˈ☃a");
        assert_eq!((encoded.ids, encoded.unknown), (vec![1, 0, 14, 0, 120, 0, 14, 0, 2], 1));
        let (a, stress) = (Some('a'), Some('ˈ'));
        let chars = [None, None, a, None, stress, None, a, None, None];
        assert_eq!(encoded.chars, chars);
        assert_eq!(config.encode("").ids, [1, 0, 2]);
        assert!(config.encode(&"a".repeat(100_000)).ids.len() < 2 * PHONEMES_MAX + 4);
    }

    #[test]
    fn a_file_that_is_none_names_the_cause_and_the_mend() {
        let mut no_pad = json();
        no_pad["phoneme_id_map"]["_"] = serde_json::json!([]);
        let mut no_rate = json();
        no_rate["audio"]["sample_rate"] = serde_json::json!(0);
        let mut no_length = json();
        no_length["inference"]["length_scale"] = serde_json::json!(0.0);
        for bad in [no_pad, no_rate, no_length, serde_json::json!({}), serde_json::json!([1])] {
            let error = read(&bad).expect_err("a bad file").to_string();
            assert!(error.contains("voice.onnx.json is not"), "{error}");
            assert!(error.contains("troupe models pull"), "{error}");
        }
        Config::read(Path::new("/nonexistent.json")).expect_err("no file");
    }
}
