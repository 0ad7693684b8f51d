//! Joins a room as `picture`, sends a red picture with a bar that moves, and prints as a line of
//! JSON each second what it sees of every other's camera: a partner for other clients.
//!
//! `LIVEKIT_URL`, `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET` as usual; arguments: the room, the
//! side of the picture in pixels (320), frames per second (15) and the own name (`picture`).

#[path = "../tests/support/picture.rs"]
#[allow(dead_code)]
mod picture;

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use libwebrtc::{
    stats::RtcStats, video_source::RtcVideoSource, video_stream::native::NativeVideoStream,
};
use livekit::{options::TrackPublishOptions, prelude::*};
use livekit_api::access_token::{AccessToken, VideoGrants};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or("which room?")?;
    let side = arguments.next().map_or(Ok(320), |side| side.parse())?;
    let fps = arguments.next().map_or(Ok(15), |fps| fps.parse())?;
    let identity = arguments.next().unwrap_or_else(|| "picture".to_owned());
    let token = AccessToken::new()?
        .with_identity(&identity)
        .with_kind("agent")
        .with_grants(VideoGrants { room_join: true, room: name, ..Default::default() })
        .to_jwt()?;
    let url = std::env::var("LIVEKIT_URL")?;
    let mut options = RoomOptions::default();
    options.dynacast = true;
    let (room, mut events) = Room::connect(&url, &token, options).await?;
    let (source, _playing) = picture::play((side, side), fps, picture::RED);
    let track = LocalVideoTrack::create_video_track("face", RtcVideoSource::Native(source));
    let options = TrackPublishOptions { source: TrackSource::Camera, ..Default::default() };
    room.local_participant().publish_track(LocalTrack::Video(track.clone()), options).await?;
    tokio::spawn(print_sent(track));
    while let Some(event) = events.recv().await {
        if let RoomEvent::TrackSubscribed {
            track: RemoteTrack::Video(track), participant, ..
        } = event
        {
            tokio::spawn(print_seen(track, participant.identity().to_string()));
        }
    }
    Ok(())
}

async fn print_sent(track: LocalVideoTrack) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let active = track.publishing_layers().iter().any(|layer| layer.active);
        for report in track.get_stats().await.unwrap_or_default() {
            if let RtcStats::OutboundRtp(report) = report {
                let sent = &report.outbound;
                let line = json!({
                    "sent": "picture", "active": active, "frames": sent.frames_encoded,
                    "key_frames": sent.key_frames_encoded, "bytes": report.sent.bytes_sent,
                    "encode_s": sent.total_encode_time, "target_bps": sent.target_bitrate,
                });
                println!("{line}");
            }
        }
    }
}

async fn print_seen(track: RemoteVideoTrack, identity: String) {
    let mut stream = NativeVideoStream::new(track.rtc_track());
    let (mut since, mut frames) = (Instant::now(), 0);
    while let Some(frame) = stream.next().await {
        frames += 1;
        if since.elapsed() < Duration::from_secs(1) {
            continue;
        }
        let Some(buffer) = frame.buffer.as_i420() else { continue };
        let (y, u, v) = buffer.data();
        let corner = [y, u, v].map(|plane| plane.last().copied());
        let line = json!({
            "seen": identity, "frames": frames, "corner": corner,
            "width": frame.buffer.width(), "height": frame.buffer.height(),
        });
        println!("{line}");
        (since, frames) = (Instant::now(), 0);
    }
}
