use proptest::prelude::*;

use super::*;
use crate::id::HumanId;

/// An utterance whose clip is as long as its voice.
fn utterance(id: u64, human: &str, from_ms: u64, length_ms: u64) -> Utterance {
    let samples = vec![id as f32; length_ms as usize * 16];
    Utterance {
        id: UtteranceId(id),
        human: HumanId::new(human),
        clip: Clip { samples: samples.into() },
        voiced_start: Time::from_ms(from_ms),
        voiced_end: Time::from_ms(from_ms + length_ms),
        endpoint: Time::from_ms(from_ms + length_ms + 350),
        voiced: Duration::from_millis(length_ms),
        cut: false,
    }
}

fn queue(capacity: usize) -> Queue {
    Queue::new(Options { capacity, ..Options::default() })
}

fn push(queue: &mut Queue, utterance: Utterance) {
    assert!(queue.push(Time::ZERO, utterance).is_ok());
}

/// What comes out: the ids of each clip.
fn drain(queue: &mut Queue) -> Vec<Vec<u64>> {
    let ids = |waiting: Waiting| {
        std::iter::once(waiting.utterance.id).chain(waiting.merged).map(|id| id.0).collect()
    };
    std::iter::from_fn(|| queue.pop(Time::ZERO)).map(ids).collect()
}

#[test]
fn they_leave_in_order_of_onset() {
    let mut queue = queue(8);
    for (id, human, from_ms) in [(1, "bo", 3_000), (2, "al", 1_000), (3, "cy", 2_000)] {
        push(&mut queue, utterance(id, human, from_ms, 500));
    }
    assert_eq!(drain(&mut queue), [[2], [3], [1]]);
}

#[test]
fn one_thought_in_pieces_is_recognised_at_once() {
    let mut queue = queue(8);
    push(&mut queue, utterance(1, "al", 0, 1_000));
    push(&mut queue, utterance(2, "al", 1_600, 1_000));
    push(&mut queue, utterance(3, "al", 9_000, 1_000));
    assert_eq!(drain(&mut queue), [vec![1, 2], vec![3]]);
    assert_eq!(queue.counters().merged, 1);
}

/// What is known already is no work to save, and it keeps the order of onset.
#[test]
fn what_is_known_waits_for_its_turn_only() {
    let mut queue = queue(8);
    let recognition = Recognition { text: "hello".into(), no_speech: 0.0, token_probability: 0.9 };
    let known = Known { recognition, begun: Time::ZERO, done: Time::from_ms(9) };
    let (now, onset) = (Time::ZERO, Some(Time::from_ms(999)));
    push(&mut queue, utterance(2, "al", 1_600, 1_000));
    assert!(queue.push_known(now, utterance(1, "al", 1_000, 500), Some(known.clone())).is_ok());
    assert!(queue.pop_known(now, onset).is_none(), "one with an earlier onset is in hand");
    let first = queue.pop_known(now, Some(Time::from_ms(1_000))).expect("it is its turn");
    assert_eq!((first.utterance.id, first.known), (UtteranceId(1), Some(known)));
    assert!(queue.pop_known(now, None).is_none(), "the next is not known");
    assert_eq!(drain(&mut queue), [[2]]);
}

#[test]
fn somebody_between_keeps_a_thought_in_pieces() {
    let mut queue = queue(8);
    push(&mut queue, utterance(1, "al", 0, 1_000));
    push(&mut queue, utterance(2, "bo", 500, 1_000));
    push(&mut queue, utterance(3, "al", 1_600, 1_000));
    assert_eq!(drain(&mut queue), [[1], [2], [3]]);
}

#[test]
fn joined_clips_have_silence_between_and_both_times() {
    let mut queue = queue(8);
    push(&mut queue, utterance(1, "al", 0, 1_000));
    push(&mut queue, utterance(2, "al", 1_600, 500));
    let waiting = queue.pop(Time::from_ms(40)).expect("two were pushed");
    let joined = waiting.utterance;
    assert_eq!(joined.clip.duration(), Duration::from_millis(1_700));
    assert_eq!(joined.clip.samples[16_000 + 100], 0.0);
    assert_eq!(joined.clip.samples[16_000 + 3_200], 2.0);
    assert_eq!(joined.voiced_start, Time::ZERO);
    assert_eq!(joined.voiced_end, Time::from_ms(2_100));
    assert_eq!(joined.endpoint, Time::from_ms(2_450));
    assert_eq!(joined.voiced, Duration::from_millis(1_500));
    assert_eq!(queue.counters().waited_max, Duration::from_millis(40));
}

#[test]
fn a_cut_utterance_goes_on_without_a_joint() {
    let mut queue = queue(8);
    push(&mut queue, Utterance { cut: true, ..utterance(1, "al", 0, 1_000) });
    push(&mut queue, utterance(2, "al", 1_000, 500));
    let joined = queue.pop(Time::ZERO).expect("two were pushed").utterance;
    assert_eq!(joined.clip.duration(), Duration::from_millis(1_500));
    assert!(!joined.cut);
}

#[test]
fn a_full_queue_joins_neighbours_first() {
    let mut queue = queue(3);
    push(&mut queue, utterance(1, "al", 0, 1_000));
    push(&mut queue, utterance(2, "bo", 10_000, 1_000));
    push(&mut queue, utterance(3, "al", 20_000, 1_000));
    push(&mut queue, utterance(4, "al", 30_000, 9_000));
    assert_eq!(queue.len(), 3);
    push(&mut queue, utterance(5, "cy", 40_000, 1_000));
    assert_eq!(drain(&mut queue), [vec![1, 3, 4], vec![2], vec![5]]);
}

#[test]
fn what_cannot_be_joined_is_given_back() {
    let mut queue = queue(2);
    push(&mut queue, utterance(1, "al", 0, 20_000));
    push(&mut queue, utterance(2, "bo", 1_000, 1_000));
    let back = queue.push(Time::ZERO, utterance(3, "al", 30_000, 9_000));
    assert_eq!(back.expect_err("29 s are too long").id, UtteranceId(3));
    let back = queue.push(Time::ZERO, utterance(4, "cy", 30_000, 1_000));
    assert_eq!(back.expect_err("nobody's neighbour").id, UtteranceId(4));
    assert_eq!(drain(&mut queue), [[1], [2]]);
}

#[derive(Clone, Debug)]
enum Step {
    Push { human: u8, pause_ms: u64, length_ms: u64 },
    Pop,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let push = (0..4_u8, 0..4_000_u64, 100..15_000_u64)
        .prop_map(|(human, pause_ms, length_ms)| Step::Push { human, pause_ms, length_ms });
    prop::collection::vec(prop_oneof![3 => push, 1 => Just(Step::Pop)], 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Everything that is pushed comes out once or is given back; bounds and order hold.
    #[test]
    fn nothing_is_lost(steps in steps(), capacity in 1_usize..6) {
        let mut queue = queue(capacity);
        let mut now_ms = 0;
        let mut pushed = 0;
        let mut out = Vec::new();
        let mut keep = |waiting: Waiting| -> Result<(), TestCaseError> {
            prop_assert!(waiting.utterance.clip.duration() <= Duration::from_secs(28));
            out.push(waiting.utterance.id.0);
            out.extend(waiting.merged.iter().map(|id| id.0));
            Ok(())
        };
        for step in steps {
            match step {
                Step::Push { human, pause_ms, length_ms } => {
                    now_ms += pause_ms;
                    pushed += 1;
                    let human = format!("h{human}");
                    let utterance = utterance(pushed, &human, now_ms, length_ms);
                    if let Err(back) = queue.push(Time::from_ms(now_ms), utterance) {
                        let (merged, since) = (vec![], Time::ZERO);
                        keep(Waiting { utterance: *back, merged, since, known: None })?;
                    }
                }
                Step::Pop => queue.pop(Time::from_ms(now_ms)).map_or(Ok(()), &mut keep)?,
            }
            prop_assert!(queue.len() <= capacity);
            let onsets = queue.waiting.iter().map(|waiting| waiting.utterance.voiced_start);
            prop_assert!(onsets.is_sorted());
        }
        while let Some(waiting) = queue.pop(Time::from_ms(now_ms)) {
            keep(waiting)?;
        }
        out.sort_unstable();
        prop_assert_eq!(out, (1..=pushed).collect::<Vec<_>>());
    }
}
