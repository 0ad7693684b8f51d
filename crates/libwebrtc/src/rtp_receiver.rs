//! Receivers: the incoming half of a transceiver.

use std::{
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;

use crate::{
    MediaType, RtcError,
    audio::receive::AudioReceive,
    audio_track::RtcAudioTrack,
    media_stream::MediaStream,
    media_stream_track::{MediaStreamTrack, RtcTrackState},
    peer_connection::shared::Shared,
    rtp_parameters::RtpParameters,
    stats::RtcStats,
    video::receive::VideoReceive,
    video_track::RtcVideoTrack,
};

/// The incoming half of a transceiver.
#[derive(Clone)]
pub struct RtpReceiver {
    inner: Arc<Inner>,
}

struct Inner {
    peer: Weak<Shared>,
    kind: MediaType,
    silenced: AtomicBool,
    remote: Mutex<Remote>,
}

/// What the other side sends on this m-line now.
#[derive(Default)]
struct Remote {
    track: Option<MediaStreamTrack>,
    /// Stream and track id as announced.
    msid: Option<(String, String)>,
    streams: Vec<MediaStream>,
}

impl RtpReceiver {
    pub(crate) fn new(peer: Weak<Shared>, kind: MediaType) -> Self {
        let inner =
            Inner { peer, kind, silenced: AtomicBool::new(false), remote: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// The track received last; `None` until the other side sent one.
    pub fn track(&self) -> Option<MediaStreamTrack> {
        self.inner.remote.lock().track.clone()
    }

    pub fn stream_ids(&self) -> Vec<String> {
        self.inner.remote.lock().streams.iter().map(MediaStream::id).collect()
    }

    /// The streams that the current track belongs to; none while the other side does not send.
    pub fn streams(&self) -> Vec<MediaStream> {
        self.inner.remote.lock().streams.clone()
    }

    /// Reports about this receiver.
    ///
    /// # Errors
    /// When the peer connection is gone.
    pub async fn get_stats(&self) -> Result<Vec<RtcStats>, RtcError> {
        let peer = self.inner.peer.upgrade().ok_or_else(Shared::gone)?;
        let Some(track) = self.track() else {
            return Ok(Vec::new());
        };
        Ok(peer.stats_of(&track.id()))
    }

    pub fn parameters(&self) -> RtpParameters {
        RtpParameters::default()
    }

    pub(crate) fn set_silenced(&self, silenced: bool) {
        self.inner.silenced.store(silenced, Ordering::Relaxed);
    }

    /// Where packets of this m-line go, if anywhere.
    pub(crate) fn audio(&self) -> Option<Arc<AudioReceive>> {
        if self.inner.silenced.load(Ordering::Relaxed) {
            return None;
        }
        match &self.inner.remote.lock().track {
            Some(MediaStreamTrack::Audio(track)) => track.receive().cloned(),
            _ => None,
        }
    }

    /// As [`Self::audio`], for video.
    pub(crate) fn video(&self) -> Option<Arc<VideoReceive>> {
        if self.inner.silenced.load(Ordering::Relaxed) {
            return None;
        }
        match &self.inner.remote.lock().track {
            Some(MediaStreamTrack::Video(track)) => track.receive().cloned(),
            _ => None,
        }
    }

    /// The other side sends `msid` on this m-line. Returns the new track and its streams unless
    /// that is what it sent already. A track of before ends: whoever listens to it must not hear
    /// the next one that uses the m-line.
    pub(crate) fn begin_track(
        &self,
        msid: (String, String),
    ) -> Option<(MediaStreamTrack, Vec<MediaStream>)> {
        let mut remote = self.inner.remote.lock();
        let live = remote.track.as_ref().is_some_and(|track| track.state() == RtcTrackState::Live);
        if live && remote.msid.as_ref() == Some(&msid) {
            return None;
        }
        if let Some(track) = remote.track.take() {
            track.end();
        }
        let (stream_id, track_id) = &msid;
        let track: MediaStreamTrack = match self.inner.kind {
            MediaType::Video => {
                let receive = VideoReceive::new(self.inner.peer.clone());
                RtcVideoTrack::remote(track_id, receive).into()
            }
            _ => RtcAudioTrack::remote(track_id, AudioReceive::new()).into(),
        };
        // "-" says: a track that belongs to no stream (RFC 8830).
        remote.streams = match stream_id.as_str() {
            "" | "-" => Vec::new(),
            id => vec![MediaStream::new(id, track.clone())],
        };
        remote.track = Some(track.clone());
        remote.msid = Some(msid);
        Some((track, remote.streams.clone()))
    }

    /// The other side sends nothing on this m-line any more.
    pub(crate) fn end_track(&self) {
        let mut remote = self.inner.remote.lock();
        remote.streams.clear();
        remote.msid = None;
        if let Some(track) = &remote.track {
            track.end();
        }
    }
}

impl fmt::Debug for RtpReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtpReceiver").field("track", &self.track()).finish()
    }
}
