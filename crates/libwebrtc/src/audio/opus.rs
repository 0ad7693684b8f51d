//! Opus, as RTP carries it (RFC 7587): 20 ms packets, 48 kHz time stamps, in-band repair of the
//! packet before, nothing in silence.

use opus::{Application, Bitrate, Channels};

/// Length of the packets that are sent.
pub(crate) const PACKET_MS: u32 = 20;

/// No Opus packet is longer (RFC 6716 section 3.4: at most 1275 bytes a frame); one frame is sent.
const PACKET_LEN_MAX: usize = 1275;

/// The longest packet that RTP may carry, 120 ms (RFC 7587 section 4.2), at 48 kHz.
pub(crate) const PACKET_SAMPLES_MAX: usize = 5760;

/// As in the original, on Opus' scale of 10. Below 7 libopus leaves out the analysis that tells
/// sound from noise, and then takes a steady tone, or music, for silence that need not be sent.
const COMPLEXITY: i32 = 9;

/// Loss that the encoder prepares for when none is reported: enough that Opus adds repair data
/// (it adds none for 0), little enough to cost next to nothing.
const LOSS_PERCENT_MIN: i32 = 3;
const LOSS_PERCENT_MAX: i32 = 25;

/// Rates without a limit by the application or the other side; the original's.
const BITRATE_MONO_BPS: u32 = 32_000;
const BITRATE_STEREO_BPS: u32 = 64_000;
const BITRATE_MIN_BPS: u32 = 6_000;
const BITRATE_MAX_BPS: u32 = 510_000;

/// How the other side wants to receive Opus, by its SDP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `usedtx`: send nothing in silence.
    pub(crate) dtx: bool,
    pub(crate) stereo: bool,
    /// `useinbandfec`: send repair data for the packet before.
    pub(crate) fec: bool,
    pub(crate) bitrate_max_bps: Option<u32>,
}

/// Encodes one signal.
pub(crate) struct Encoder {
    encoder: opus::Encoder,
    channels: usize,
    buffer: Box<[u8; PACKET_LEN_MAX]>,
}

impl Encoder {
    /// `sample_rate` is one of Opus' own: 8, 12, 16, 24 or 48 kHz.
    pub(crate) fn new(sample_rate: u32, stereo: bool) -> Result<Self, opus::Error> {
        let (channels, application) = match stereo {
            true => (Channels::Stereo, Application::Audio),
            false => (Channels::Mono, Application::Voip),
        };
        let mut encoder = opus::Encoder::new(sample_rate, channels, application)?;
        encoder.set_complexity(COMPLEXITY)?;
        Ok(Self {
            encoder,
            channels: if stereo { 2 } else { 1 },
            buffer: Box::new([0; PACKET_LEN_MAX]),
        })
    }

    /// Takes over what the other side wants, the application's limit and the loss (0.0 to 1.0).
    pub(crate) fn configure(
        &mut self,
        settings: Settings,
        bitrate_max_bps: Option<u32>,
        loss: f32,
    ) -> Result<(), opus::Error> {
        let default = if self.channels == 2 { BITRATE_STEREO_BPS } else { BITRATE_MONO_BPS };
        let wanted = bitrate_max_bps.unwrap_or(default);
        let bitrate = wanted
            .min(settings.bitrate_max_bps.unwrap_or(u32::MAX))
            .clamp(BITRATE_MIN_BPS, BITRATE_MAX_BPS);
        self.encoder.set_bitrate(Bitrate::Bits(bitrate as i32))?;
        self.encoder.set_dtx(settings.dtx)?;
        self.encoder.set_inband_fec(settings.fec)?;
        let percent = (loss * 100.0).ceil() as i32;
        self.encoder.set_packet_loss_perc(percent.clamp(LOSS_PERCENT_MIN, LOSS_PERCENT_MAX))
    }

    /// Encodes [`PACKET_MS`] of interleaved samples. Packets of up to 2 bytes say: silence.
    pub(crate) fn encode(&mut self, samples: &[i16]) -> Result<&[u8], opus::Error> {
        let len = self.encoder.encode(samples, &mut self.buffer[..])?;
        Ok(&self.buffer[..len])
    }
}

/// Decodes one signal at 48 kHz.
pub(crate) struct Decoder {
    decoder: opus::Decoder,
    channels: usize,
    last_samples: usize,
}

impl Decoder {
    pub(crate) fn new(stereo: bool) -> Result<Self, opus::Error> {
        let channels = if stereo { Channels::Stereo } else { Channels::Mono };
        Ok(Self {
            decoder: opus::Decoder::new(super::RTP_CLOCK_HZ, channels)?,
            channels: if stereo { 2 } else { 1 },
            last_samples: super::RTP_CLOCK_HZ as usize * PACKET_MS as usize / 1000,
        })
    }

    /// Appends the samples of a packet, interleaved. Returns how many per channel.
    pub(crate) fn decode(
        &mut self,
        payload: &[u8],
        out: &mut Vec<i16>,
    ) -> Result<usize, opus::Error> {
        // An empty packet means "lost" to libopus.
        if payload.is_empty() {
            return self.conceal(self.last_samples, out);
        }
        let samples = self.decoder.get_nb_samples(payload)?.min(PACKET_SAMPLES_MAX);
        let decoded = self.run(payload, samples, false, out)?;
        self.last_samples = decoded;
        Ok(decoded)
    }

    /// Appends the lost packet before `next`, from the repair data in `next` where it has some.
    pub(crate) fn repair(
        &mut self,
        next: &[u8],
        samples: usize,
        out: &mut Vec<i16>,
    ) -> Result<usize, opus::Error> {
        self.run(next, samples, true, out)
    }

    /// Appends a guess at `samples` per channel that are missing.
    pub(crate) fn conceal(
        &mut self,
        samples: usize,
        out: &mut Vec<i16>,
    ) -> Result<usize, opus::Error> {
        self.run(&[], samples, false, out)
    }

    fn run(
        &mut self,
        payload: &[u8],
        samples: usize,
        fec: bool,
        out: &mut Vec<i16>,
    ) -> Result<usize, opus::Error> {
        let start = out.len();
        out.resize(start + samples * self.channels, 0);
        match self.decoder.decode(payload, &mut out[start..], fec) {
            Ok(decoded) => {
                out.truncate(start + decoded * self.channels);
                Ok(decoded)
            }
            Err(error) => {
                out.truncate(start);
                Err(error)
            }
        }
    }
}

/// Length of a packet in samples of 48 kHz, `None` when it is no Opus packet.
pub(crate) fn packet_samples(payload: &[u8]) -> Option<usize> {
    opus::packet::get_nb_samples(payload, super::RTP_CLOCK_HZ)
        .ok()
        .filter(|samples| (1..=PACKET_SAMPLES_MAX).contains(samples))
}
