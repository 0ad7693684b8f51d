//! One encoded stream of a video sender: reduced, thinned out, encoded, split into payloads.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    packet::Packetiser,
    picture::Picture,
    rate::{Gate, frame_rate},
    vpx::{Encoder, Error},
};
use crate::video_frame::I420Buffer;

/// Key frames are the largest frames: each may take what the line carries in 300 ms, and closer
/// together than this they would leave nothing to the others. Requests within it are for the same
/// loss, or of several viewers who came at once.
const KEY_FRAME_INTERVAL_MIN: Duration = Duration::from_millis(500);

/// No picture is reduced to less.
const SIDE_MIN: u32 = 16;

/// What the stream should be now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Target {
    pub(crate) bitrate_bps: u64,
    pub(crate) frame_rate_max: Option<f64>,
    /// 1 or more.
    pub(crate) scale_down: f64,
    pub(crate) key: bool,
}

/// What became of a frame.
pub(crate) enum Outcome {
    Encoded {
        payloads: Vec<Arc<[u8]>>,
        key: bool,
        size: (u32, u32),
    },
    /// The frame rate is too high for the bitrate, or for the application's limit.
    Skipped,
    /// The rate control has no bits left for it.
    Dropped,
}

/// One encoded stream.
pub(crate) struct Layer {
    encoder: Option<Encoder>,
    packetiser: Packetiser,
    scaled: I420Buffer,
    gate: Gate,
    key_owed: bool,
    key_at: Option<Instant>,
}

impl Layer {
    pub(crate) fn new() -> Self {
        Self {
            encoder: None,
            packetiser: Packetiser::new(rand::random()),
            scaled: I420Buffer::new(SIDE_MIN, SIDE_MIN),
            gate: Gate::default(),
            key_owed: false,
            key_at: None,
        }
    }

    /// What was encoded did not get out, or nothing is to be: the stream goes on with a key frame.
    pub(crate) fn interrupt(&mut self) {
        self.key_owed = true;
        self.key_at = None;
    }

    /// Encodes a picture taken at `at`, which is `time` on the RTP clock.
    pub(crate) fn encode(
        &mut self,
        picture: &Picture<'_>,
        target: Target,
        at: Instant,
        time: i64,
    ) -> Result<Outcome, Error> {
        self.key_owed |= target.key;
        let key_at = self.key_at;
        let rested = key_at
            .is_none_or(|before| at.saturating_duration_since(before) >= KEY_FRAME_INTERVAL_MIN);
        let key = self.key_owed && rested;
        let size =
            (reduced(picture.width, target.scale_down), reduced(picture.height, target.scale_down));
        let worth = frame_rate(target.bitrate_bps, size.0 * size.1);
        let frame_rate = target.frame_rate_max.map_or(worth, |max| worth.min(max));
        if !self.gate.pass(at, frame_rate) && !key {
            return Ok(Outcome::Skipped);
        }
        let mut source = *picture;
        if size != (picture.width, picture.height) {
            picture.scale_to(size.0, size.1, &mut self.scaled);
            source = self.scaled.picture();
        }
        let bitrate_bps = u32::try_from(target.bitrate_bps).unwrap_or(u32::MAX);
        let encoder = match self.encoder.take().filter(|encoder| encoder.size() == size) {
            Some(encoder) => encoder,
            None => Encoder::new(size.0, size.1, bitrate_bps)?,
        };
        let encoder = self.encoder.insert(encoder);
        encoder.set_bitrate(bitrate_bps)?;
        let Some(encoded) = encoder.encode(&source, time, key)? else {
            return Ok(Outcome::Dropped);
        };
        if encoded.key {
            self.key_owed = false;
            self.key_at = Some(at);
        }
        let payloads = self.packetiser.split(encoded.data);
        Ok(Outcome::Encoded { payloads, key: encoded.key, size })
    }
}

fn reduced(side: u32, scale_down: f64) -> u32 {
    let scaled = (f64::from(side) / scale_down.max(1.0)).round() as u32;
    scaled.max(SIDE_MIN).min(side)
}

#[cfg(test)]
#[path = "layer/tests.rs"]
mod tests;
