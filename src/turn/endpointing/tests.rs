use proptest::prelude::*;

use super::*;

const FRAME: Duration = Duration::from_millis(16);
/// Speech of the test's people starts a while after the track.
const BEGIN: Time = Time::from_ms(1_000);

/// Onset 3 frames, hang-over 4, silence 10, pre-roll 5, post-roll 4, least voice 6, longest 2 s.
fn options() -> Options {
    Options {
        gate: gate::Options { onset: 3 * FRAME, hang_over: 4 * FRAME, ..gate::Options::default() },
        // Told of only where a test asks for it.
        lull: 4 * FRAME,
        silence: 10 * FRAME,
        pre_roll: 5 * FRAME,
        post_roll: 4 * FRAME,
        least_voice: 6 * FRAME,
        longest: Duration::from_secs(2),
        gap: Duration::from_millis(100),
        brief: Duration::ZERO,
        brief_wait: 30 * FRAME,
    }
}

/// One speaker whose frames come as they are spoken.
struct Speaker {
    endpointer: Endpointer,
    frames: u64,
    now: Time,
    effects: Vec<Effect>,
}

impl Speaker {
    fn new(options: Options) -> Self {
        let endpointer = Endpointer::new(options);
        Self { endpointer, frames: 0, now: BEGIN, effects: Vec::new() }
    }

    fn frame(&mut self, probability: f32, level: f32) {
        self.frames += 1;
        self.now = self.now + FRAME;
        let to_sample = self.frames * FRAME_SAMPLES as u64;
        let frame = Frame { to_sample, at: self.now, probability, level };
        self.effects.extend(self.endpointer.frame(self.now, frame));
    }

    /// `#` is voice, `.` silence.
    fn frames(&mut self, frames: &str) -> &mut Self {
        for frame in frames.chars() {
            let voice = if frame == '#' { 1.0 } else { 0.0 };
            self.frame(voice, voice * 0.5);
        }
        self
    }

    fn many(&mut self, frame: &str, count: usize) -> &mut Self {
        self.frames(&frame.repeat(count))
    }

    /// No frames for so long.
    fn gap(&mut self, gap: Duration) -> &mut Self {
        self.now = self.now + gap;
        self.effects.extend(self.endpointer.wake(self.now));
        self
    }

    /// The effects since the last call, without what pauses alone bring.
    fn effects(&mut self) -> Vec<Effect> {
        let of_pauses = |effect: &Effect| {
            matches!(
                effect,
                Effect::Lull(_) | Effect::Paused(_) | Effect::StillPaused(_) | Effect::Resumed
            )
        };
        self.all_effects().into_iter().filter(|effect| !of_pauses(effect)).collect()
    }

    /// All but how long it lasts.
    fn all_effects(&mut self) -> Vec<Effect> {
        let lasts = |effect: &Effect| matches!(effect, Effect::Lasts { .. });
        std::mem::take(&mut self.effects).into_iter().filter(|effect| !lasts(effect)).collect()
    }

    /// After how many frames of voice it was told that it lasts.
    fn lasting(&mut self) -> Vec<u32> {
        let voiced =
            std::mem::take(&mut self.effects).into_iter().filter_map(|effect| match effect {
                Effect::Lasts { voiced } => Some(duration_to_frames(voiced)),
                _ => None,
            });
        voiced.collect()
    }

    /// What a model says about the pause that began at the end of frame `frame`.
    fn judged(&mut self, frame: u64, complete: f32) -> bool {
        self.endpointer.judged(frame_end(frame), complete)
    }

    fn spans(&mut self) -> Vec<Span> {
        let spans = self.effects().into_iter().filter_map(|effect| match effect {
            Effect::Utterance(span) => Some(span),
            _ => None,
        });
        spans.collect()
    }
}

fn frame_end(frame: u64) -> Time {
    BEGIN + FRAME * u32::try_from(frame).expect("tests are short")
}

fn frames_of(span: &Span) -> (u64, u64) {
    (span.from_sample / FRAME_SAMPLES as u64, span.to_sample / FRAME_SAMPLES as u64)
}

#[test]
fn what_lasts_is_told_of_each_stretch_and_what_is_long_once() {
    let of = |frames: &[(&str, usize)]| {
        let mut speaker = Speaker::new(options());
        for (frame, count) in frames {
            speaker.many(frame, *count);
        }
        speaker.lasting()
    };
    assert_eq!(of(&[("#", 18), (".", 20)]), [0; 0], "288 ms is short");
    assert_eq!(of(&[("#", 30), (".", 20)]), [19]);
    assert_eq!(of(&[("#", 70), (".", 20)]), [19, 63]);
    // A name, a pause, and what it is called for.
    assert_eq!(of(&[("#", 15), (".", 6), ("#", 15), (".", 20)]), [18]);
    assert_eq!(of(&[("#", 25), (".", 6), ("#", 25)]), [19, 28]);
    // Two utterances.
    assert_eq!(of(&[("#", 25), (".", 20), ("#", 25)]), [19, 19]);
}

#[test]
fn an_utterance_has_its_rolls_and_its_times() {
    let effects = Speaker::new(options()).many(".", 20).many("#", 30).many(".", 20).effects();
    let expected = Span {
        from_sample: 15 * FRAME_SAMPLES as u64,
        to_sample: 54 * FRAME_SAMPLES as u64,
        voiced_start: frame_end(20),
        voiced_end: frame_end(50),
        voiced: 30 * FRAME,
        endpoint: frame_end(60),
        cut: false,
    };
    let started = Effect::SpeechStarted { at: frame_end(20) };
    assert_eq!(effects, [started, Effect::Utterance(expected)]);
}

#[test]
fn the_track_may_begin_with_voice() {
    let spans = Speaker::new(options()).many("#", 10).many(".", 10).spans();
    assert_eq!(frames_of(&spans[0]), (0, 14));
    assert_eq!(spans[0].voiced_start, BEGIN);
}

#[test]
fn a_click_is_nothing_and_a_cough_is_dropped() {
    assert_eq!(Speaker::new(options()).frames("...##").many(".", 20).effects(), []);
    let at = frame_end(3);
    assert_eq!(
        Speaker::new(options()).frames("...####").many(".", 20).effects(),
        [Effect::SpeechStarted { at }, Effect::SpeechDropped]
    );
}

#[test]
fn a_pause_shorter_than_the_silence_is_part_of_it() {
    let spans =
        Speaker::new(options()).many("#", 10).many(".", 9).many("#", 10).many(".", 10).spans();
    assert_eq!(spans.len(), 1);
    assert_eq!(frames_of(&spans[0]), (0, 33));
    assert_eq!(spans[0].voiced, 20 * FRAME);
}

#[test]
fn a_click_in_the_silence_does_not_prolong_it() {
    let mut speaker = Speaker::new(options());
    let spans = speaker.many("#", 10).frames("......#").many(".", 10).spans();
    assert_eq!(spans[0].voiced_end, frame_end(10));
    // It waits for the click to show that it is none.
    assert!(spans[0].endpoint <= frame_end(20));
}

#[test]
fn speech_that_is_just_rising_is_waited_for() {
    let spans =
        Speaker::new(options()).many("#", 10).many(".", 8).many("#", 10).many(".", 10).spans();
    assert_eq!(spans.len(), 1);
}

#[test]
fn utterances_do_not_share_sound() {
    let spans =
        Speaker::new(options()).many("#", 10).many(".", 11).many("#", 10).many(".", 10).spans();
    assert_eq!(frames_of(&spans[0]), (0, 14));
    assert_eq!(frames_of(&spans[1]), (16, 35));
    let mut close = options();
    close.pre_roll = 9 * FRAME;
    let spans = Speaker::new(close).many("#", 10).many(".", 11).many("#", 10).many(".", 10).spans();
    assert_eq!(frames_of(&spans[1]).0, 14);
}

#[test]
fn a_pause_is_told_once_as_the_utterance_that_it_may_end() {
    let mut speaker = Speaker::new(options());
    let effects = speaker.many("#", 10).frames("......#..").all_effects();
    let [Effect::SpeechStarted { .. }, Effect::Paused(span)] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!((frames_of(span), span.voiced_end), ((0, 14), frame_end(10)));
    assert_eq!((span.voiced, span.endpoint, span.cut), (10 * FRAME, frame_end(14), false));
    // The same stretch of voice, whatever of the roll has come meanwhile.
    let mut ended = span.clone();
    let mut other = Speaker::new(options());
    let spans = other.many("#", 10).many(".", 10).spans();
    ended.endpoint = frame_end(20);
    assert_eq!(spans, [ended]);
}

#[test]
fn a_lull_is_told_before_it_is_a_pause_and_so_is_its_end() {
    let options = Options { lull: 2 * FRAME, ..options() };
    let mut speaker = Speaker::new(options.clone());
    let effects = speaker.many("#", 10).frames(".#...##....").all_effects();
    let [_, Effect::Lull(first), Effect::Resumed, Effect::Lull(second), Effect::Paused(pause)] =
        &effects[..]
    else {
        panic!("{effects:?}");
    };
    assert_eq!((first.voiced_end, first.endpoint), (frame_end(12), frame_end(14)));
    assert_eq!((second.voiced_end, second.endpoint), (frame_end(17), frame_end(19)));
    assert_eq!((pause.voiced_end, pause.endpoint), (frame_end(17), frame_end(21)));
    // A noise has none.
    let effects = Speaker::new(options).many("#", 4).many(".", 20).all_effects();
    assert!(matches!(&effects[..], [_, Effect::SpeechDropped]), "{effects:?}");
}

#[test]
fn going_on_is_told_and_the_next_pause_again() {
    let mut speaker = Speaker::new(options());
    speaker.many("#", 10).many(".", 6).many("#", 10).many(".", 6);
    let effects = speaker.all_effects();
    let [_, Effect::Paused(first), Effect::Resumed, Effect::Paused(second)] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(first.voiced_end, frame_end(10));
    assert_eq!((frames_of(second), second.voiced), ((0, 30), 20 * FRAME));
}

#[test]
fn nobody_is_asked_about_a_cough() {
    let mut speaker = Speaker::new(options());
    let effects = speaker.many("#", 4).many(".", 6).many("#", 4).many(".", 10).all_effects();
    let [_, Effect::Paused(span), Effect::Utterance(_)] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(span.voiced, 8 * FRAME);
}

#[test]
fn a_judgement_sets_the_wait_of_its_pause_only() {
    // Complete with this probability: the frames of silence until the end, the fixed ones being 10.
    for (complete, silence) in [(1.0, 15), (0.5, 22), (0.25, 54), (0.1, 104)] {
        let mut speaker = Speaker::new(options());
        speaker.many("#", 10).many(".", 5);
        assert!(speaker.judged(10, complete));
        assert_eq!(speaker.many(".", silence - 6).spans(), [], "{complete}");
        assert_eq!(speaker.many(".", 1).spans()[0].endpoint, frame_end(10 + silence as u64));
    }
    let mut speaker = Speaker::new(options());
    speaker.many("#", 10).many(".", 5);
    assert!(speaker.judged(10, 0.0));
    let spans = speaker.many(".", 15).many("#", 10).many(".", 9).spans();
    assert_eq!(spans, []);
    assert_eq!(speaker.many(".", 1).spans()[0].endpoint, frame_end(50));
}

#[test]
fn what_follows_a_called_name_is_waited_for_though_the_name_sounds_complete() {
    // Voiced frames, and the frames of silence until the end.
    for (voiced, silence) in [(11, 30), (12, 15)] {
        let mut speaker = Speaker::new(Options { brief: 12 * FRAME, ..options() });
        speaker.many("#", voiced).many(".", 5);
        assert!(speaker.judged(voiced as u64, 1.0));
        let spans = speaker.many(".", 30).spans();
        assert_eq!(spans[0].endpoint, frame_end(voiced as u64 + silence));
    }
}

#[test]
fn a_long_pause_is_told_again_and_may_be_judged_anew() {
    let mut speaker = Speaker::new(options());
    speaker.many("#", 10).many(".", 5);
    assert!(speaker.judged(10, 0.1));
    let effects = speaker.many(".", 94).all_effects();
    let [_, Effect::Paused(_), again @ ..] = &effects[..] else { panic!("{effects:?}") };
    let told: Vec<_> = again
        .iter()
        .map(|effect| match effect {
            Effect::StillPaused(span) => (frames_of(span).1, span.voiced_end, span.endpoint),
            other => panic!("{other:?}"),
        })
        .collect();
    // After 400, 800 and 1,300 ms.
    assert_eq!(told, [35, 60, 92].map(|frame| (frame, frame_end(10), frame_end(frame))));
    assert!(speaker.judged(10, 1.0));
    assert_eq!(speaker.many(".", 1).spans()[0].endpoint, frame_end(110));
}

#[test]
fn without_frames_a_long_pause_is_told_by_the_clock() {
    let mut speaker = Speaker::new(options());
    speaker.many("#", 10).gap(Duration::from_millis(100));
    assert!(speaker.judged(10, 0.1));
    speaker.all_effects();
    assert_eq!(speaker.endpointer.wake_at(), Some(frame_end(10) + Duration::from_millis(400)));
    let effects = speaker.gap(Duration::from_millis(300)).all_effects();
    assert!(matches!(&effects[..], [Effect::StillPaused(_)]), "{effects:?}");
    assert_eq!(speaker.endpointer.wake_at(), Some(frame_end(10) + Duration::from_millis(800)));
}

#[test]
fn a_judgement_that_comes_late_changes_nothing() {
    let mut speaker = Speaker::new(options());
    speaker.many("#", 10);
    assert!(!speaker.judged(10, 0.0), "no pause yet");
    speaker.many(".", 5).many("#", 10).many(".", 5);
    assert!(!speaker.judged(10, 0.0), "another pause");
    assert_eq!(speaker.many(".", 5).spans().len(), 1);
    assert!(!speaker.judged(25, 0.0), "the utterance is over");
}

#[test]
fn a_speaker_who_pauses_long_is_given_time_and_cuts_are_learnt_from() {
    let mut speaker = Speaker::new(options());
    // Five pauses of 30 frames, each taken for the end.
    for _ in 0..6 {
        speaker.many("#", 10).many(".", 30);
    }
    assert_eq!(speaker.spans().len(), 6);
    speaker.many("#", 10).many(".", 5);
    assert!(speaker.judged(250, 1.0));
    // 0.4 of 480 ms is less than the least wait; a stranger's is 15 frames.
    assert_eq!(speaker.many(".", 8).spans()[0].endpoint, frame_end(263));
}

#[test]
fn without_frames_the_clock_ends_it() {
    let mut speaker = Speaker::new(options());
    speaker.many("#", 10);
    assert_eq!(speaker.endpointer.wake_at(), Some(frame_end(10) + Duration::from_millis(100)));
    let effects = speaker.gap(Duration::from_millis(100)).all_effects();
    assert!(matches!(&effects[..], [_, Effect::Paused(span)] if frames_of(span) == (0, 10)));
    assert_eq!(speaker.endpointer.wake_at(), Some(frame_end(20)));
    let spans = speaker.gap(Duration::from_millis(59)).spans();
    assert_eq!(spans, []);
    let spans = speaker.gap(Duration::from_millis(1)).spans();
    assert_eq!(frames_of(&spans[0]), (0, 10));
    assert_eq!(spans[0].endpoint, frame_end(20));
    assert_eq!(speaker.endpointer.wake_at(), None);
}

#[test]
fn the_clock_waits_while_frames_come() {
    let mut speaker = Speaker::new(options());
    speaker.many("#", 10).many(".", 8);
    let wake_at = speaker.endpointer.wake_at();
    assert_eq!(wake_at, Some(frame_end(18) + Duration::from_millis(100)));
}

#[test]
fn a_gap_makes_two_utterances_of_one_and_forgets_what_was_rising() {
    let mut speaker = Speaker::new(options());
    speaker.many("#", 10).gap(Duration::from_secs(1)).many("#", 10).many(".", 10);
    assert_eq!(speaker.spans().len(), 2);
    speaker.frames("##").gap(Duration::from_secs(1)).frames("#").many(".", 20);
    assert_eq!(speaker.effects(), []);
}

#[test]
fn the_end_of_the_track_ends_the_utterance() {
    let mut speaker = Speaker::new(options());
    assert_eq!(speaker.endpointer.end(BEGIN), None);
    speaker.many("#", 10).effects();
    let Some(Effect::Utterance(span)) = speaker.endpointer.end(speaker.now) else {
        panic!("what was said is kept");
    };
    assert_eq!(frames_of(&span), (0, 10));
    assert_eq!(span.endpoint, frame_end(10));
}

#[test]
fn a_long_utterance_is_cut_where_it_is_quietest() {
    let mut speaker = Speaker::new(options());
    for frame in 0..125 {
        let level = if (80..85).contains(&frame) { 0.05 } else { 0.5 };
        speaker.frame(1.0, level);
    }
    let effects = speaker.effects();
    let [started, Effect::Utterance(span), again] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(*started, Effect::SpeechStarted { at: BEGIN });
    assert_eq!(frames_of(span), (0, 83));
    assert_eq!((span.voiced_end, span.voiced, span.cut), (frame_end(83), 83 * FRAME, true));
    assert_eq!(*again, Effect::SpeechStarted { at: frame_end(83) });
    let rest = speaker.many(".", 10).spans();
    assert_eq!(frames_of(&rest[0]), (83, 129));
    assert_eq!((rest[0].voiced, rest[0].cut), (42 * FRAME, false));
}

#[test]
fn a_cut_in_the_last_pause_leaves_no_rest() {
    let mut speaker = Speaker::new(options());
    let effects = speaker.many("#", 119).many(".", 30).effects();
    assert_eq!(effects.len(), 2, "{effects:?}");
    assert!(matches!(&effects[1], Effect::Utterance(span) if !span.cut));
    assert!(!speaker.endpointer.is_open());
}

/// Voice and silence of random lengths, some of it unsure.
fn speech() -> impl Strategy<Value = Vec<(f32, f32)>> {
    let stretch = (1_usize..60, prop_oneof![0.0_f32..0.35, 0.0_f32..1.0, 0.5_f32..1.0]);
    let stretches = prop::collection::vec(stretch, 0..40);
    (stretches, 0_u32..1_000).prop_map(|(stretches, seed)| {
        let frames = stretches.iter().flat_map(|&(frames, p)| std::iter::repeat_n(p, frames));
        let level = |index: usize| ((index as u32 * 7_919 + seed) % 101) as f32 / 100.0;
        frames.enumerate().map(|(index, p)| (p, level(index))).collect()
    })
}

proptest! {
    /// No voiced stretch that is long enough is lost or heard twice, and the bounds hold.
    #[test]
    fn every_stretch_of_voice_is_in_exactly_one_utterance(speech in speech()) {
        let mut speaker = Speaker::new(Options { lull: 2 * FRAME, ..options() });
        let longest = duration_to_samples(options().longest, EARS_RATE_HZ) as u64;
        for &(probability, level) in &speech {
            speaker.frame(probability, level);
            let end = speaker.frames * FRAME_SAMPLES as u64;
            let held = end - speaker.endpointer.needed_from_sample();
            prop_assert!(held < longest + FRAME_SAMPLES as u64);
        }
        speaker.effects.extend(speaker.endpointer.end(speaker.now));
        check_pauses(&speaker.effects)?;
        let effects = speaker.effects();
        check_protocol(&effects)?;
        let spans: Vec<&Span> = effects.iter().filter_map(|effect| match effect {
            Effect::Utterance(span) => Some(span),
            _ => None,
        }).collect();
        for pair in spans.windows(2) {
            prop_assert!(pair[0].to_sample <= pair[1].from_sample);
        }
        for span in &spans {
            prop_assert!(span.from_sample < span.to_sample);
            prop_assert!(span.to_sample - span.from_sample <= longest);
            prop_assert!(span.voiced_start < span.voiced_end && span.voiced_end <= span.endpoint);
        }
        for frame in surely_voiced(&speech) {
            let sample = frame as u64 * FRAME_SAMPLES as u64;
            let holds = |span: &&&Span| (span.from_sample..span.to_sample).contains(&sample);
            prop_assert_eq!(spans.iter().filter(holds).count(), 1, "frame {}", frame);
        }
    }
}

/// A start is followed by exactly one end before the next start.
fn check_protocol(effects: &[Effect]) -> Result<(), TestCaseError> {
    prop_assert_eq!(effects.len() % 2, 0);
    for pair in effects.chunks(2) {
        prop_assert!(matches!(pair[0], Effect::SpeechStarted { .. }), "{:?}", pair);
        prop_assert!(!matches!(pair[1], Effect::SpeechStarted { .. }), "{:?}", pair);
    }
    Ok(())
}

/// Each pause belongs to the utterance in hand, and going on follows a pause.
fn check_pauses(effects: &[Effect]) -> Result<(), TestCaseError> {
    let mut open = false;
    let mut paused: Option<&Span> = None;
    let mut lull: Option<&Span> = None;
    for effect in effects {
        match effect {
            Effect::SpeechStarted { .. } => (open, paused, lull) = (true, None, None),
            Effect::Lull(span) => {
                prop_assert!(open && paused.is_none() && lull.is_none(), "{:?}", effects);
                lull = Some(span);
            }
            Effect::Paused(span) => {
                prop_assert!(open && paused.is_none(), "{:?}", effects);
                // The same voice, unless frames stopped coming before.
                prop_assert!(lull.is_none_or(|lull| lull.voiced_end == span.voiced_end));
                paused = Some(span);
            }
            Effect::StillPaused(_) => prop_assert!(paused.is_some(), "{:?}", effects),
            Effect::Lasts { .. } => prop_assert!(open && paused.is_none(), "{:?}", effects),
            Effect::Resumed => {
                prop_assert!(paused.is_some() || lull.is_some(), "{:?}", effects);
                (paused, lull) = (None, None);
            }
            Effect::SpeechDropped => prop_assert!(paused.is_none(), "{:?}", effects),
            Effect::Utterance(span) => {
                (open, lull) = (false, None);
                if let Some(pause) = paused.take().filter(|_| !span.cut) {
                    prop_assert_eq!(pause.from_sample, span.from_sample);
                    prop_assert!(pause.voiced_end >= span.voiced_end);
                }
            }
        }
    }
    Ok(())
}

/// The frames of stretches above the upper threshold that are long enough for an utterance.
fn surely_voiced(speech: &[(f32, f32)]) -> Vec<usize> {
    let mut frames = Vec::new();
    let mut stretch = Vec::new();
    for (index, &(probability, _)) in speech.iter().chain([&(0.0, 0.0)]).enumerate() {
        if probability >= 0.5 {
            stretch.push(index);
            continue;
        }
        if stretch.len() >= 6 {
            frames.append(&mut stretch);
        }
        stretch.clear();
    }
    frames
}
