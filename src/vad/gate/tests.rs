use proptest::prelude::*;

use super::*;

/// Onset 3 frames, hang-over 4.
fn gate() -> Gate {
    let frames = frames_to_duration;
    Gate::new(&Options { onset: frames(3), hang_over: frames(4), ..Options::default() })
}

/// `#` is a sure frame, `+` one between the thresholds, `.` silence.
fn changes(frames: &str) -> Vec<(usize, Change)> {
    let mut gate = gate();
    let probability = |frame| match frame {
        '#' => 0.9,
        '+' => 0.4,
        _ => 0.0,
    };
    frames
        .chars()
        .enumerate()
        .filter_map(|(index, frame)| Some((index, gate.frame(probability(frame))?)))
        .collect()
}

#[test]
fn speech_starts_after_the_onset_and_pauses_after_the_hang_over() {
    use Change::{Paused, Started};
    let cases: &[(&str, &[(usize, Change)])] = &[
        ("....", &[]),
        ("##..", &[]),
        ("###.", &[(2, Started { frames: 3 })]),
        ("..###....", &[(4, Started { frames: 3 }), (8, Paused)]),
        ("###...#....", &[(2, Started { frames: 3 }), (10, Paused)]),
        // Between the thresholds nothing begins, but what began goes on.
        ("++++", &[]),
        ("#++", &[(2, Started { frames: 3 })]),
        ("###++++++....", &[(2, Started { frames: 3 }), (12, Paused)]),
        // One hole is allowed while it rises, two are not.
        ("#.##", &[(3, Started { frames: 4 })]),
        ("#.#.#", &[(4, Started { frames: 5 })]),
        ("##..##", &[]),
        ("###....###", &[(2, Started { frames: 3 }), (6, Paused), (9, Started { frames: 3 })]),
    ];
    for (frames, expected) in cases {
        assert_eq!(&changes(frames), expected, "{frames}");
    }
}

#[test]
fn frames_without_voice_are_counted_in_speech() {
    let mut gate = gate();
    let mut counts = Vec::new();
    for frame in ".###..#....".chars() {
        gate.frame(if frame == '#' { 1.0 } else { 0.0 });
        counts.push(gate.unvoiced_frames());
    }
    assert_eq!(counts, [0, 0, 0, 0, 1, 2, 0, 1, 2, 3, 0]);
}

#[test]
fn a_reset_forgets_speech() {
    let mut gate = gate();
    for _ in 0..3 {
        gate.frame(1.0);
    }
    assert!(gate.is_speech() && gate.is_voiced());
    gate.reset();
    assert!(!gate.is_speech() && !gate.is_voiced() && !gate.is_rising());
}

proptest! {
    /// Starts and pauses alternate, and a start has enough voice behind it.
    #[test]
    fn starts_and_pauses_alternate(frames in prop::collection::vec(0.0_f32..1.0, 0..400)) {
        let mut gate = gate();
        let mut voiced = Vec::new();
        let mut speech = false;
        for probability in frames {
            let change = gate.frame(probability);
            voiced.push(gate.is_voiced());
            match change {
                Some(Change::Started { frames }) => {
                    prop_assert!(!speech);
                    let run = &voiced[voiced.len() - frames as usize..];
                    prop_assert!(run[0]);
                    prop_assert_eq!(run.iter().filter(|voiced| **voiced).count(), 3);
                    speech = true;
                }
                Some(Change::Paused) => {
                    prop_assert!(speech);
                    prop_assert!(voiced[voiced.len() - 4..].iter().all(|voiced| !voiced));
                    speech = false;
                }
                None => {}
            }
            prop_assert_eq!(gate.is_speech(), speech);
        }
    }
}
