//! From RTP packets to the streams of a remote track.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use parking_lot::Mutex;

pub(crate) use super::jitter::Packet;
use super::{
    RTP_CLOCK_HZ,
    clock::{self, Ticker},
    jitter::{JitterBuffer, Statistics},
    sink::Sink,
};
use crate::sinks::Sinks;

/// The audio of one remote track. Packets go in as they come; 10 ms go out with every tick of the
/// clock while anybody listens.
pub(crate) struct AudioReceive {
    buffer: Mutex<JitterBuffer>,
    sinks: Sinks<dyn Sink>,
    enabled: AtomicBool,
    ended: AtomicBool,
}

impl AudioReceive {
    pub(crate) fn new() -> Arc<Self> {
        let receive = Arc::new(Self {
            buffer: Mutex::new(JitterBuffer::new()),
            sinks: Sinks::default(),
            enabled: AtomicBool::new(true),
            ended: AtomicBool::new(false),
        });
        let ticker: Weak<Self> = Arc::downgrade(&receive);
        clock::register(ticker);
        receive
    }

    pub(crate) fn push(&self, packet: Packet) {
        let mut buffer = self.buffer.lock();
        if self.sinks.is_empty() {
            // Nobody listens: count, and keep nothing that would be old when somebody does.
            buffer.skip(&packet);
        } else {
            buffer.push(packet);
        }
    }

    pub(crate) fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Relaxed);
    }

    pub(crate) fn add_sink(&self, sink: &Arc<dyn Sink>) {
        if self.ended.load(Ordering::Acquire) {
            return sink.on_end();
        }
        if sink.wants_stereo() {
            self.buffer.lock().set_stereo();
        }
        self.sinks.add(Arc::downgrade(sink));
    }

    pub(crate) fn remove_sink(&self, sink: &Arc<dyn Sink>) {
        self.sinks.remove(&Arc::downgrade(sink));
    }

    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.sinks.for_each(|sink| sink.on_end());
    }

    pub(crate) fn statistics(&self) -> Statistics {
        self.buffer.lock().statistics()
    }
}

impl Ticker for AudioReceive {
    fn tick(&self, now: Instant) {
        if self.sinks.is_empty() || self.ended.load(Ordering::Acquire) {
            return;
        }
        let mut buffer = self.buffer.lock();
        let (samples, channels) = buffer.pull(now);
        if !self.enabled.load(Ordering::Relaxed) {
            samples.fill(0);
        }
        self.sinks.for_each(|sink| sink.on_audio(samples, RTP_CLOCK_HZ, channels));
    }
}
