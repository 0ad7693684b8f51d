//! Senders: the outgoing half of a transceiver.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;
use str0m::media::Mid;

use crate::{
    MediaType, RtcError,
    audio::send::AudioSend,
    media_stream_track::MediaStreamTrack,
    peer_connection::shared::Shared,
    rtp_parameters::{RtpEncodingParameters, RtpParameters},
    stats::RtcStats,
    video::send::VideoSend,
};

/// What should encode video.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum VideoEncoderBackend {
    #[default]
    Auto,
    Software,
    Hardware,
    Nvenc,
    Vaapi,
    VideoToolbox,
    PreEncoded,
}

impl VideoEncoderBackend {
    /// What can be asked for in this process: the default and software.
    pub fn list_available() -> impl IntoIterator<Item = VideoEncoderBackend> {
        [Self::Auto, Self::Software]
    }
}

/// The outgoing half of a transceiver.
#[derive(Clone)]
pub struct RtpSender {
    inner: Arc<Inner>,
}

struct Inner {
    peer: Weak<Shared>,
    kind: MediaType,
    audio: Arc<AudioSend>,
    video: Arc<VideoSend>,
    state: Mutex<State>,
}

struct State {
    track: Option<MediaStreamTrack>,
    parameters: RtpParameters,
}

impl RtpSender {
    pub(crate) fn new(
        peer: Weak<Shared>,
        kind: MediaType,
        encodings: Vec<RtpEncodingParameters>,
    ) -> Self {
        let audio = AudioSend::new(peer.clone());
        audio.set_bitrate_max(encodings.first().and_then(|encoding| encoding.max_bitrate));
        let video = VideoSend::new(peer.clone(), &encodings);
        let parameters = RtpParameters { encodings, ..Default::default() };
        let state = Mutex::new(State { track: None, parameters });
        Self { inner: Arc::new(Inner { peer, kind, audio, video, state }) }
    }

    pub fn track(&self) -> Option<MediaStreamTrack> {
        self.inner.state.lock().track.clone()
    }

    /// Reports about this sender.
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

    /// Sends another track, or nothing, without a new exchange of descriptions.
    ///
    /// # Errors
    /// When the track is of the other media type.
    pub fn set_track(&self, track: Option<MediaStreamTrack>) -> Result<(), RtcError> {
        if track.as_ref().is_some_and(|track| track.kind() != self.inner.kind) {
            return Err(RtcError::invalid_state("the track is of another kind than the sender"));
        }
        let (audio, video) = match &track {
            Some(MediaStreamTrack::Audio(audio)) => (Some(audio.clone()), None),
            Some(MediaStreamTrack::Video(video)) => (None, Some(video.clone())),
            None => (None, None),
        };
        self.inner.audio.set_track(audio);
        self.inner.video.set_track(video);
        self.inner.state.lock().track = track;
        Ok(())
    }

    pub fn parameters(&self) -> RtpParameters {
        self.inner.state.lock().parameters.clone()
    }

    /// Takes over at once which encodings are active and their limits; of an audio sender the
    /// first one's `max_bitrate` and `active`.
    ///
    /// # Errors
    /// When the number of encodings is not that of [`Self::parameters`].
    pub fn set_parameters(&self, parameters: RtpParameters) -> Result<(), RtcError> {
        let mut state = self.inner.state.lock();
        if parameters.encodings.len() != state.parameters.encodings.len() {
            return Err(RtcError::invalid_state("encodings cannot be added or removed"));
        }
        if let Some(encoding) = parameters.encodings.first() {
            self.inner.audio.set_bitrate_max(encoding.max_bitrate);
            self.inner.audio.set_active(encoding.active);
        }
        self.inner.video.set_encodings(&parameters.encodings);
        state.parameters = parameters;
        Ok(())
    }

    /// Without effect: there is one encoder, libvpx.
    pub fn set_video_encoder_backend(&self, _backend: VideoEncoderBackend) {}

    pub(crate) fn set_silenced(&self, silenced: bool) {
        self.inner.audio.set_silenced(silenced);
        self.inner.video.set_silenced(silenced);
    }

    pub(crate) fn set_media_id(&self, mid: Mid) {
        self.inner.audio.set_media_id(mid);
        self.inner.video.set_media_id(mid);
    }

    pub(crate) fn audio(&self) -> &Arc<AudioSend> {
        &self.inner.audio
    }

    pub(crate) fn video(&self) -> &Arc<VideoSend> {
        &self.inner.video
    }

    pub(crate) fn was_never_sent(&self) -> bool {
        self.inner.audio.was_never_sent() && self.inner.video.was_never_sent()
    }

    /// Nothing is sent any more; the track stays named.
    pub(crate) fn stop(&self) {
        self.inner.audio.stop();
        self.inner.video.stop();
    }

    /// Names of the layers, when there are several.
    pub(crate) fn layer_names(&self) -> Vec<String> {
        let encodings = &self.inner.state.lock().parameters.encodings;
        match self.inner.kind {
            MediaType::Video if encodings.len() > 1 => {
                encodings.iter().map(|encoding| encoding.rid.clone()).collect()
            }
            _ => Vec::new(),
        }
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl fmt::Debug for RtpSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtpSender").field("track", &self.track()).finish()
    }
}
