use proptest::prelude::*;

use super::*;

/// Something with structure: a rising tone that is louder in every other quarter second.
fn sound(samples: usize) -> Vec<i16> {
    (0..samples)
        .map(|n| {
            let loud = if n / 4_000 % 2 == 0 { 9_000.0 } else { 500.0 };
            let phase = n as f32 * 0.05 + (n as f32).powi(2) * 1e-6;
            (phase.sin() * loud) as i16
        })
        .collect()
}

#[test]
fn silence_is_no_speech() {
    let mut detector = Detector::default();
    let scored = detector.push(&[0; 16_000]);
    assert_eq!(scored.len(), 62);
    assert!(scored.iter().all(|frame| frame.probability < 0.35 && frame.level == 0.0));
}

#[test]
fn the_level_is_the_root_mean_square() {
    let square: Vec<i16> = [i16::MAX / 2, -i16::MAX / 2].repeat(FRAME_SAMPLES / 2);
    let level = Detector::default().push(&square)[0].level;
    assert!((level - 0.5).abs() < 0.001, "{level}");
}

proptest! {
    /// However the sound is cut into chunks, the same frames come out at the same places.
    #[test]
    fn chunks_make_no_difference(lengths in prop::collection::vec(0_usize..700, 1..20)) {
        let sound = sound(lengths.iter().sum());
        let at_once = Detector::default().push(&sound);
        let mut detector = Detector::default();
        let mut in_chunks = Vec::new();
        let mut taken = 0;
        for length in lengths {
            let chunk = &sound[taken..taken + length];
            taken += length;
            in_chunks.extend(detector.push(chunk).into_iter().map(|frame| Scored {
                behind: frame.behind + sound.len() - taken,
                ..frame
            }));
        }
        prop_assert_eq!(in_chunks, at_once);
    }
}
