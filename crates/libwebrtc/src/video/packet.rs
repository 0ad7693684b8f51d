//! VP8 frames in RTP payloads (RFC 7741).

use std::sync::Arc;

/// Bytes of a payload, descriptor included. With the headers of RTP and its extensions, SRTP, UDP
/// and IPv6 it stays below the 1280 bytes that every IPv6 path takes.
const PAYLOAD_LEN_MAX: usize = 1_100;

/// The descriptor as it is sent: one byte, one of extensions, two of picture id.
const DESCRIPTOR_LEN: usize = 4;

const PICTURE_ID_MASK: u16 = 0x7fff;

/// Splits the frames of one stream.
pub(crate) struct Packetiser {
    picture_id: u16,
}

impl Packetiser {
    pub(crate) fn new(picture_id: u16) -> Self {
        Self { picture_id: picture_id & PICTURE_ID_MASK }
    }

    /// The payloads of a frame, of about equal lengths; the last one takes the marker.
    pub(crate) fn split(&mut self, frame: &[u8]) -> Vec<Arc<[u8]>> {
        let [high, low] = self.picture_id.to_be_bytes();
        self.picture_id = (self.picture_id + 1) & PICTURE_ID_MASK;
        let count = frame.len().div_ceil(PAYLOAD_LEN_MAX - DESCRIPTOR_LEN).max(1);
        let len = frame.len().div_ceil(count).max(1);
        let payload = |(index, chunk): (usize, &[u8])| {
            // X: there are extensions. S: a partition begins, and it is the first one.
            let start = if index == 0 { 0x10 } else { 0 };
            // I: a picture id, M: of 15 bits.
            let descriptor = [0x80 | start, 0x80, 0x80 | high, low];
            [&descriptor, chunk].concat().into()
        };
        frame.chunks(len).enumerate().map(payload).collect()
    }
}

/// Where the frame's bytes begin in a payload, and whether the frame itself begins there. `None`:
/// this is no VP8 payload.
pub(crate) fn parse(payload: &[u8]) -> Option<(usize, bool)> {
    let first = *payload.first()?;
    let mut len = 1;
    if first & 0x80 != 0 {
        let extensions = *payload.get(1)?;
        len += 1;
        if extensions & 0x80 != 0 {
            len += if payload.get(len)? & 0x80 != 0 { 2 } else { 1 };
        }
        if extensions & 0x40 != 0 {
            len += 1;
        }
        if extensions & 0x30 != 0 {
            len += 1;
        }
    }
    // S, and no partition but the first.
    let start = first & 0x10 != 0 && first & 0x07 == 0;
    (payload.len() > len).then_some((len, start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_split_and_found_again() {
        let frame: Vec<u8> = (0..5_000u32).map(|n| n as u8).collect();
        let mut packetiser = Packetiser::new(0xffff);
        let payloads = packetiser.split(&frame);
        assert_eq!(payloads.len(), 5);
        assert!(payloads.iter().all(|payload| payload.len() <= PAYLOAD_LEN_MAX));
        let mut found = Vec::new();
        for (index, payload) in payloads.iter().enumerate() {
            let (at, start) = parse(payload).unwrap();
            assert_eq!(start, index == 0);
            assert_eq!(&payload[2..4], [0xff, 0xff]);
            found.extend_from_slice(&payload[at..]);
        }
        assert_eq!(found, frame);
        // The picture id rolls over.
        assert_eq!(packetiser.split(&[1])[0][..], [0x90, 0x80, 0x80, 0, 1]);
    }

    #[test]
    fn descriptors_of_others_are_understood() {
        for (payload, expected) in [
            (&[0x10, 7][..], Some((1, true))),
            (&[0x00, 7], Some((1, false))),
            // A later partition begins.
            (&[0x11, 7], Some((1, false))),
            // A picture id of 7 bits, the index of a temporal base layer, its layer.
            (&[0x90, 0xe0, 0x05, 0x01, 0x20, 7], Some((5, true))),
            // A picture id of 15 bits and a key index.
            (&[0x90, 0x90, 0x85, 0x01, 0x20, 7], Some((5, true))),
            (&[0x90, 0x90, 0x85, 0x01, 0x20], None),
            (&[0x90, 0x80], None),
            (&[0x90], None),
            (&[], None),
        ] {
            assert_eq!(parse(payload), expected, "{payload:x?}");
        }
    }
}
