//! One monotonic clock for everything that is measured.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use tokio::time::Instant;

/// A moment: microseconds since the host started.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize)]
#[serde(transparent)]
pub struct Time(u64);

impl Time {
    pub const ZERO: Self = Self(0);

    pub const fn from_us(us: u64) -> Self {
        Self(us)
    }

    pub const fn from_ms(ms: u64) -> Self {
        Self(ms * 1_000)
    }

    pub const fn as_us(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to here; zero when `earlier` is in fact later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(micros(by)))
    }
}

/// Stops at the host's start.
impl Sub<Duration> for Time {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(micros(by)))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(self.0)
    }
}

/// A duration in whole microseconds.
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Where `now` comes from. It follows tokio's clock, so a paused runtime gives virtual time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: Instant,
    /// What it showed then.
    began: Time,
}

impl Clock {
    /// A clock whose zero is this moment.
    pub fn start() -> Self {
        Self::start_at(Time::ZERO)
    }

    /// A clock that shows `began` at this moment: for a run that goes on from an earlier one.
    pub fn start_at(began: Time) -> Self {
        Self { epoch: Instant::now(), began }
    }

    pub fn now(&self) -> Time {
        self.began + self.epoch.elapsed()
    }

    /// The moment as tokio's timers want it.
    pub fn instant(&self, at: Time) -> Instant {
        self.epoch + at.since(self.began)
    }
}
