//! A small scan of SDP text for what str0m does not tell: which tracks the other side sends on
//! which m-line (`a=msid`), and how it wants Opus (`a=fmtp`).
//!
//! It takes any text: what it does not understand it leaves out.

use crate::{MediaType, audio::opus::Settings, rtp_transceiver::RtpTransceiverDirection};

/// One m-line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Section {
    pub(crate) kind: MediaType,
    pub(crate) mid: String,
    /// Seen from the side that wrote the description.
    pub(crate) direction: RtpTransceiverDirection,
    /// Port 0 outside of the bundle.
    pub(crate) rejected: bool,
    /// Stream and track id of what is sent.
    pub(crate) msid: Option<(String, String)>,
    /// How the writer wants to receive Opus.
    pub(crate) opus: Option<Settings>,
}

impl Section {
    /// Whether the writer sends on this m-line.
    pub(crate) fn sends(&self) -> bool {
        use RtpTransceiverDirection::{SendOnly, SendRecv};
        !self.rejected && matches!(self.direction, SendOnly | SendRecv)
    }
}

/// Reads the m-lines of a description, in their order.
pub(crate) fn scan(sdp: &str) -> Vec<Section> {
    let mut lines = sdp.lines().map(str::trim_end).peekable();
    let mut bundled = Vec::new();
    while let Some(line) = lines.next_if(|line| !line.starts_with("m=")) {
        if let Some(mids) = line.strip_prefix("a=group:BUNDLE") {
            bundled.extend(mids.split_ascii_whitespace());
        }
    }
    let mut sections = Vec::new();
    while let Some(media) = lines.next() {
        let mut attributes = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("m=")) {
            if let Some(attribute) = line.strip_prefix("a=") {
                attributes.push(attribute);
            }
        }
        sections.push(section(media, &attributes, &bundled));
    }
    sections
}

fn section(media: &str, attributes: &[&str], bundled: &[&str]) -> Section {
    let mut fields = media.strip_prefix("m=").unwrap_or_default().split_ascii_whitespace();
    let kind = match fields.next() {
        Some("audio") => MediaType::Audio,
        Some("video") => MediaType::Video,
        Some("application") => MediaType::Data,
        _ => MediaType::Unsupported,
    };
    let port_is_0 = fields.next() == Some("0");
    let value = |name: &str| attributes.iter().find_map(|line| line.strip_prefix(name));
    let mid = value("mid:").unwrap_or_default().trim();
    Section {
        kind,
        mid: mid.to_owned(),
        direction: direction(attributes),
        rejected: port_is_0 && !bundled.contains(&mid),
        msid: msid(attributes),
        opus: opus(attributes),
    }
}

fn direction(attributes: &[&str]) -> RtpTransceiverDirection {
    attributes
        .iter()
        .find_map(|attribute| match *attribute {
            "sendonly" => Some(RtpTransceiverDirection::SendOnly),
            "recvonly" => Some(RtpTransceiverDirection::RecvOnly),
            "inactive" => Some(RtpTransceiverDirection::Inactive),
            "sendrecv" => Some(RtpTransceiverDirection::SendRecv),
            _ => None,
        })
        // RFC 8866: no direction means both.
        .unwrap_or(RtpTransceiverDirection::SendRecv)
}

/// `a=msid:stream track`, or the older form within `a=ssrc`.
fn msid(attributes: &[&str]) -> Option<(String, String)> {
    let of_line = attributes.iter().find_map(|line| line.strip_prefix("msid:"));
    let of_ssrc = || {
        attributes.iter().filter(|line| line.starts_with("ssrc:")).find_map(|line| {
            let (_, attribute) = line.split_once(' ')?;
            attribute.strip_prefix("msid:")
        })
    };
    let mut ids = of_line.or_else(of_ssrc)?.split_ascii_whitespace();
    let stream = ids.next()?.to_owned();
    let track = ids.next().unwrap_or_default().to_owned();
    Some((stream, track))
}

fn opus(attributes: &[&str]) -> Option<Settings> {
    let payload_type = attributes.iter().find_map(|line| {
        let (payload_type, codec) = line.strip_prefix("rtpmap:")?.split_once(' ')?;
        let name = codec.get(..5)?;
        name.eq_ignore_ascii_case("opus/").then_some(payload_type)
    })?;
    let parameters = attributes.iter().find_map(|line| {
        let (of_type, parameters) = line.strip_prefix("fmtp:")?.split_once(' ')?;
        (of_type == payload_type).then_some(parameters)
    });
    Some(settings(parameters.unwrap_or_default()))
}

/// RFC 7587 section 6.1.
fn settings(parameters: &str) -> Settings {
    let mut settings = Settings::default();
    for parameter in parameters.split(';') {
        let (name, value) = parameter.trim().split_once('=').unwrap_or_default();
        match name.trim() {
            "usedtx" => settings.dtx = value.trim() == "1",
            "stereo" => settings.stereo = value.trim() == "1",
            "useinbandfec" => settings.fec = value.trim() == "1",
            "maxaveragebitrate" => settings.bitrate_max_bps = value.trim().parse().ok(),
            _ => {}
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
        a=group:BUNDLE 0 a1 v\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\na=mid:a1\r\na=sendonly\r\n\
        a=msid:PA_x|TR_y TR_y\r\na=rtpmap:63 red/48000/2\r\na=rtpmap:111 OPUS/48000/2\r\n\
        a=fmtp:63 111/111\r\n\
        a=fmtp:111 minptime=10; useinbandfec=1;usedtx=1;stereo=1;maxaveragebitrate=64000\r\n\
        m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=inactive\r\n\
        a=ssrc:1 cname:x\r\na=ssrc:1 msid:s t\r\n\
        m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:gone\r\n";

    #[test]
    fn m_lines_are_read_in_order_with_their_tracks_and_opus_settings() {
        let sections = scan(SDP);
        let kinds: Vec<_> = sections.iter().map(|section| section.kind).collect();
        use MediaType::{Audio, Data, Video};
        assert_eq!(kinds, [Data, Audio, Video, Audio]);

        let audio = &sections[1];
        assert_eq!(audio.mid, "a1");
        assert!(audio.sends());
        assert_eq!(audio.msid, Some(("PA_x|TR_y".into(), "TR_y".into())));
        let settings =
            Settings { dtx: true, stereo: true, fec: true, bitrate_max_bps: Some(64_000) };
        assert_eq!(audio.opus, Some(settings));

        let video = &sections[2];
        assert!(!video.rejected, "port 0 within the bundle is no rejection");
        assert!(!video.sends());
        assert_eq!(video.msid, Some(("s".into(), "t".into())));

        assert!(sections[3].rejected && !sections[3].sends());
    }

    #[test]
    fn any_text_is_taken() {
        for text in ["", "m=", "m=audio", "a=mid:x", "m=audio 9\na=msid:\na=fmtp:", "m=\u{e9}\r\n"]
        {
            scan(text);
        }
        assert_eq!(
            scan("m=audio 9\na=msid:only").first().unwrap().msid,
            Some(("only".into(), String::new()))
        );
        assert_eq!(scan("m=audio 9\na=rtpmap:1 \u{e9}\u{e9}\u{e9}").first().unwrap().opus, None);
    }
}
