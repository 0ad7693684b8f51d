use proptest::prelude::*;

use super::*;

fn message() -> impl Strategy<Value = Message> {
    let samples = prop::collection::vec(-1.0_f32..1.0, 0..300);
    prop_oneof![
        any::<u64>().prop_map(|load_ms| Message::Ready { load_ms }),
        (any::<u64>(), samples).prop_map(|(id, samples)| Message::Clip { id, samples }),
        (any::<u64>(), "\\PC{0,80}").prop_map(|(id, cause)| Message::Refused { id, cause }),
        (any::<u64>(), "\\PC{0,80}", 0.0_f32..1.0, 0.0_f32..1.0, any::<u64>()).prop_map(
            |(id, text, no_speech, token_probability, took_us)| Message::Text {
                id,
                text,
                no_speech,
                token_probability,
                took_us,
            }
        ),
    ]
}

fn decode(decoder: &mut Decoder) -> Result<Vec<Message>, WireError> {
    let mut messages = Vec::new();
    while let Some(message) = decoder.next_message()? {
        messages.push(message);
    }
    Ok(messages)
}

proptest! {
    #[test]
    fn messages_come_as_they_went_in_pieces_of_any_length(
        messages in prop::collection::vec(message(), 0..6),
        piece in 1_usize..400,
    ) {
        let bytes: Vec<u8> =
            messages.iter().flat_map(|message| encode(message).expect("short")).collect();
        let mut decoder = Decoder::default();
        let mut received = Vec::new();
        for piece in bytes.chunks(piece) {
            decoder.push(piece);
            received.extend(decode(&mut decoder)?);
        }
        prop_assert_eq!(received, messages);
        prop_assert!(decoder.bytes.is_empty());
    }

    #[test]
    fn a_truncated_message_is_waited_for(message in message(), missing in 1_usize..60) {
        let bytes = encode(&message).expect("short");
        let mut decoder = Decoder::default();
        decoder.push(&bytes[..bytes.len().saturating_sub(missing)]);
        prop_assert_eq!(decoder.next_message(), Ok(None));
    }

    /// Changed bytes give an error, a wait or another message: never a panic.
    #[test]
    fn garbage_is_survived(
        message in message(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = encode(&message).expect("short");
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        let _ = decode(&mut decoder);
    }

    #[test]
    fn noise_is_not_ours(bytes in prop::collection::vec(any::<u8>(), 4..200)) {
        prop_assume!(!bytes.starts_with(&MAGIC));
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        prop_assert_eq!(decoder.next_message(), Err(WireError::NotOurs));
    }
}

#[test]
fn another_version_is_not_ours() {
    let mut bytes = encode(&Message::Ready { load_ms: 1 }).expect("short");
    bytes[3] += 1;
    let mut decoder = Decoder::default();
    decoder.push(&bytes);
    assert_eq!(decoder.next_message(), Err(WireError::NotOurs));
}

#[test]
fn huge_counts_are_refused_before_the_bytes_come() {
    for counts in [[u32::MAX, 0], [2, u32::MAX]] {
        let mut decoder = Decoder::default();
        decoder.push(&MAGIC);
        counts.iter().for_each(|count| decoder.push(&count.to_le_bytes()));
        assert_eq!(decoder.next_message(), Err(WireError::TooLong(u32::MAX as usize)));
    }
}

#[test]
fn a_clip_of_30_s_fits_and_no_more() {
    let clip = |samples| Message::Clip { id: 1, samples: vec![0.0; samples] };
    assert!(encode(&clip(SAMPLES_MAX)).is_ok());
    let bytes = (SAMPLES_MAX + 1) * SAMPLE_BYTES;
    assert_eq!(encode(&clip(SAMPLES_MAX + 1)), Err(WireError::TooLong(bytes)));
}

#[test]
fn sound_belongs_to_clips_and_has_whole_samples() {
    for (header, sound) in
        [(r#"{"kind":"ready","load_ms":1}"#, 4), (r#"{"kind":"clip","id":1}"#, 3)]
    {
        let mut decoder = Decoder::default();
        decoder.push(&MAGIC);
        decoder.push(&(header.len() as u32).to_le_bytes());
        decoder.push(&(sound as u32).to_le_bytes());
        decoder.push(header.as_bytes());
        decoder.push(&vec![0; sound]);
        assert!(matches!(decoder.next_message(), Err(WireError::Header(_))), "{header}");
    }
}
