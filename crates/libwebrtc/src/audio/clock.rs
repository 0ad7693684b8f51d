//! The 10 ms clock that every audio source and every audio stream runs on.
//!
//! One task of the process-wide runtime ticks all of them, so that an idle process wakes once in
//! 10 ms and not once per stream. It sleeps while there is nothing to tick.

use std::{
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use crate::runtime;

/// What a tick is worth.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// A process that was held up longer than this has lost the time; no use in catching up.
const CATCH_UP_TICKS_MAX: u32 = 50;

/// Something that moves on by [`TICK`] at a time.
pub(crate) trait Ticker: Send + Sync {
    fn tick(&self, now: std::time::Instant);
}

struct Clock {
    tickers: Mutex<Vec<Weak<dyn Ticker>>>,
    added: Notify,
}

/// Ticks this until it is dropped.
pub(crate) fn register(ticker: Weak<dyn Ticker>) {
    static CLOCK: OnceLock<Arc<Clock>> = OnceLock::new();
    let clock = CLOCK.get_or_init(|| {
        let clock = Arc::new(Clock { tickers: Mutex::new(Vec::new()), added: Notify::new() });
        runtime::spawn(run(Arc::clone(&clock)));
        clock
    });
    clock.tickers.lock().push(ticker);
    clock.added.notify_one();
}

async fn run(clock: Arc<Clock>) {
    loop {
        clock.added.notified().await;
        let mut next = Instant::now();
        while tick_all(&clock) {
            next += TICK;
            let now = Instant::now();
            if now > next + TICK * CATCH_UP_TICKS_MAX {
                log::warn!("the audio clock was held up for {:?}, going on from now", now - next);
                next = now;
            }
            tokio::time::sleep_until(next).await;
        }
    }
}

/// Returns whether there was anything to tick.
fn tick_all(clock: &Clock) -> bool {
    let mut tickers = Vec::new();
    clock.tickers.lock().retain(|weak| match weak.upgrade() {
        Some(ticker) => {
            tickers.push(ticker);
            true
        }
        None => false,
    });
    let now = std::time::Instant::now();
    for ticker in &tickers {
        ticker.tick(now);
    }
    !tickers.is_empty()
}
