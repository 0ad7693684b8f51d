//! How fast a live replay's clock goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// While work is in hand, the virtual clock goes as the wall clock does; else it jumps from timer
/// to timer. It is tokio's paused clock, let go and paused again, and belongs to the thread of the
/// runtime that was started with it paused.
#[derive(Clone, Debug, Default)]
pub(super) struct Gear(Arc<AtomicUsize>);

/// Work in hand, until it is dropped.
#[derive(Debug)]
pub(super) struct Work(Gear);

impl Gear {
    /// Takes work in hand; by a task of the paused runtime, which also drops it.
    ///
    /// # Panics
    /// Elsewhere.
    pub(super) fn engage(&self) -> Work {
        if self.0.fetch_add(1, Ordering::Relaxed) == 0 {
            tokio::time::resume();
        }
        Work(self.clone())
    }

    pub(super) fn is_engaged(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if self.0.0.fetch_sub(1, Ordering::Relaxed) == 1 {
            tokio::time::pause();
        }
    }
}
