//! A tone to send, and a measurement of what arrives.

use std::f64::consts::TAU;

use futures_util::StreamExt;
use libwebrtc::{
    audio_frame::AudioFrame,
    audio_source::{AudioSourceOptions, native::NativeAudioSource},
    audio_stream::native::NativeAudioStream,
};
use tokio::task::JoinHandle;

pub(crate) const RATE_HZ: u32 = 48_000;
pub(crate) const AMPLITUDE: f64 = 10_000.0;

/// Sends a tone until the task is aborted.
pub(crate) fn play(hz: f64) -> (NativeAudioSource, JoinHandle<()>) {
    let source = NativeAudioSource::new(AudioSourceOptions::default(), RATE_HZ, 1, 100);
    let feed = source.clone();
    let task = tokio::spawn(async move {
        for start in (0u64..).step_by(960) {
            let samples: Vec<i16> = (start..start + 960)
                .map(|n| ((n as f64 * hz / f64::from(RATE_HZ) * TAU).sin() * AMPLITUDE) as i16)
                .collect();
            let frame = AudioFrame {
                data: samples.into(),
                sample_rate: RATE_HZ,
                num_channels: 1,
                samples_per_channel: 960,
            };
            feed.capture_frame(&frame).await.expect("the only caller finds room");
        }
    });
    (source, task)
}

/// What a piece of sound is.
#[derive(Debug)]
pub(crate) struct Heard {
    /// Amplitude of the part that has the frequency asked for.
    pub(crate) amplitude: f64,
    /// Share of the energy with that frequency.
    pub(crate) purity: f64,
}

/// Listens until a piece of 0.5 s is loud, for at most `seconds`, and measures it.
pub(crate) async fn listen(stream: &mut NativeAudioStream, hz: f64, seconds: f64) -> Option<Heard> {
    let mut samples = Vec::new();
    for _ in 0..(seconds * 100.0) as usize {
        let frame = stream.next().await?;
        samples.extend(frame.data.iter().map(|sample| f64::from(*sample)));
        if samples.len() >= RATE_HZ as usize / 2 {
            let heard = measure(&samples, hz);
            if heard.amplitude > AMPLITUDE / 2.0 {
                return Some(heard);
            }
            samples.clear();
        }
    }
    None
}

pub(crate) fn measure(samples: &[f64], hz: f64) -> Heard {
    let (mut sin, mut cos, mut energy) = (0.0, 0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let phase = n as f64 * hz / f64::from(RATE_HZ) * TAU;
        sin += sample * phase.sin();
        cos += sample * phase.cos();
        energy += sample * sample;
    }
    let count = samples.len() as f64;
    let amplitude = (sin * sin + cos * cos).sqrt() * 2.0 / count;
    Heard { amplitude, purity: amplitude * amplitude / 2.0 * count / energy.max(1.0) }
}
