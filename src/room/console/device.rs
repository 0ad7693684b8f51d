//! The sound devices of this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, ErrorKind, FromSample, Sample, SampleFormat, SizedSample, StreamConfig,
    SupportedStreamConfigRange,
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::hear::{Block, Hearer};
use super::{Choice, Guest, Listed, Mixer, Resampler, SoundError};
use crate::audio::{FRAME_MS, ROOM_RATE_HZ};
use crate::time::Clock;

/// Rounds of the microphone that wait: more than a second. A host that is further behind loses the
/// newest, which are counted.
const BLOCKS_BOUND: usize = 64;
/// Complaints of the devices that wait to be shown.
const FAILURES_BOUND: usize = 8;
/// Formats in the order of preference; every device knows one of them, or its system converts.
const FORMATS: [SampleFormat; 4] =
    [SampleFormat::F32, SampleFormat::I16, SampleFormat::I32, SampleFormat::U8];
const MEND: &str = "connect one, choose one of `troupe console --list`, or type with --text";

/// Microphone and speaker, open and silent.
pub struct Devices {
    input: cpal::Stream,
    output: cpal::Stream,
    mixer: Arc<Mixer>,
    hearer: Hearer,
    blocks: mpsc::Receiver<Block>,
    lost: Arc<AtomicU64>,
    sound: Sound,
}

/// What the console hears of its devices.
pub struct Sound {
    /// The microphone's level, 0 to 1 on a scale of loudness.
    pub level: watch::Receiver<f32>,
    /// A device that is gone, in a sentence.
    pub failures: mpsc::Receiver<String>,
}

/// The devices that can be opened.
///
/// # Errors
/// When the system has no sound at all.
pub fn list() -> Result<Vec<Listed>, SoundError> {
    quietly(list_all)
}

fn list_all() -> Result<Vec<Listed>, SoundError> {
    let host = host()?;
    let devices = host.devices().map_err(|error| none("sound device", &error))?;
    let listed: Vec<_> = devices
        .map(|device| Listed {
            id: id(&device),
            name: name(&device),
            input: device.default_input_config().is_ok(),
            output: device.default_output_config().is_ok(),
        })
        // ALSA has one that hears nothing and plays nothing, also where there is no sound at all.
        .filter(|listed| (listed.input || listed.output) && listed.id != "null")
        .collect();
    if listed.is_empty() {
        return Err(SoundError(format!("no sound device was found on this machine; {MEND}")));
    }
    Ok(listed)
}

/// Opens microphone and speaker.
///
/// # Errors
/// When there is none of either, or it cannot be used.
pub fn open(choice: &Choice, clock: Clock) -> Result<Devices, SoundError> {
    quietly(|| open_both(choice, clock))
}

fn open_both(choice: &Choice, clock: Clock) -> Result<Devices, SoundError> {
    let host = host()?;
    let mixer = Arc::new(Mixer::default());
    let (failures, failures_out) = mpsc::channel(FAILURES_BOUND);

    let microphone = find(&host, choice.input.as_deref(), Way::Input)?;
    let (config, format) = config(&microphone, Way::Input)?;
    let (blocks, blocks_out) = mpsc::channel(BLOCKS_BOUND);
    let lost = Arc::new(AtomicU64::new(0));
    let (level, level_out) = watch::channel(0.0);
    let hearer = Hearer::new(config.sample_rate, mixer.clone(), level).map_err(SoundError)?;
    let input = buffered(config, |config| {
        let ear = Ear {
            channels: config.channels.into(),
            clock,
            blocks: blocks.clone(),
            lost: lost.clone(),
        };
        listen(&microphone, config, format, ear, failures.clone())
    });
    let input = input.map_err(|error| none(Way::Input.noun(), &error))?;

    let speaker = find(&host, choice.output.as_deref(), Way::Output)?;
    let (config, format) = self::config(&speaker, Way::Output)?;
    let output = buffered(config, |config| {
        let mouth = Mouth::new(config, mixer.clone());
        speak(&speaker, config, format, mouth, failures.clone())
    });
    let output = output.map_err(|error| none(Way::Output.noun(), &error))?;

    let sound = Sound { level: level_out, failures: failures_out };
    Ok(Devices { input, output, mixer, hearer, blocks: blocks_out, lost, sound })
}

impl Devices {
    /// Where the voices go.
    pub fn mixer(&self) -> Arc<Mixer> {
        self.mixer.clone()
    }

    /// Begins to play and to hear, until cancelled.
    pub fn start(self, guest: Guest, tasks: &TaskTracker, cancel: CancellationToken) -> Sound {
        let Self { input, output, mixer: _, hearer, blocks, lost, sound } = self;
        tasks.spawn(async move {
            for stream in [&output, &input] {
                if let Err(error) = stream.play() {
                    tracing::error!(%error, "a sound device does not start");
                }
            }
            cancel.run_until_cancelled(hearer.run(blocks, guest)).await;
            let lost = lost.load(Ordering::Relaxed);
            if lost > 0 {
                tracing::warn!(lost, "the microphone's sound came faster than it could be heard");
            }
            // Ending a stream waits for its thread, which may wait for the device.
            tokio::task::spawn_blocking(move || drop((input, output)));
        });
        sound
    }
}

/// ALSA complains on standard error, several lines for each device that it tries; of a machine
/// without sound that is a page, and no help. They go to the log.
#[cfg(target_os = "linux")]
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let kept = alsa::Output::local_error_handler();
    let done = work();
    if let Ok(kept) = kept {
        for complaint in kept.borrow().to_string().lines() {
            tracing::debug!(complaint, "ALSA");
        }
    }
    done
}

#[cfg(not(target_os = "linux"))]
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Input,
    Output,
}

impl Way {
    fn noun(self) -> &'static str {
        match self {
            Self::Input => "microphone",
            Self::Output => "speaker",
        }
    }

    fn flag(self) -> &'static str {
        match self {
            Self::Input => "--input",
            Self::Output => "--output",
        }
    }
}

fn host() -> Result<cpal::Host, SoundError> {
    cpal::host_from_id(cpal::default_host().id()).map_err(|error| none("sound device", &error))
}

fn none(noun: &str, error: &cpal::Error) -> SoundError {
    let cause = error.to_string();
    let cause = cause.trim_end_matches('.');
    SoundError(format!("no {noun} can be used on this machine ({cause}); {MEND}"))
}

fn id(device: &cpal::Device) -> String {
    device.id().map_or_else(|_| String::new(), |id| id.id().to_owned())
}

fn name(device: &cpal::Device) -> String {
    device.description().map_or_else(|_| id(device), |about| about.name().to_owned())
}

/// The device of this id, or the only one whose name has this part.
fn find(host: &cpal::Host, wish: Option<&str>, way: Way) -> Result<cpal::Device, SoundError> {
    let noun = way.noun();
    let Some(wish) = wish else {
        let device = match way {
            Way::Input => host.default_input_device(),
            Way::Output => host.default_output_device(),
        };
        return device.ok_or_else(|| SoundError(format!("no {noun} was found; {MEND}")));
    };
    let devices = host.devices().map_err(|error| none(noun, &error))?;
    let devices: Vec<_> = devices.collect();
    if let Some(exact) = devices.iter().find(|device| id(device) == wish) {
        return Ok(exact.clone());
    }
    let part = wish.to_lowercase();
    let mut like = devices.iter().filter(|device| name(device).to_lowercase().contains(&part));
    match (like.next(), like.next()) {
        (Some(device), None) => Ok(device.clone()),
        (found, _) => {
            let how_many = if found.is_some() { "more than one" } else { "no" };
            Err(SoundError(format!(
                "{how_many} {noun} matches {flag} {wish:?}; give an id of `troupe console --list`",
                flag = way.flag()
            )))
        }
    }
}

/// The configuration nearest to ours: a rate that needs no resampling, few channels, a good format.
fn config(device: &cpal::Device, way: Way) -> Result<(StreamConfig, SampleFormat), SoundError> {
    let fail = |error: cpal::Error| none(way.noun(), &error);
    let ranges: Vec<SupportedStreamConfigRange> = match way {
        Way::Input => device.supported_input_configs().map_err(fail)?.collect(),
        Way::Output => device.supported_output_configs().map_err(fail)?.collect(),
    };
    let known = ranges.into_iter().filter(|range| FORMATS.contains(&range.sample_format()));
    let best = known.min_by_key(|range| {
        let format = FORMATS.iter().position(|format| *format == range.sample_format());
        (!range.contains_rate(ROOM_RATE_HZ), range.channels(), format)
    });
    let best = best.ok_or_else(|| fail(ErrorKind::UnsupportedConfig.into()))?;
    let rate = ROOM_RATE_HZ.clamp(best.min_sample_rate(), best.max_sample_rate());
    Ok((best.with_sample_rate(rate).config(), best.sample_format()))
}

/// Opens with rounds as long as a frame of the room, or with the device's own where it has none.
fn buffered<S>(
    mut config: StreamConfig,
    mut open: impl FnMut(StreamConfig) -> Result<S, cpal::Error>,
) -> Result<S, cpal::Error> {
    config.buffer_size = BufferSize::Fixed(config.sample_rate / 1_000 * FRAME_MS);
    open(config).or_else(|error| {
        tracing::debug!(%error, "the device has rounds of its own");
        config.buffer_size = BufferSize::Default;
        open(config)
    })
}

/// The microphone's end, on the device's thread.
struct Ear {
    channels: usize,
    clock: Clock,
    blocks: mpsc::Sender<Block>,
    lost: Arc<AtomicU64>,
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
struct Mouth {
    channels: usize,
    mixer: Arc<Mixer>,
    resampler: Option<Resampler>,
    mixed: Vec<i16>,
    ready: Vec<f32>,
}

impl Mouth {
    fn new(config: StreamConfig, mixer: Arc<Mixer>) -> Self {
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

fn listen(
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

fn speak(
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
