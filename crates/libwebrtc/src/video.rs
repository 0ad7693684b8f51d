//! Video between the application and RTP: VP8 (RFC 6386) as RTP carries it (RFC 7741). Everything
//! but [`send`] and [`receive`] is free of sockets, timers and threads.

pub(crate) mod assemble;
pub(crate) mod layer;
pub(crate) mod packet;
pub(crate) mod picture;
pub(crate) mod rate;
pub(crate) mod receive;
pub(crate) mod send;
pub(crate) mod sink;
pub(crate) mod vpx;

/// The clock of every video codec in RTP.
pub(crate) const RTP_CLOCK_HZ: u32 = 90_000;
