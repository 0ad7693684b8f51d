//! A group of tracks that belong together, as the sender named it (`a=msid`).

use std::{fmt, sync::Arc};

use crate::{
    audio_track::RtcAudioTrack, media_stream_track::MediaStreamTrack, video_track::RtcVideoTrack,
};

/// A named group of remote tracks.
#[derive(Clone)]
pub struct MediaStream {
    id: Arc<str>,
    tracks: Arc<[MediaStreamTrack]>,
}

impl MediaStream {
    pub(crate) fn new(id: &str, track: MediaStreamTrack) -> Self {
        Self { id: id.into(), tracks: [track].into() }
    }

    pub fn id(&self) -> String {
        self.id.to_string()
    }

    pub fn audio_tracks(&self) -> Vec<RtcAudioTrack> {
        self.tracks
            .iter()
            .filter_map(|track| match track {
                MediaStreamTrack::Audio(audio) => Some(audio.clone()),
                MediaStreamTrack::Video(_) => None,
            })
            .collect()
    }

    pub fn video_tracks(&self) -> Vec<RtcVideoTrack> {
        self.tracks
            .iter()
            .filter_map(|track| match track {
                MediaStreamTrack::Video(video) => Some(video.clone()),
                MediaStreamTrack::Audio(_) => None,
            })
            .collect()
    }
}

impl fmt::Debug for MediaStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaStream").field("id", &self.id).field("tracks", &self.tracks).finish()
    }
}
