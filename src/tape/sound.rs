//! A participant's track: Ogg Opus, encoded from what passed the room's seam.
//!
//! Granule positions count samples at 48 kHz from the tape's begin, so that all tracks lie on one
//! time line; where nothing came, they jump. Every quarter of a second a page ends, so that little
//! is lost with the process.

use std::fs::File;
use std::io::{self, BufWriter, Cursor, Write as _};
use std::path::Path;

use ::ogg::{PacketReader, PacketWriteEndInfo, PacketWriter};
use opus::{Application, Bitrate, Channels, Encoder};

use crate::audio::{FRAME_MS, ROOM_RATE_HZ};

pub(super) mod clip;
pub mod cut;
pub mod export;
pub mod hear;
mod tracks;

pub(super) use tracks::Tracks;

/// Every file has one stream.
const SERIAL: u32 = 1;
/// A quarter of a second in a page: with the recorder's half a second until it is flushed, a killed
/// process loses less than a second of sound.
const PAGE_PACKETS: u32 = 12;
/// Speech is transparent at this rate.
const BITRATE: i32 = 32_000;
/// Half of libopus' effort: good speech for little time.
const COMPLEXITY: i32 = 5;
/// The largest packet of 20 ms that this bit rate can give, several times over.
const PACKET_BYTES_MAX: usize = 1_500;
/// Later than this is a gap, earlier is the clock's jitter.
const GAP_MS: u64 = 60;

fn other(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}

/// The name in a track's path: a participant's, as [`super::file_name`] writes it.
fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Writes a WAV file of 16-bit samples, those of all channels by turns.
fn write_wav(
    to: impl io::Write + io::Seek,
    channels: u16,
    rate_hz: u32,
    samples: impl Iterator<Item = i16>,
) -> Result<(), hound::Error> {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate_hz,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::new(to, spec)?;
    for sample in samples {
        writer.write_sample(sample)?;
    }
    writer.finalize()
}

/// Encodes and writes one track.
pub(super) struct TrackWriter {
    pages: Pages,
    encoder: Encoder,
    rate_hz: u32,
    /// Samples of the frame that is not yet full.
    pending: Vec<i16>,
    /// Where `pending` ends, in samples since the tape's begin; none before the first.
    next: Option<u64>,
}

impl TrackWriter {
    pub(super) fn create(path: &Path, rate_hz: u32) -> io::Result<Self> {
        let mut encoder =
            Encoder::new(rate_hz, Channels::Mono, Application::Audio).map_err(other)?;
        encoder.set_bitrate(Bitrate::Bits(BITRATE)).map_err(other)?;
        encoder.set_complexity(COMPLEXITY).map_err(other)?;
        let lookahead = encoder.get_lookahead().map_err(other)? as u32;
        let pre_skip = lookahead * (ROOM_RATE_HZ / rate_hz);
        let pages = Pages::create(path, pre_skip as u16, rate_hz)?;
        Ok(Self { pages, encoder, rate_hz, pending: Vec::new(), next: None })
    }

    /// Adds samples, the last of which was in the room at `end_us`.
    pub(super) fn push(&mut self, end_us: u64, samples: &[i16]) -> io::Result<()> {
        let rate = u64::from(self.rate_hz);
        let end = (u128::from(end_us) * u128::from(rate) / 1_000_000) as u64;
        let start = end.saturating_sub(samples.len() as u64);
        let gap = rate * GAP_MS / 1_000;
        let next = match self.next {
            Some(next) if start <= next + gap => next,
            Some(_) => self.fill_frame()?.max(start),
            None => start,
        };
        self.next = Some(next + samples.len() as u64);
        self.pending.extend_from_slice(samples);
        self.encode_frames()
    }

    /// Fills the frame in hand up with silence; returns where it ends.
    fn fill_frame(&mut self) -> io::Result<u64> {
        let frame = self.frame();
        let missing = (frame - self.pending.len() % frame) % frame;
        self.pending.resize(self.pending.len() + missing, 0);
        let end = self.next.unwrap_or(0) + missing as u64;
        self.next = Some(end);
        self.encode_frames()?;
        Ok(end)
    }

    fn frame(&self) -> usize {
        (self.rate_hz / 1_000 * FRAME_MS) as usize
    }

    fn encode_frames(&mut self) -> io::Result<()> {
        let frame = self.frame();
        while self.pending.len() >= frame {
            let rest = self.pending.split_off(frame);
            let packet = self.encoder.encode_vec(&self.pending, PACKET_BYTES_MAX).map_err(other)?;
            self.pending = rest;
            let end = self.next.unwrap_or(0) - self.pending.len() as u64;
            self.pages.packet(packet, end * u64::from(ROOM_RATE_HZ / self.rate_hz))?;
        }
        Ok(())
    }

    /// Hands whole pages to the system.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.pages.flush()
    }

    /// Writes what is left, with the encoder's lookahead after it.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let end = self.fill_frame()?;
        self.pending = vec![0; self.frame()];
        self.next = Some(end + self.pending.len() as u64);
        self.encode_frames()?;
        self.pages.finish()
    }
}

/// Writes Opus packets of 20 ms at their places.
pub(super) struct Pages {
    ogg: PacketWriter<'static, BufWriter<File>>,
    /// The newest packet and where it ends; whether it ends a page is known with the next.
    held: Option<(Vec<u8>, u64)>,
    in_page: u32,
}

impl Pages {
    pub(super) fn create(path: &Path, pre_skip: u16, rate_hz: u32) -> io::Result<Self> {
        let mut ogg = PacketWriter::new(BufWriter::new(File::create_new(path)?));
        let mut head = b"OpusHead\x01\x01".to_vec();
        head.extend(pre_skip.to_le_bytes());
        head.extend(rate_hz.to_le_bytes());
        // No gain; one channel needs no map.
        head.extend([0, 0, 0]);
        ogg.write_packet(head, SERIAL, PacketWriteEndInfo::EndPage, 0)?;
        let vendor = concat!("troupe ", env!("CARGO_PKG_VERSION"));
        let mut tags = b"OpusTags".to_vec();
        tags.extend((vendor.len() as u32).to_le_bytes());
        tags.extend(vendor.as_bytes());
        tags.extend(0_u32.to_le_bytes());
        ogg.write_packet(tags, SERIAL, PacketWriteEndInfo::EndPage, 0)?;
        Ok(Self { ogg, held: None, in_page: 0 })
    }

    /// `end` is where it ends, at 48 kHz from the tape's begin.
    pub(super) fn packet(&mut self, data: Vec<u8>, end: u64) -> io::Result<()> {
        let frame = u64::from(ROOM_RATE_HZ / 1_000 * FRAME_MS);
        let follows = self.held.as_ref().is_none_or(|(_, held)| held + frame == end);
        let full = self.in_page + 1 >= PAGE_PACKETS;
        self.write_held(if follows && !full {
            PacketWriteEndInfo::NormalPacket
        } else {
            PacketWriteEndInfo::EndPage
        })?;
        self.held = Some((data, end));
        Ok(())
    }

    fn write_held(&mut self, end: PacketWriteEndInfo) -> io::Result<()> {
        let Some((data, at)) = self.held.take() else { return Ok(()) };
        self.in_page = if end == PacketWriteEndInfo::NormalPacket { self.in_page + 1 } else { 0 };
        self.ogg.write_packet(data, SERIAL, end, at)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.ogg.inner_mut().flush()
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.write_held(PacketWriteEndInfo::EndStream)?;
        self.flush()
    }
}

/// One packet of a track.
pub(super) struct Packet {
    pub(super) data: Vec<u8>,
    /// Where its sound begins and ends, at 48 kHz from the tape's begin, the encoder's lookahead
    /// not taken off.
    pub(super) start: u64,
    pub(super) end: u64,
}

/// A track as it was written.
pub(super) struct Track {
    pub(super) pre_skip: u16,
    pub(super) rate_hz: u32,
    pub(super) packets: Vec<Packet>,
}

impl Track {
    /// Reads a track's file.
    ///
    /// # Errors
    /// As [`Self::parse`], and when the file cannot be read.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        Self::parse(&std::fs::read(path)?).map_err(other)
    }

    /// Reads a track. One that was cut off is read up to there.
    ///
    /// # Errors
    /// When it is no Ogg Opus at all; the end of a sentence.
    pub(super) fn parse(file: &[u8]) -> Result<Self, String> {
        let mut reader = PacketReader::new(Cursor::new(file));
        let mut next = || reader.read_packet();
        let head = next().ok().flatten().map(|packet| packet.data).unwrap_or_default();
        if head.len() < 19 || !head.starts_with(b"OpusHead") || head[9] != 1 {
            return Err("is no Ogg Opus file with one channel".to_owned());
        }
        let pre_skip = u16::from_le_bytes([head[10], head[11]]);
        let rate_hz = u32::from_le_bytes([head[12], head[13], head[14], head[15]]);
        // Tags; a file without them ends here.
        let mut open = matches!(next(), Ok(Some(_)));
        let mut packets = Vec::new();
        let mut page = Vec::new();
        while open {
            let Ok(Some(packet)) = next() else { break };
            let last = packet.last_in_page();
            let granule = packet.absgp_page();
            let length = opus::packet::get_nb_samples(&packet.data, ROOM_RATE_HZ).unwrap_or(0);
            page.push((packet.data, length as u64));
            if last {
                let all: u64 = page.iter().map(|(_, length)| length).sum();
                let mut at = granule.saturating_sub(all);
                for (data, length) in page.drain(..) {
                    packets.push(Packet { data, start: at, end: at.saturating_add(length) });
                    at = at.saturating_add(length);
                }
            }
            open = packets.len() < PACKETS_MAX;
        }
        Ok(Self { pre_skip, rate_hz, packets })
    }
}

/// A day of 20 ms packets.
const PACKETS_MAX: usize = 24 * 3_600 * 50;

#[cfg(test)]
mod tests;
