//! From what a microphone gives to what the ears take: one channel, 16 kHz, 10 ms at a time,
//! without the cast's own voices.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::echo::{Echo, HEARD_STEP, PLAYED_STEP};
use super::{Guest, Mixer, Resampler};
use crate::audio::{EARS_RATE_HZ, samples_to_duration};
use crate::room::Event;
use crate::time::Time;

/// A level below this shows as nothing, one above the next as full: a quiet room, a loud voice.
const QUIET_DBFS: f32 = -60.0;
const LOUD_DBFS: f32 = -10.0;

/// What came in one round of the device: mono, at the device's rate.
#[derive(Debug)]
pub(super) struct Block {
    /// When the last sample came.
    pub(super) at: Time,
    pub(super) samples: Vec<f32>,
}

/// The way of the sound from the device to the host.
pub(super) struct Hearer {
    resampler: Resampler,
    mixer: Arc<Mixer>,
    echo: Echo,
    heard: Vec<f32>,
    played: Vec<i16>,
    level: watch::Sender<f32>,
}

impl Hearer {
    pub(super) fn new(
        rate_hz: u32,
        mixer: Arc<Mixer>,
        level: watch::Sender<f32>,
    ) -> Result<Self, String> {
        Ok(Self {
            resampler: Resampler::new(rate_hz, EARS_RATE_HZ)?,
            mixer,
            echo: Echo::new(),
            heard: Vec::new(),
            played: Vec::new(),
            level,
        })
    }

    /// Hears until the device or the host ends.
    pub(super) async fn run(mut self, mut blocks: mpsc::Receiver<Block>, guest: Guest) {
        while let Some(block) = blocks.recv().await {
            match self.steps(&block) {
                Ok(steps) => {
                    for (at, samples) in steps {
                        let human = guest.human.clone();
                        if !guest.tell(Event::Audio { human, at, samples }).await {
                            return;
                        }
                    }
                }
                Err(error) => tracing::warn!(error, "a piece of the microphone's sound is lost"),
            }
        }
        guest.tell(Event::AudioEnded { human: guest.human.clone() }).await;
    }

    /// The whole steps that `block` completes.
    fn steps(&mut self, block: &Block) -> Result<Vec<(Time, Vec<i16>)>, String> {
        self.resampler.push(&block.samples, &mut self.heard)?;
        self.follow_played()?;
        let mut steps = Vec::new();
        let whole = self.heard.len() / HEARD_STEP;
        for number in 0..whole {
            let from = number * HEARD_STEP;
            let step: [i16; HEARD_STEP] = std::array::from_fn(|i| to_i16(self.heard[from + i]));
            let clean = self.echo.heard(&step)?;
            self.level.send_replace(level(&clean));
            let behind = self.heard.len() - from - HEARD_STEP;
            let at = block.at - samples_to_duration(behind, EARS_RATE_HZ);
            steps.push((at, clean.to_vec()));
        }
        self.heard.drain(..whole * HEARD_STEP);
        Ok(steps)
    }

    /// The canceller is told what was played before it is asked about what was heard.
    fn follow_played(&mut self) -> Result<(), String> {
        self.mixer.take_played(&mut self.played);
        let (steps, _) = self.played.as_chunks::<PLAYED_STEP>();
        for step in steps {
            self.echo.played(step)?;
        }
        let used = steps.len() * PLAYED_STEP;
        self.played.drain(..used);
        Ok(())
    }
}

fn to_i16(sample: f32) -> i16 {
    (sample * f32::from(i16::MAX)).round() as i16
}

/// 0 to 1 on a scale of loudness.
fn level(samples: &[i16]) -> f32 {
    let power: f32 = samples.iter().map(|s| (f32::from(*s) / 32_768.0).powi(2)).sum();
    let dbfs = 10.0 * (power / samples.len().max(1) as f32 + 1e-9).log10();
    ((dbfs - QUIET_DBFS) / (LOUD_DBFS - QUIET_DBFS)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;
    use crate::room::console::ConsoleRoom;

    #[tokio::test]
    async fn odd_blocks_become_steps_of_ten_milliseconds_with_their_times() {
        let (_room, mut ends) = ConsoleRoom::open(&[], "Tom", None);
        let (level, level_out) = watch::channel(0.0);
        let hearer = Hearer::new(48_000, Arc::default(), level).expect("a rate");
        let (blocks, blocks_out) = mpsc::channel(64);
        let tone = |at: usize| (at as f32 * TAU * 500.0 / 48_000.0).sin() * 0.3;
        for number in 0..50 {
            let samples = (number * 1_000..(number + 1) * 1_000).map(tone).collect();
            let at = Time::from_us((number as u64 + 1) * 1_000_000 / 48);
            blocks.try_send(Block { at, samples }).expect("room for a block");
        }
        drop(blocks);
        hearer.run(blocks_out, ends.guest).await;

        let mut times = Vec::new();
        let mut ended = false;
        while let Ok(event) = ends.events.try_recv() {
            match event {
                Event::Audio { at, samples, .. } => {
                    assert_eq!(samples.len(), HEARD_STEP);
                    times.push(at);
                }
                Event::AudioEnded { .. } => ended = true,
                _ => {}
            }
        }
        assert!(ended);
        assert!((100..=104).contains(&times.len()), "{} steps of a second", times.len());
        let apart = |pair: &[Time]| pair[1].since(pair[0]).as_millis();
        let average = times.windows(2).map(apart).sum::<u128>() as usize / (times.len() - 1);
        assert!((9..=11).contains(&average), "{average} ms apart");
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
        assert!(*level_out.borrow() > 0.5, "{}", *level_out.borrow());
    }

    #[test]
    fn silence_shows_as_nothing_and_a_loud_voice_as_full() {
        assert_eq!(level(&[0; HEARD_STEP]), 0.0);
        assert_eq!(level(&[20_000; HEARD_STEP]), 1.0);
    }
}
