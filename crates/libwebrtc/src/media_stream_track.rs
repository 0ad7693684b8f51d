//! Tracks of either kind.

use crate::{MediaType, audio_track::RtcAudioTrack, enum_dispatch, video_track::RtcVideoTrack};

/// Whether a track can still carry media.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum RtcTrackState {
    Live,
    Ended,
}

/// An audio or a video track.
#[derive(Debug, Clone)]
pub enum MediaStreamTrack {
    Video(RtcVideoTrack),
    Audio(RtcAudioTrack),
}

impl MediaStreamTrack {
    enum_dispatch!(
        [Video, Audio];
        pub fn id(self: &Self) -> String;
        pub fn enabled(self: &Self) -> bool;
        pub fn set_enabled(self: &Self, enabled: bool) -> bool;
        pub fn state(self: &Self) -> RtcTrackState;
    );

    pub(crate) fn kind(&self) -> MediaType {
        match self {
            Self::Video(_) => MediaType::Video,
            Self::Audio(_) => MediaType::Audio,
        }
    }

    /// The remote side no longer sends this track: streams made from it come to their end.
    pub(crate) fn end(&self) {
        match self {
            Self::Video(video) => video.end(),
            Self::Audio(audio) => audio.end(),
        }
    }
}

impl From<RtcAudioTrack> for MediaStreamTrack {
    fn from(track: RtcAudioTrack) -> Self {
        Self::Audio(track)
    }
}

impl From<RtcVideoTrack> for MediaStreamTrack {
    fn from(track: RtcVideoTrack) -> Self {
        Self::Video(track)
    }
}
