use super::*;

fn ms(ms: u64) -> Time {
    Time::from_ms(ms)
}

/// Runs a schedule up to `until`, with a voice that the first face has while it speaks; a picture
/// takes `cost`. Returns when which face was drawn.
fn run(
    schedule: &mut Schedule,
    until: Time,
    cost: Duration,
    mut seen: impl FnMut(usize) -> bool,
) -> Vec<(Time, usize)> {
    let mut drawn = Vec::new();
    let mut free = Time::ZERO;
    let mut heard = schedule.wake().expect("there are faces");
    while let Some(wake) = schedule.wake().filter(|wake| *wake < until) {
        let now = wake.max(free);
        let speaks = schedule.faces[0].actor.pose(heard.min(now)).state == AgentState::Speaking;
        while speaks && heard < now {
            let level_dbfs = -16.0 - (heard.as_us() / 60_000 % 5) as f32 * 5.0;
            schedule.hear(heard, 0, Sound { level_dbfs, shape: None });
            heard = heard + Duration::from_millis(20);
        }
        let face = schedule.due(now).expect("somebody is due");
        if schedule.take(now, face, seen(face)).is_some() {
            drawn.push((now, face));
            free = now + cost;
        } else {
            free = now;
        }
    }
    drawn
}

fn speaking(faces: usize) -> Schedule {
    let seeds: Vec<u64> = (0..faces as u64).collect();
    let mut schedule = Schedule::new(Time::ZERO, &seeds);
    for face in 0..faces {
        let state = if face == 0 { AgentState::Speaking } else { AgentState::Listening };
        schedule.set_state(Time::ZERO, face, state);
    }
    schedule
}

fn rate(drawn: &[(Time, usize)], who: usize, from: u64, to: u64) -> f32 {
    let count = drawn.iter().filter(|(at, face)| *face == who && *at >= ms(from) && *at < ms(to));
    count.count() as f32 * 1_000.0 / (to - from) as f32
}

#[test]
fn fifteen_a_second_while_it_speaks_and_two_at_most_at_rest() {
    let mut schedule = speaking(12);
    let drawn = run(&mut schedule, ms(30_000), Duration::from_millis(1), |_| true);
    assert!((14.0..15.1).contains(&rate(&drawn, 0, 1_000, 30_000)));
    for face in 1..12 {
        let all = rate(&drawn, face, 1_000, 30_000);
        assert!((0.3..1.6).contains(&all), "face {face} at rest: {all} a second");
        let times: Vec<Time> = drawn
            .iter()
            .filter(|(at, f)| *f == face && *at > ms(1_000))
            .map(|(at, _)| *at)
            .collect();
        // In no five seconds more than two a second and the burst of a blink.
        let crowded = times.windows(14).any(|some| some[13].since(some[0]).as_secs() < 5);
        assert!(!crowded, "face {face}");
    }
    assert_eq!(schedule.rate_fps(), 15);
}

#[test]
fn thinking_stays_below_two_a_second() {
    let mut schedule = Schedule::new(Time::ZERO, &[5]);
    schedule.set_state(Time::ZERO, 0, AgentState::Thinking);
    let drawn = run(&mut schedule, ms(61_000), Duration::from_millis(1), |_| true);
    let all = rate(&drawn, 0, 1_000, 61_000);
    assert!((1.3..=2.0).contains(&all), "{all} a second");
}

#[test]
fn a_new_state_is_drawn_at_once() {
    let mut schedule = Schedule::new(Time::ZERO, &[5]);
    schedule.set_state(Time::ZERO, 0, AgentState::Idle);
    run(&mut schedule, ms(3_000), Duration::from_millis(1), |_| true);
    schedule.set_state(ms(3_000), 0, AgentState::Listening);
    assert_eq!(schedule.due(ms(3_000)), Some(0));
    assert_eq!(
        schedule.take(ms(3_000), 0, true).map(|pose| pose.state),
        Some(AgentState::Listening)
    );
    // It moves to its new look, and then rests again.
    let drawn = run(&mut schedule, ms(9_000), Duration::from_millis(1), |_| true);
    assert!(rate(&drawn, 0, 3_000, 3_300) > 9.0);
    assert!(rate(&drawn, 0, 4_000, 9_000) <= 2.0);
    // The same state again is nothing new.
    let wake = schedule.wake();
    schedule.set_state(ms(9_000), 0, AgentState::Listening);
    assert_eq!(schedule.wake(), wake);
}

#[test]
fn a_voice_wakes_a_face_that_rests() {
    let mut schedule = Schedule::new(Time::ZERO, &[5]);
    schedule.set_state(Time::ZERO, 0, AgentState::Idle);
    run(&mut schedule, ms(3_000), Duration::from_millis(1), |_| true);
    schedule.hear(ms(3_000), 0, Sound { level_dbfs: -20.0, shape: None });
    assert_eq!(schedule.due(ms(3_000)), Some(0));
}

#[test]
fn nobody_looks_and_nothing_is_drawn_and_who_looks_again_sees_it_soon() {
    let mut schedule = speaking(2);
    let drawn = run(&mut schedule, ms(5_000), Duration::from_millis(1), |_| false);
    assert!(drawn.is_empty());
    assert!(schedule.counts().skipped > 0 && schedule.counts().drawn == 0);
    let drawn = run(&mut schedule, ms(5_400), Duration::from_millis(1), |face| face == 1);
    assert!(drawn.iter().all(|(_, face)| *face == 1));
    assert!(drawn.first().is_some_and(|(at, _)| *at <= ms(5_250)), "{drawn:?}");
}

#[test]
fn what_would_look_the_same_is_not_drawn_again() {
    let mut schedule = Schedule::new(Time::ZERO, &[5]);
    assert!(schedule.take(ms(0), 0, true).is_some());
    assert!(schedule.take(ms(1), 0, true).is_none());
    assert_eq!((schedule.counts().drawn, schedule.counts().skipped), (1, 1));
}

#[test]
fn a_short_processor_lowers_the_rate_and_a_free_one_raises_it() {
    let mut schedule = speaking(1);
    // Each picture takes 90 ms: eight a second is more than there is time for.
    let drawn = run(&mut schedule, ms(10_000), Duration::from_millis(90), |_| true);
    assert_eq!(schedule.rate_fps(), 8);
    assert!(schedule.counts().late > 10);
    let slow = rate(&drawn, 0, 6_000, 10_000);
    assert!((6.0..9.0).contains(&slow), "{slow} a second");
    run(&mut schedule, ms(40_000), Duration::from_millis(1), |_| true);
    assert_eq!(schedule.rate_fps(), 15);
}

#[test]
fn faces_that_move_go_first() {
    let mut schedule = speaking(3);
    run(&mut schedule, ms(2_000), Duration::from_millis(1), |_| true);
    // Everybody is due by now; the one who speaks is first.
    assert_eq!(schedule.due(ms(20_000)), Some(0));
}
