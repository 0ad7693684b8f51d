//! The sound devices of this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, ErrorKind, SampleFormat, StreamConfig, SupportedStreamConfigRange};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::hear::{Block, Hearer};
use super::stream::{self, Ear, FORMATS, Mouth, Way};
use super::{Choice, Guest, Listed, Mixer, SoundError};
use crate::audio::{FRAME_MS, ROOM_RATE_HZ};
use crate::time::Clock;

/// Rounds of the microphone that wait: more than a second. A host that is further behind loses the
/// newest, which are counted.
const BLOCKS_BOUND: usize = 64;
/// Complaints of the devices that wait to be shown.
const FAILURES_BOUND: usize = 8;
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
        let none = "no sound device was found on this machine; connect one, or type with --text";
        return Err(SoundError(none.to_owned()));
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
        stream::listen(&microphone, config, format, ear, failures.clone())
    });
    let input = input.map_err(|error| none(Way::Input.noun(), &error))?;

    let speaker = find(&host, choice.output.as_deref(), Way::Output)?;
    let (config, format) = self::config(&speaker, Way::Output)?;
    let output = buffered(config, |config| {
        let mouth = Mouth::new(config, mixer.clone());
        stream::speak(&speaker, config, format, mouth, failures.clone())
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
        let Self { input, output, mixer, hearer, blocks, lost, sound } = self;
        tasks.spawn(async move {
            for stream in [&output, &input] {
                if let Err(error) = stream.play() {
                    tracing::error!(%error, "a sound device does not start");
                }
            }
            cancel.run_until_cancelled(hearer.run(blocks, guest)).await;
            let (lost, unseen) = (lost.load(Ordering::Relaxed), mixer.played_dropped());
            if lost + unseen > 0 {
                // A few at the start or while the machine sleeps are no harm.
                tracing::warn!(
                    blocks_lost = lost,
                    played_samples_unseen = unseen,
                    "the microphone was not followed all the time"
                );
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
