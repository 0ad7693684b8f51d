//! Keeps one `troupe-ears` alive and serves clips to it.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::process::Process;
use super::{EarsState, Job, Options, Status};
use crate::stt::RecogniserError;

/// A process that lived so long was healthy: the next pause is the shortest again.
const HEALTHY_AFTER: Duration = Duration::from_secs(30);

/// Run it as a task.
pub struct Keeper {
    options: Options,
    jobs: mpsc::Receiver<Job>,
    status: watch::Sender<Status>,
    pause: Duration,
}

/// Why serving ended.
enum End {
    /// Cancelled, or nobody asks any more.
    Closed,
    Died(String),
}

impl Keeper {
    pub(super) fn new(
        options: Options,
        jobs: mpsc::Receiver<Job>,
        status: watch::Sender<Status>,
    ) -> Self {
        Self { pause: options.pause_min, options, jobs, status }
    }

    /// Ends when cancelled or when every [`super::Ears`] is gone; the process ends with it.
    pub async fn run(mut self, cancel: CancellationToken) {
        loop {
            self.tell(EarsState::Starting, None);
            let begun = Instant::now();
            let started = tokio::select! {
                () = cancel.cancelled() => return,
                started = Process::start(&self.options) => started,
            };
            let end = match started {
                Ok(process) => self.serve(process, &cancel).await,
                Err(cause) => End::Died(cause),
            };
            let End::Died(cause) = end else { return };
            if begun.elapsed() > HEALTHY_AFTER {
                self.pause = self.options.pause_min;
            }
            if self.rest(cause, &cancel).await.is_none() {
                return;
            }
        }
    }

    /// Waits before the next start; `None` when cancelled.
    async fn rest(&mut self, cause: String, cancel: &CancellationToken) -> Option<()> {
        let retry_in = self.pause;
        tracing::warn!(cause, ?retry_in, "the ears are down");
        self.tell(EarsState::Down { cause, retry_in }, None);
        self.pause = (self.pause * 2).min(self.options.pause_max);
        cancel.run_until_cancelled(sleep(retry_in)).await?;
        self.status.send_modify(|status| status.restarts += 1);
        Some(())
    }

    async fn serve(&mut self, mut process: Process, cancel: &CancellationToken) -> End {
        self.tell(EarsState::Ready, process.pid());
        loop {
            let job = tokio::select! {
                () = cancel.cancelled() => None,
                cause = process.death() => return End::Died(cause),
                job = self.jobs.recv() => job,
            };
            let Some(job) = job else {
                process.close().await;
                return End::Closed;
            };
            if let Err(cause) = self.answer(job, &mut process, cancel).await {
                process.kill().await;
                return End::Died(cause);
            }
        }
    }

    /// Answers one clip; an error means that the process has to go.
    async fn answer(
        &self,
        Job { clip, mut reply }: Job,
        process: &mut Process,
        cancel: &CancellationToken,
    ) -> Result<(), String> {
        if reply.is_closed() {
            return Ok(());
        }
        let limit = self.options.limit(&clip);
        let answer = tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            // Its answer would be taken for the next clip's.
            () = reply.closed() => return Err("a clip in hand was given up".to_owned()),
            answer = timeout(limit, process.transcribe(&clip)) => answer,
        };
        let answer = answer.unwrap_or_else(|_| {
            Err(RecogniserError::Died(format!("a clip took longer than {limit:?}")))
        });
        let died = match &answer {
            Err(RecogniserError::Died(cause)) => Err(cause.clone()),
            _ => Ok(()),
        };
        // Nobody may wait any more; then the answer is nobody's.
        let _ = reply.send(answer);
        died
    }

    fn tell(&self, state: EarsState, pid: Option<u32>) {
        self.status.send_modify(|status| {
            status.state = state;
            status.pid = pid;
        });
    }
}
