//! Video tracks. They can be negotiated and named; no frames flow yet (see `README.md`).

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

use crate::{
    media_stream_track::RtcTrackState, native::packet_trailer::PacketTrailerHandler,
    video_source::native::NativeVideoSource,
};

/// A local or remote video track.
#[derive(Clone)]
pub struct RtcVideoTrack {
    inner: Arc<Inner>,
}

struct Inner {
    id: String,
    /// `None` for a remote track.
    source: Option<NativeVideoSource>,
    enabled: AtomicBool,
    ended: AtomicBool,
    packet_trailer: Mutex<Option<PacketTrailerHandler>>,
}

impl RtcVideoTrack {
    pub(crate) fn local(id: &str, source: NativeVideoSource) -> Self {
        Self::new(id, Some(source))
    }

    pub(crate) fn remote(id: &str) -> Self {
        Self::new(id, None)
    }

    fn new(id: &str, source: Option<NativeVideoSource>) -> Self {
        let inner = Inner {
            id: id.to_owned(),
            source,
            enabled: AtomicBool::new(true),
            ended: AtomicBool::new(false),
            packet_trailer: Mutex::new(None),
        };
        Self { inner: Arc::new(inner) }
    }

    pub fn id(&self) -> String {
        self.inner.id.clone()
    }

    pub fn enabled(&self) -> bool {
        self.inner.enabled.load(Ordering::Relaxed)
    }

    /// Returns whether this changed anything.
    pub fn set_enabled(&self, enabled: bool) -> bool {
        self.inner.enabled.swap(enabled, Ordering::Relaxed) != enabled
    }

    pub fn state(&self) -> RtcTrackState {
        match self.inner.ended.load(Ordering::Relaxed) {
            true => RtcTrackState::Ended,
            false => RtcTrackState::Live,
        }
    }

    pub(crate) fn end(&self) {
        self.inner.ended.store(true, Ordering::Relaxed);
    }

    pub fn set_packet_trailer_handler(&self, handler: PacketTrailerHandler) {
        *self.inner.packet_trailer.lock() = Some(handler);
    }

    pub fn packet_trailer_handler(&self) -> Option<PacketTrailerHandler> {
        self.inner.packet_trailer.lock().clone()
    }
}

impl fmt::Debug for RtcVideoTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtcVideoTrack")
            .field("id", &self.inner.id)
            .field("local", &self.inner.source.is_some())
            .field("enabled", &self.enabled())
            .field("state", &self.state())
            .finish()
    }
}
