//! Metadata behind encoded video frames. The types exist; nothing travels yet.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    peer_connection_factory::PeerConnectionFactory, rtp_receiver::RtpReceiver,
    rtp_sender::RtpSender,
};

/// How far a frame to be sent has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishTimingStage {
    EncoderUpload,
    EncoderOutput,
    WebrtcPacketize,
}

/// How far a received frame has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscribeTimingStage {
    WebrtcReceive,
    DecoderUpload,
    DecoderOutput,
}

/// A frame to be sent reached a stage. Times in µs since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishTimingEvent {
    pub stage: PublishTimingStage,
    pub timestamp_us: u64,
    pub capture_timestamp_us: u64,
    pub frame_id: Option<u32>,
}

/// A received frame reached a stage. Times in µs since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscribeTimingEvent {
    pub stage: SubscribeTimingStage,
    pub timestamp_us: u64,
    pub capture_timestamp_us: u64,
    pub frame_id: Option<u32>,
}

pub type PublishTimingObserver = Arc<dyn Fn(PublishTimingEvent) + Send + Sync + 'static>;
pub type SubscribeTimingObserver = Arc<dyn Fn(SubscribeTimingEvent) + Send + Sync + 'static>;

/// Would add metadata to sent frames and take it off received ones.
#[derive(Clone, Default)]
pub struct PacketTrailerHandler {
    enabled: Arc<AtomicBool>,
}

impl PacketTrailerHandler {
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::Relaxed);
    }

    pub fn enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    /// Always `None`: no metadata arrives.
    pub fn lookup_frame_metadata(&self, _rtp_timestamp: u32) -> Option<(u64, u32, Vec<u8>)> {
        None
    }

    /// Without effect: no metadata leaves.
    pub fn store_frame_metadata(&self, _: i64, _: u64, _: u32, _: &[u8]) {}

    /// Without effect: no events happen.
    pub fn set_publish_timing_observer(&self, _: Option<PublishTimingObserver>) {}

    /// Without effect: no events happen.
    pub fn set_subscribe_timing_observer(&self, _: Option<SubscribeTimingObserver>) {}
}

/// A handler for frames to be sent.
pub fn create_sender_handler(_: &PeerConnectionFactory, _: &RtpSender) -> PacketTrailerHandler {
    PacketTrailerHandler::default()
}

/// A handler for received frames.
pub fn create_receiver_handler(_: &PeerConnectionFactory, _: &RtpReceiver) -> PacketTrailerHandler {
    PacketTrailerHandler::default()
}
