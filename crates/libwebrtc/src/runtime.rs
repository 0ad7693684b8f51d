//! The process-wide runtime that drives every peer connection and every audio clock.
//!
//! It is one of its own, not the application's: media must not wait for an application that blocks
//! its workers, and a peer connection may be made outside of any runtime.

use std::{future::Future, num::NonZero, sync::OnceLock};

use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};

/// Enough for one task to encode while another receives; more would only cost memory.
const WORKER_THREADS: usize = 2;

/// More threads than cores would only take turns.
const COMPUTE_THREADS_MAX: usize = 4;

/// Runs a task until it ends.
///
/// # Panics
/// When the operating system refuses to start a thread, at the first call.
pub(crate) fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    runtime().spawn(task)
}

/// Runs work that would hold up the others: encoding and decoding video. At most
/// [`COMPUTE_THREADS_MAX`] run at once, the others wait for their turn; each caller has one piece
/// of work under way at a time, so the line is as long as there are tracks.
pub(crate) fn compute(work: impl FnOnce() + Send + 'static) {
    drop(runtime().spawn_blocking(work));
}

/// Makes tokio sockets and timers belong to this runtime while the guard lives.
pub(crate) fn enter() -> tokio::runtime::EnterGuard<'static> {
    runtime().enter()
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Builder::new_multi_thread()
            .worker_threads(WORKER_THREADS)
            .max_blocking_threads(cores.min(COMPUTE_THREADS_MAX))
            .thread_name("libwebrtc")
            .enable_all()
            .build()
            .expect("a process that cannot start two threads cannot do WebRTC")
    })
}
