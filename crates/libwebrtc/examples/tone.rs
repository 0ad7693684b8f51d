//! Joins a room as `tone`, plays 440 Hz and prints who is how loud: a partner for other clients.
//!
//! `LIVEKIT_URL`, `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET` as usual; argument: the room.

#[path = "../tests/support/tone.rs"]
#[allow(dead_code)]
mod tone;

use futures_util::StreamExt;
use libwebrtc::{audio_source::RtcAudioSource, audio_stream::native::NativeAudioStream};
use livekit::{options::TrackPublishOptions, prelude::*};
use livekit_api::access_token::{AccessToken, VideoGrants};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).ok_or("which room?")?;
    let token = AccessToken::new()?
        .with_identity("tone")
        .with_kind("agent")
        .with_grants(VideoGrants { room_join: true, room: name, ..Default::default() })
        .to_jwt()?;
    let url = std::env::var("LIVEKIT_URL")?;
    let (room, mut events) = Room::connect(&url, &token, RoomOptions::default()).await?;
    let (source, _playing) = tone::play(440.0);
    let track = LocalAudioTrack::create_audio_track("tone", RtcAudioSource::Native(source));
    let options = TrackPublishOptions { source: TrackSource::Microphone, ..Default::default() };
    room.local_participant().publish_track(LocalTrack::Audio(track), options).await?;
    while let Some(event) = events.recv().await {
        if let RoomEvent::TrackSubscribed {
            track: RemoteTrack::Audio(track), participant, ..
        } = event
        {
            tokio::spawn(print_levels(track, participant.identity().to_string()));
        }
    }
    Ok(())
}

async fn print_levels(track: RemoteAudioTrack, identity: String) {
    let mut stream = NativeAudioStream::new(track.rtc_track(), 48_000, 1);
    let (mut peak, mut ticks) = (0u16, 0);
    while let Some(frame) = stream.next().await {
        peak = frame.data.iter().map(|sample| sample.unsigned_abs()).fold(peak, u16::max);
        ticks += 1;
        if ticks == 100 {
            println!("{identity}: peak {peak}");
            (peak, ticks) = (0, 0);
        }
    }
    println!("{identity}: ended");
}
