//! A voice without a model, for tests, the simulator and the replayer.

use std::f32::consts::TAU;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::{Synthesiser, VoiceError, normalise};
use crate::audio::{Pcm, ROOM_RATE_HZ};
use crate::persona::VoiceStyle;

/// Hums a tone as long as a text would take to say.
#[derive(Clone, Debug)]
pub struct ScriptedVoice {
    /// How long the synthesis of a clause takes.
    pub delay: Duration,
    /// Sound for each character of the spoken text.
    pub per_char: Duration,
    /// The height of the tone at pitch 0; 0 is silence.
    pub tone_hz: f32,
    failing: Vec<usize>,
    calls: Arc<AtomicUsize>,
}

impl Default for ScriptedVoice {
    /// 100 ms for each clause, 60 ms a character (about 150 words a minute), a tone of 200 Hz.
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(100),
            per_char: Duration::from_millis(60),
            tone_hz: 200.0,
            failing: Vec::new(),
            calls: Arc::default(),
        }
    }
}

impl ScriptedVoice {
    /// These calls fail, counted from 0.
    pub fn failing(self, calls: &[usize]) -> Self {
        Self { failing: calls.to_vec(), ..self }
    }

    /// How often it was asked for sound.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// The samples that `text` takes at pace 1.
    pub fn samples(&self, text: &str) -> usize {
        let chars = normalise::speakable(text).chars().count();
        let seconds = self.per_char.as_secs_f64() * chars as f64;
        (seconds * f64::from(ROOM_RATE_HZ)).round() as usize
    }
}

#[async_trait]
impl Synthesiser for ScriptedVoice {
    async fn synthesise(&self, text: &str, style: &VoiceStyle) -> Result<Pcm, VoiceError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(self.delay).await;
        if self.failing.contains(&call) {
            return Err(VoiceError::Model(format!("call {call} fails by script")));
        }
        let samples = (self.samples(text) as f64 / f64::from(style.pace)).round() as usize;
        let step = TAU * self.tone_hz * (style.pitch / 12.0).exp2() / ROOM_RATE_HZ as f32;
        let amplitude = if self.tone_hz > 0.0 { 8_000.0 } else { 0.0 };
        // A cosine, so that the very first sample is voiced.
        let tone = |n: usize| ((n as f32 * step).cos() * amplitude) as i16;
        Ok(Pcm { samples: (0..samples).map(tone).collect(), ..Pcm::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn sound_is_as_long_as_the_text_and_comes_after_the_delay() {
        let voice = ScriptedVoice::default();
        let before = tokio::time::Instant::now();
        let style = VoiceStyle { pace: 2.0, ..VoiceStyle::default() };
        let sound = voice.synthesise("ten chars!", &style).await.expect("no failure in the script");
        assert_eq!(before.elapsed(), voice.delay);
        assert_eq!(sound.duration(), voice.per_char * 5);
        assert!(sound.samples[0] > 7_000);
    }

    #[tokio::test(start_paused = true)]
    async fn emoji_have_no_sound_and_failing_calls_fail() {
        let voice = ScriptedVoice::default().failing(&[1]);
        let style = VoiceStyle::default();
        assert_eq!(voice.synthesise("👍", &style).await.expect("call 0").samples.len(), 0);
        voice.synthesise("hello", &style).await.expect_err("call 1");
        voice.synthesise("hello", &style).await.expect("call 2");
        assert_eq!(voice.calls(), 3);
    }
}
