//! What runs on the sound devices' own threads: samples in, samples out, complaints.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cpal::traits::DeviceTrait;
use cpal::{ErrorKind, FromSample, Sample, SampleFormat, SizedSample, StreamConfig};
use tokio::sync::mpsc;

use super::hear::Block;
use super::{Mixer, Resampler};
use crate::audio::{FRAME_MS, ROOM_RATE_HZ};
use crate::time::Clock;

/// Formats in the order of preference; every device knows one of them, or its system converts.
pub(super) const FORMATS: [SampleFormat; 4] =
    [SampleFormat::F32, SampleFormat::I16, SampleFormat::I32, SampleFormat::U8];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Input,
    Output,
}

impl Way {
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Input => "microphone",
            Self::Output => "speaker",
        }
    }

    pub(super) fn flag(self) -> &'static str {
        match self {
            Self::Input => "--input",
            Self::Output => "--output",
        }
    }
}

/// The microphone's end, on the device's thread.
pub(super) struct Ear {
    pub(super) channels: usize,
    pub(super) clock: Clock,
    pub(super) blocks: mpsc::Sender<Block>,
    /// Blocks that nobody had a place for.
    pub(super) lost: Arc<AtomicU64>,
}

impl Ear {
    fn take<T: Sample>(&self, data: &[T])
    where
        f32: FromSample<T>,
    {
        let mono = |frame: &[T]| {
            frame.iter().map(|s| s.to_sample::<f32>()).sum::<f32>() / self.channels as f32
        };
        let samples = data.chunks_exact(self.channels).map(mono).collect();
        if self.blocks.try_send(Block { at: self.clock.now(), samples }).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The speaker's end, on the device's thread.
pub(super) struct Mouth {
    channels: usize,
    mixer: Arc<Mixer>,
    resampler: Option<Resampler>,
    mixed: Vec<i16>,
    ready: Vec<f32>,
}

impl Mouth {
    pub(super) fn new(config: StreamConfig, mixer: Arc<Mixer>) -> Self {
        let resampler = Resampler::new(ROOM_RATE_HZ, config.sample_rate).ok();
        let mixed = vec![0; (ROOM_RATE_HZ / 1_000 * FRAME_MS) as usize];
        Self { channels: config.channels.into(), mixer, resampler, mixed, ready: Vec::new() }
    }

    fn fill<T: Sample + FromSample<f32>>(&mut self, data: &mut [T]) {
        let wanted = data.len() / self.channels;
        while self.ready.len() < wanted {
            self.mixer.pull(&mut self.mixed);
            let sound: Vec<f32> = self.mixed.iter().map(|s| f32::from(*s) / 32_768.0).collect();
            let resampled = match &mut self.resampler {
                Some(resampler) => resampler.push(&sound, &mut self.ready),
                None => Err("no rate".to_owned()),
            };
            if resampled.is_err() {
                // The rest of the round stays silent, as the device gave it.
                break;
            }
        }
        let given = wanted.min(self.ready.len());
        for (frame, sample) in data.chunks_exact_mut(self.channels).zip(self.ready.drain(..given)) {
            frame.fill(T::from_sample(sample));
        }
    }
}

pub(super) fn listen(
    device: &cpal::Device,
    config: StreamConfig,
    format: SampleFormat,
    ear: Ear,
    failures: mpsc::Sender<String>,
) -> Result<cpal::Stream, cpal::Error> {
    fn with<T: SizedSample>(
        device: &cpal::Device,
        config: StreamConfig,
        ear: Ear,
        failures: mpsc::Sender<String>,
    ) -> Result<cpal::Stream, cpal::Error>
    where
        f32: FromSample<T>,
    {
        let take = move |data: &[T], _: &cpal::InputCallbackInfo| ear.take(data);
        let complain = move |error| complain(&failures, Way::Input, &error);
        device.build_input_stream(config, take, complain, None)
    }
    match format {
        SampleFormat::F32 => with::<f32>(device, config, ear, failures),
        SampleFormat::I16 => with::<i16>(device, config, ear, failures),
        SampleFormat::I32 => with::<i32>(device, config, ear, failures),
        SampleFormat::U8 => with::<u8>(device, config, ear, failures),
        _ => Err(ErrorKind::UnsupportedConfig.into()),
    }
}

pub(super) fn speak(
    device: &cpal::Device,
    config: StreamConfig,
    format: SampleFormat,
    mouth: Mouth,
    failures: mpsc::Sender<String>,
) -> Result<cpal::Stream, cpal::Error> {
    fn with<T: SizedSample + FromSample<f32>>(
        device: &cpal::Device,
        config: StreamConfig,
        mut mouth: Mouth,
        failures: mpsc::Sender<String>,
    ) -> Result<cpal::Stream, cpal::Error> {
        let fill = move |data: &mut [T], _: &cpal::OutputCallbackInfo| mouth.fill(data);
        let complain = move |error| complain(&failures, Way::Output, &error);
        device.build_output_stream(config, fill, complain, None)
    }
    match format {
        SampleFormat::F32 => with::<f32>(device, config, mouth, failures),
        SampleFormat::I16 => with::<i16>(device, config, mouth, failures),
        SampleFormat::I32 => with::<i32>(device, config, mouth, failures),
        SampleFormat::U8 => with::<u8>(device, config, mouth, failures),
        _ => Err(ErrorKind::UnsupportedConfig.into()),
    }
}

/// What is wrong with a device; what it mends by itself is only logged.
fn complain(failures: &mpsc::Sender<String>, way: Way, error: &cpal::Error) {
    let noun = way.noun();
    match error.kind() {
        ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {
            tracing::debug!(noun, %error, "a sound device complains");
        }
        _ => {
            let cause = error.to_string();
            let cause = cause.trim_end_matches('.');
            let told = failures.try_send(format!(
                "the {noun} is gone ({cause}); you can go on by typing, or start again"
            ));
            if told.is_err() {
                tracing::warn!(noun, %error, "a sound device failed again");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use cpal::BufferSize;

    use super::*;
    use crate::audio::FRAME_SAMPLES;
    use crate::id::PersonaId;

    #[tokio::test]
    async fn a_voice_fills_every_channel_at_the_devices_own_rate() {
        const RATE_HZ: usize = 44_100;
        let mixer = Arc::new(Mixer::default());
        let config = StreamConfig {
            channels: 2,
            sample_rate: RATE_HZ as u32,
            buffer_size: BufferSize::Default,
        };
        let mut mouth = Mouth::new(config, mixer.clone());
        let wave = |at: usize| (at as f32 * TAU * 440.0 / ROOM_RATE_HZ as f32).sin() * 8_000.0;
        let mut left = Vec::new();
        for number in 0..50 {
            let frame: Vec<i16> =
                (0..FRAME_SAMPLES).map(|i| wave(number * FRAME_SAMPLES + i) as i16).collect();
            mixer.push(&PersonaId::new("ada"), &frame).await;
            let mut round = vec![0_i16; RATE_HZ / 50 * 2];
            mouth.fill(&mut round);
            assert!(round.chunks(2).all(|pair| pair[0] == pair[1]));
            left.extend(round.chunks(2).map(|pair| pair[0]));
        }
        let middle = &left[RATE_HZ / 4..RATE_HZ * 3 / 4];
        let rises = middle.windows(2).filter(|w| w[0] < 0 && w[1] >= 0).count();
        assert!((219..=221).contains(&rises), "{rises} waves in half a second");
        let peak = middle.iter().max().copied().unwrap_or(0);
        assert!((7_700..=8_300).contains(&peak), "{peak}");
    }

    #[test]
    fn channels_become_one_and_what_nobody_takes_is_counted() {
        let (blocks, mut blocks_out) = mpsc::channel(1);
        let lost = Arc::new(AtomicU64::new(0));
        let ear = Ear { channels: 2, clock: Clock::start(), blocks, lost: lost.clone() };
        ear.take(&[0_i16, i16::MIN, i16::MIN, i16::MIN]);
        ear.take(&[1_i16, 2]);
        assert_eq!(blocks_out.try_recv().expect("a block").samples, [-0.5, -1.0]);
        assert_eq!(lost.load(Ordering::Relaxed), 1);
    }
}
