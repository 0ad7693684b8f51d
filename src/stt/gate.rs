//! What the recogniser invented: a pure judgement on its text.
//!
//! Whisper was trained on subtitles, and on noise or silence it answers with what subtitles end
//! with, with sound descriptions, or with one phrase over and over.

use std::time::Duration;

use super::{Recognition, Utterance};

mod phrases;
mod text;

/// What is known of the sound beside the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// How much of the clip was voiced.
    pub voiced: Duration,
    pub duration: Duration,
    /// Root mean square of the clip, 1 being full scale.
    pub level: f32,
}

impl Evidence {
    pub fn of(utterance: &Utterance) -> Self {
        let samples = &utterance.clip.samples;
        let energy: f32 = samples.iter().map(|sample| sample * sample).sum();
        Self {
            voiced: utterance.voiced,
            duration: utterance.clip.duration(),
            level: (energy / samples.len().max(1) as f32).sqrt(),
        }
    }

    /// So little voice that one of Whisper's favourite inventions is likelier than speech.
    fn is_thin(&self) -> bool {
        let share = self.voiced.as_secs_f32() / self.duration.as_secs_f32().max(0.001);
        self.voiced < THIN_VOICE || share < THIN_SHARE || self.level < QUIET_LEVEL
    }
}

/// A spoken "thank you" has more voice than this.
const THIN_VOICE: Duration = Duration::from_millis(280);
/// With pre-roll and post-roll a short word still fills a quarter of its clip.
const THIN_SHARE: f32 = 0.2;
/// -54 dB: below any microphone that somebody speaks into.
const QUIET_LEVEL: f32 = 0.002;
/// Whisper's own limit for "no speech", which it applies together with a doubtful text.
const NO_SPEECH: f32 = 0.6;
/// Speech that is understood is above 0.6 as a rule; invented text seldom is.
const DOUBTFUL: f32 = 0.5;
/// Below this the words are guesses whatever else speaks for them.
const GUESSED: f32 = 0.25;

/// What becomes of a recognised text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Keep it, cleaned.
    Keep(String),
    Drop(Reason),
}

/// Why a text was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing is left after the sound descriptions are taken out.
    Empty,
    NoSpeech,
    LowProbability,
    /// One of the phrases that Whisper says to noise.
    Phrase,
    /// The same words over and over.
    Repetition,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "no words in it",
            Self::NoSpeech => "probably no speech",
            Self::LowProbability => "words too improbable",
            Self::Phrase => "a phrase the recogniser invents",
            Self::Repetition => "the same words over and over",
        }
    }
}

/// Decides whether the text was said.
pub fn judge(recognition: &Recognition, evidence: &Evidence) -> Verdict {
    let text = text::clean(&recognition.text);
    match reason_against(&text, recognition, evidence) {
        Some(reason) => Verdict::Drop(reason),
        None => Verdict::Keep(text),
    }
}

fn reason_against(text: &str, recognised: &Recognition, evidence: &Evidence) -> Option<Reason> {
    let words = text::words(text);
    let doubtful = recognised.token_probability < DOUBTFUL;
    let weak = doubtful || recognised.no_speech > NO_SPEECH / 2.0 || evidence.is_thin();
    if words.is_empty() {
        Some(Reason::Empty)
    } else if phrases::never_said(&words) || (weak && phrases::seldom_said(&words)) {
        Some(Reason::Phrase)
    } else if text::repeats(&words) {
        Some(Reason::Repetition)
    } else if recognised.no_speech > NO_SPEECH && doubtful {
        Some(Reason::NoSpeech)
    } else if recognised.token_probability < GUESSED {
        Some(Reason::LowProbability)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
