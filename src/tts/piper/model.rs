//! The Piper network, on a thread of its own.

use std::path::Path;
use std::thread;

use rten::{NodeId, Value};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use tokio::sync::{mpsc, oneshot};

use super::config::Inference;
use crate::onnx::Network;
use crate::tts::VoiceError;

/// Clauses that wait for the model. A further caller waits for a place, so nothing is dropped.
const WAITING_MAX: usize = 4;

/// The name of the network's own length of each phoneme, in frames: not one of its outputs, but
/// every voice that Piper's exporter writes has it inside.
const LENGTHS: &str = "/Ceil_output_0";

/// One clause as the network speaks it.
pub(super) struct Spoken {
    /// In -1..1.
    pub(super) samples: Vec<f32>,
    /// Of them, how many each of the ids took; empty when the network does not tell.
    pub(super) lengths: Vec<usize>,
}

/// A clause, or what went wrong.
pub(super) type Sound = Result<Spoken, VoiceError>;

struct Job {
    ids: Vec<i32>,
    inference: Inference,
    answer: oneshot::Sender<Sound>,
}

/// The way to the model's thread, which ends with the last of these.
#[derive(Clone, Debug)]
pub(super) struct Worker {
    jobs: mpsc::Sender<Job>,
}

impl Worker {
    /// Loads the model (some 100 ms) and starts its thread. `threads` share one clause's work.
    pub(super) fn start(path: &Path, threads: usize, speakers: u32) -> Result<Self, VoiceError> {
        let piper = Piper::load(path, threads, speakers)?;
        let (jobs, mut queue) = mpsc::channel::<Job>(WAITING_MAX);
        thread::Builder::new()
            .name("voice".to_owned())
            .spawn(move || {
                while let Some(job) = queue.blocking_recv() {
                    // A speech that was stopped meanwhile wants no sound any more.
                    if !job.answer.is_closed() {
                        let sound = piper.run(&job.ids, job.inference);
                        // Refused only when the caller has gone meanwhile.
                        let _ = job.answer.send(sound.map_err(VoiceError::Model));
                    }
                }
            })
            .map_err(|error| VoiceError::Start(format!("no thread for the voice: {error}")))?;
        Ok(Self { jobs })
    }

    /// Dropping the future takes the clause off the queue.
    pub(super) async fn run(&self, ids: Vec<i32>, inference: Inference) -> Sound {
        let (answer, sound) = oneshot::channel();
        let gone = |_| VoiceError::Model("its thread ended".to_owned());
        let sent = self.jobs.send(Job { ids, inference, answer }).await;
        sent.map_err(|_| VoiceError::Model("its thread ended".to_owned()))?;
        sound.await.map_err(gone)?
    }
}

struct Piper {
    network: Network,
    ids: NodeId,
    lengths: NodeId,
    scales: NodeId,
    /// Present when the model has several speakers; the first one speaks.
    speaker: Option<NodeId>,
    sound: NodeId,
    /// Where the network has the lengths of its phonemes.
    lengths_out: Option<NodeId>,
}

impl Piper {
    fn load(path: &Path, threads: usize, speakers: u32) -> Result<Self, VoiceError> {
        Self::open(path, threads, speakers).map_err(|cause| {
            VoiceError::Start(format!(
                "{} is not a Piper voice: {cause}; `troupe models pull` brings one",
                path.display(),
            ))
        })
    }

    fn open(path: &Path, threads: usize, speakers: u32) -> Result<Self, String> {
        let network = Network::open(path, threads)?;
        let node = |name: &str| network.node(name);
        let (ids, lengths, scales) = (node("input")?, node("input_lengths")?, node("scales")?);
        let speaker = if speakers > 1 { Some(node("sid")?) } else { None };
        let sound = network.output()?;
        let lengths_out = node(LENGTHS).ok();
        if lengths_out.is_none() {
            tracing::info!(
                "this voice does not tell its phonemes' lengths; mouths follow its level"
            );
        }
        Ok(Self { network, ids, lengths, scales, speaker, sound, lengths_out })
    }

    fn run(&self, ids: &[i32], inference: Inference) -> Result<Spoken, String> {
        let length = i32::try_from(ids.len()).map_err(|error| error.to_string())?;
        let scales = [inference.noise_scale, inference.length_scale, inference.noise_w];
        let mut inputs = vec![
            (self.ids, NdTensor::from_data([1, ids.len()], ids.to_vec()).into()),
            (self.lengths, NdTensor::from([length]).into()),
            (self.scales, NdTensor::from(scales).into()),
        ];
        if let Some(speaker) = self.speaker {
            inputs.push((speaker, NdTensor::from([0_i32]).into()));
        }
        let wanted: Vec<NodeId> = [self.sound].into_iter().chain(self.lengths_out).collect();
        let mut outputs = self.network.run(inputs, &wanted)?;
        let Some(Value::FloatTensor(sound)) = outputs.next() else {
            return Err("the model gave no sound".to_owned());
        };
        let samples = sound.to_vec();
        let lengths = match outputs.next() {
            Some(Value::FloatTensor(frames)) => lengths(&frames.to_vec(), samples.len()),
            _ => Vec::new(),
        };
        Ok(Spoken { samples, lengths })
    }
}

/// Frames in samples. Nothing when they do not fill the sound exactly: then they are something
/// else.
fn lengths(frames: &[f32], samples: usize) -> Vec<usize> {
    let frames: Vec<usize> = frames.iter().map(|frames| *frames as usize).collect();
    let all: usize = frames.iter().sum();
    if all == 0 || !samples.is_multiple_of(all) {
        return Vec::new();
    }
    let frame = samples / all;
    frames.into_iter().map(|frames| frames * frame).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_that_fill_the_sound() {
        assert_eq!(lengths(&[1.0, 0.0, 3.0], 1_024), [256, 0, 768]);
        assert!(lengths(&[1.0, 2.0], 1_024).is_empty());
        assert!(lengths(&[0.0], 1_024).is_empty());
        assert!(lengths(&[], 0).is_empty());
    }
}
