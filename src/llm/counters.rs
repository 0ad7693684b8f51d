//! What engines count from several threads, and the gate that bounds their open requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{EngineError, EngineStats};

/// Since the start; `waiting` is how many requests are open now.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) requests: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) cancelled: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) prompt_tokens: AtomicU64,
    pub(super) cached_tokens: AtomicU64,
    pub(super) completion_tokens: AtomicU64,
    pub(super) waiting: AtomicU64,
}

/// One open request; it is closed by being dropped.
#[derive(Debug)]
pub(super) struct Pass(Arc<Counters>);

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) fn add(counter: &AtomicU64, by: u32) {
    counter.fetch_add(u64::from(by), Ordering::Relaxed);
}

impl Counters {
    /// Counts one more open request.
    ///
    /// # Errors
    /// [`EngineError::Overloaded`] when so many are open.
    pub(super) fn enter(self: &Arc<Self>, waiting_max: u64) -> Result<Pass, EngineError> {
        let waiting = self.waiting.fetch_add(1, Ordering::Relaxed);
        let pass = Pass(Arc::clone(self));
        if waiting < waiting_max {
            return Ok(pass);
        }
        add(&self.refused, 1);
        Err(EngineError::Overloaded { waiting: waiting as usize })
    }

    /// As they stand now, of an engine that refuses beyond `waiting_max` open requests.
    pub(super) fn stats(&self, waiting_max: u64) -> EngineStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EngineStats {
            requests: read(&self.requests),
            refused: read(&self.refused),
            cancelled: read(&self.cancelled),
            failed: read(&self.failed),
            prompt_tokens: read(&self.prompt_tokens),
            cached_tokens: read(&self.cached_tokens),
            completion_tokens: read(&self.completion_tokens),
            waiting: read(&self.waiting),
            waiting_max,
            ..EngineStats::default()
        }
    }
}
