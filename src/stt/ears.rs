//! The recogniser in its own process: `troupe-ears`, kept alive.
//!
//! whisper.cpp and llama.cpp cannot share a binary, and a crash of the one must not be the other's.
//! [`Ears`] is what the host holds; [`Keeper`] is the task that owns the process, starts it again
//! when it dies, and kills it when it takes too long.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot, watch};

use super::{Recogniser, RecogniserError, Recognition};
use crate::audio::Clip;

mod keeper;
mod log;
mod process;

pub use keeper::Keeper;

/// Which process, and how long it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The binary `troupe-ears`.
    pub program: PathBuf,
    /// A whisper.cpp model.
    pub model: PathBuf,
    /// ISO 639-1, as Whisper names it.
    pub language: String,
    pub threads: usize,
    /// Loading and warming the model may take so long, also from a cold disk.
    pub ready_within: Duration,
    /// A clip may take so long, and as long again as `per_second_within` for each second of it.
    pub clip_within: Duration,
    pub per_second_within: Duration,
    /// The first pause before the process is started again; it doubles up to the second.
    pub pause_min: Duration,
    pub pause_max: Duration,
}

impl Options {
    /// The usual values, for this model.
    pub fn new(model: PathBuf) -> Self {
        Self {
            program: beside_this_binary(),
            model,
            language: "en".to_owned(),
            // Whisper's threads spin while they wait: two on two cores stall for seconds when
            // anything else runs, one costs 200 ms.
            threads: 1,
            ready_within: Duration::from_secs(60),
            clip_within: Duration::from_secs(5),
            // Ten times what the slowest supported machine needs.
            per_second_within: Duration::from_secs(2),
            pause_min: Duration::from_millis(100),
            pause_max: Duration::from_secs(10),
        }
    }

    fn limit(&self, clip: &Clip) -> Duration {
        self.clip_within + self.per_second_within.mul_f32(clip.duration().as_secs_f32())
    }
}

/// `troupe-ears` in this binary's folder, where the build puts both.
fn beside_this_binary() -> PathBuf {
    let here = std::env::current_exe().unwrap_or_default();
    here.parent().unwrap_or(Path::new("")).join("troupe-ears")
}

/// How the process is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub state: EarsState,
    /// How often it was started again.
    pub restarts: u64,
    pub pid: Option<u32>,
}

impl Status {
    /// That of a recogniser without a process, which is always there.
    pub fn ready() -> Self {
        Self { state: EarsState::Ready, ..Self::default() }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EarsState {
    /// The model is being loaded.
    #[default]
    Starting,
    Ready,
    Down {
        cause: String,
        retry_in: Duration,
    },
}

/// A clip and where its text goes.
struct Job {
    clip: Clip,
    reply: oneshot::Sender<Result<Recognition, RecogniserError>>,
}

/// Clips on their way to the process; whoever asks waits, so it needs no more.
const JOBS_CAPACITY: usize = 4;

/// The process, as the host sees it.
#[derive(Clone, Debug)]
pub struct Ears {
    jobs: mpsc::Sender<Job>,
    status: watch::Receiver<Status>,
    options: Options,
}

impl Ears {
    /// The recogniser, and the task that has to run for it.
    pub fn new(options: Options) -> (Self, Keeper) {
        let (sender, jobs) = mpsc::channel(JOBS_CAPACITY);
        let (status, seen) = watch::channel(Status::default());
        let keeper = Keeper::new(options.clone(), jobs, status);
        (Self { jobs: sender, status: seen, options }, keeper)
    }

    /// The status, now and whenever it changes.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }
}

#[async_trait]
impl Recogniser for Ears {
    /// Waits for the process to be ready, for as long as it may take to load its model.
    async fn recognise(&self, clip: &Clip) -> Result<Recognition, RecogniserError> {
        let (reply, answer) = oneshot::channel();
        let stopped = || RecogniserError::Died("the host is closing its ears".to_owned());
        let asked = async {
            let job = Job { clip: clip.clone(), reply };
            self.jobs.send(job).await.map_err(|_| stopped())?;
            answer.await.map_err(|_| stopped())?
        };
        let limit = self.options.ready_within + self.options.limit(clip);
        match tokio::time::timeout(limit, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(RecogniserError::Died(format!("no answer within {limit:?}"))),
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
