//! Audio between the application and RTP: sources and streams on one 10 ms clock, Opus, the jitter
//! buffer. Everything but [`clock`] is free of sockets, timers and threads.

pub(crate) mod clock;
pub(crate) mod jitter;
pub(crate) mod opus;
pub(crate) mod receive;
pub(crate) mod resample;
pub(crate) mod send;
pub(crate) mod sink;

/// The clock of Opus in RTP, whatever rate it is coded at.
pub(crate) const RTP_CLOCK_HZ: u32 = 48_000;

/// RTP clock units of one tick of the audio clock.
pub(crate) const TICK_SAMPLES: usize = RTP_CLOCK_HZ as usize / 100;
