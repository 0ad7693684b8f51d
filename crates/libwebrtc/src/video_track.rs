//! Video tracks, local and remote.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

use crate::{
    media_stream_track::RtcTrackState,
    native::packet_trailer::PacketTrailerHandler,
    video::{receive::VideoReceive, sink::VideoSink},
    video_source::native::NativeVideoSource,
};

/// A local or remote video track.
#[derive(Clone)]
pub struct RtcVideoTrack {
    inner: Arc<Inner>,
}

struct Inner {
    id: String,
    origin: Origin,
    enabled: AtomicBool,
    ended: AtomicBool,
    packet_trailer: Mutex<Option<PacketTrailerHandler>>,
}

enum Origin {
    Source(NativeVideoSource),
    Remote(Arc<VideoReceive>),
}

impl RtcVideoTrack {
    pub(crate) fn local(id: &str, source: NativeVideoSource) -> Self {
        Self::new(id, Origin::Source(source))
    }

    pub(crate) fn remote(id: &str, receive: Arc<VideoReceive>) -> Self {
        Self::new(id, Origin::Remote(receive))
    }

    fn new(id: &str, origin: Origin) -> Self {
        let inner = Inner {
            id: id.to_owned(),
            origin,
            enabled: AtomicBool::new(true),
            ended: AtomicBool::new(false),
            packet_trailer: Mutex::new(None),
        };
        Self { inner: Arc::new(inner) }
    }

    pub fn id(&self) -> String {
        self.inner.id.clone()
    }

    /// Whether the track carries its pictures; one that is not enabled carries none.
    pub fn enabled(&self) -> bool {
        self.inner.enabled.load(Ordering::Relaxed)
    }

    /// Returns whether this changed anything.
    pub fn set_enabled(&self, enabled: bool) -> bool {
        if let Origin::Remote(receive) = &self.inner.origin {
            receive.set_enabled(enabled);
        }
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
        if let Origin::Remote(receive) = &self.inner.origin {
            receive.end();
        }
    }

    pub(crate) fn receive(&self) -> Option<&Arc<VideoReceive>> {
        match &self.inner.origin {
            Origin::Remote(receive) => Some(receive),
            Origin::Source(_) => None,
        }
    }

    /// The size that the application named for a local track.
    pub(crate) fn resolution(&self) -> Option<(u32, u32)> {
        match &self.inner.origin {
            Origin::Source(source) => {
                let resolution = source.video_resolution();
                Some((resolution.width, resolution.height))
            }
            Origin::Remote(_) => None,
        }
    }

    pub(crate) fn add_sink(&self, sink: &Arc<dyn VideoSink>) {
        match &self.inner.origin {
            Origin::Source(source) => source.sinks().add(Arc::downgrade(sink)),
            Origin::Remote(receive) => receive.add_sink(sink),
        }
    }

    pub(crate) fn remove_sink(&self, sink: &Arc<dyn VideoSink>) {
        match &self.inner.origin {
            Origin::Source(source) => source.sinks().remove(&Arc::downgrade(sink)),
            Origin::Remote(receive) => receive.remove_sink(sink),
        }
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
        let local = matches!(self.inner.origin, Origin::Source(_));
        f.debug_struct("RtcVideoTrack")
            .field("id", &self.inner.id)
            .field("local", &local)
            .field("enabled", &self.enabled())
            .field("state", &self.state())
            .finish()
    }
}
