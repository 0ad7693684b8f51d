//! Audio tracks, local and remote.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    audio::{receive::AudioReceive, sink::Sink},
    audio_source::native::NativeAudioSource,
    media_stream_track::RtcTrackState,
};

/// A local or remote audio track.
#[derive(Clone)]
pub struct RtcAudioTrack {
    inner: Arc<Inner>,
}

struct Inner {
    id: String,
    origin: Origin,
    enabled: AtomicBool,
    ended: AtomicBool,
}

enum Origin {
    Source(NativeAudioSource),
    /// There are no audio devices here: a track that stays silent.
    Device,
    Remote(Arc<AudioReceive>),
}

impl RtcAudioTrack {
    pub(crate) fn local(id: &str, source: NativeAudioSource) -> Self {
        Self::new(id, Origin::Source(source))
    }

    pub(crate) fn device(id: &str) -> Self {
        Self::new(id, Origin::Device)
    }

    pub(crate) fn remote(id: &str, receive: Arc<AudioReceive>) -> Self {
        Self::new(id, Origin::Remote(receive))
    }

    fn new(id: &str, origin: Origin) -> Self {
        let inner = Inner {
            id: id.to_owned(),
            origin,
            enabled: AtomicBool::new(true),
            ended: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    pub fn id(&self) -> String {
        self.inner.id.clone()
    }

    /// Whether the track carries its audio; a track that is not enabled is silent.
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

    pub(crate) fn receive(&self) -> Option<&Arc<AudioReceive>> {
        match &self.inner.origin {
            Origin::Remote(receive) => Some(receive),
            Origin::Source(_) | Origin::Device => None,
        }
    }

    pub(crate) fn add_sink(&self, sink: &Arc<dyn Sink>) {
        match &self.inner.origin {
            Origin::Source(source) => source.sinks().add(Arc::downgrade(sink)),
            Origin::Remote(receive) => receive.add_sink(sink),
            Origin::Device => {}
        }
    }

    pub(crate) fn remove_sink(&self, sink: &Arc<dyn Sink>) {
        match &self.inner.origin {
            Origin::Source(source) => source.sinks().remove(&Arc::downgrade(sink)),
            Origin::Remote(receive) => receive.remove_sink(sink),
            Origin::Device => {}
        }
    }
}

impl fmt::Debug for RtcAudioTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtcAudioTrack")
            .field("id", &self.inner.id)
            .field("enabled", &self.enabled())
            .field("state", &self.state())
            .finish()
    }
}
