//! The Piper network, on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rten::{Model, NodeId, RunOptions, ThreadPool, Value};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use tokio::sync::{mpsc, oneshot};

use super::config::Inference;
use crate::tts::VoiceError;

/// Clauses that wait for the model. A further caller waits for a place, so nothing is dropped.
const WAITING_MAX: usize = 4;

/// The samples of one clause in -1..1, or what went wrong.
pub(super) type Sound = Result<Vec<f32>, VoiceError>;

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
        let network = Network::load(path, threads, speakers)?;
        let (jobs, mut queue) = mpsc::channel::<Job>(WAITING_MAX);
        thread::Builder::new()
            .name("voice".to_owned())
            .spawn(move || {
                while let Some(job) = queue.blocking_recv() {
                    // A speech that was stopped meanwhile wants no sound any more.
                    if !job.answer.is_closed() {
                        let sound = network.run_guarded(&job);
                        // Refused only when the caller has gone meanwhile.
                        let _ = job.answer.send(sound);
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

struct Network {
    model: Model,
    options: RunOptions,
    ids: NodeId,
    lengths: NodeId,
    scales: NodeId,
    /// Present when the model has several speakers; the first one speaks.
    speaker: Option<NodeId>,
    sound: NodeId,
}

impl Network {
    fn load(path: &Path, threads: usize, speakers: u32) -> Result<Self, VoiceError> {
        let wrong = |cause: String| {
            VoiceError::Start(format!(
                "{} is not a Piper voice: {cause}; `troupe models pull` brings one",
                path.display(),
            ))
        };
        let model = catch_unwind(|| Model::load_file(path))
            .map_err(|_| wrong("the file is damaged".to_owned()))?
            .map_err(|error| wrong(error.to_string()))?;
        let node = |name: &str| model.node_id(name).map_err(|_| wrong(format!("no input {name}")));
        let (ids, lengths, scales) = (node("input")?, node("input_lengths")?, node("scales")?);
        let speaker = if speakers > 1 { Some(node("sid")?) } else { None };
        let sound = *model.output_ids().first().ok_or_else(|| wrong("no output".to_owned()))?;
        let pool = Arc::new(ThreadPool::with_num_threads(threads.max(1)));
        let options = RunOptions::default().with_thread_pool(Some(pool));
        Ok(Self { model, options, ids, lengths, scales, speaker, sound })
    }

    /// A defect of the network's runtime costs one clause, not the voice.
    fn run_guarded(&self, job: &Job) -> Sound {
        let run = catch_unwind(AssertUnwindSafe(|| self.run(&job.ids, job.inference)));
        run.unwrap_or_else(|_| Err("the model's runtime panicked".to_owned()))
            .map_err(VoiceError::Model)
    }

    fn run(&self, ids: &[i32], inference: Inference) -> Result<Vec<f32>, String> {
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
        let outputs = self.model.run(inputs, &[self.sound], Some(self.options.clone()));
        let outputs = outputs.map_err(|error| error.to_string())?;
        match outputs.into_iter().next() {
            Some(Value::FloatTensor(sound)) => Ok(sound.to_vec()),
            _ => Err("the model gave no sound".to_owned()),
        }
    }
}
