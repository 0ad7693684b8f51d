use super::*;

const STATES: [AgentState; 5] = [
    AgentState::Initializing,
    AgentState::Idle,
    AgentState::Listening,
    AgentState::Thinking,
    AgentState::Speaking,
];
const SPEECH: f32 = -20.0;

fn ms(ms: u64) -> Time {
    Time::from_ms(ms)
}

/// A face that has come to rest in a state, at a second.
fn at_rest(state: AgentState) -> Actor {
    let mut actor = Actor::new(Time::ZERO, 1);
    actor.set_state(Time::ZERO, state);
    actor.pose(ms(1_000));
    actor
}

/// Plays frames of 20 ms from `from` on; returns when the last one is over.
fn play(actor: &mut Actor, from: u64, frames: u64, level_dbfs: f32, shape: Option<Shape>) -> u64 {
    for frame in 0..frames {
        actor.hear(ms(from + frame * 20), Sound { level_dbfs, shape });
    }
    from + frames * 20
}

#[test]
fn the_mouth_is_closed_in_silence_and_open_in_voice() {
    let mut actor = at_rest(AgentState::Speaking);
    assert_eq!(actor.pose(ms(1_010)).mouth.open, 0.0);
    let end = play(&mut actor, 1_020, 10, SPEECH, None);
    assert!(actor.pose(ms(end)).mouth.open > 0.4);
    // Silence that is played.
    let end = play(&mut actor, end, 10, -60.0, Some(Shape::Open));
    assert!(actor.pose(ms(end)).mouth.open < 0.05);
    // And nothing played at all.
    let end = play(&mut actor, end, 10, SPEECH, Some(Shape::Open));
    assert!(actor.pose(ms(end)).mouth.open > 0.6);
    assert!(actor.pose(ms(end + 200)).mouth.open < 0.05);
}

#[test]
fn it_is_open_and_closed_within_80_ms_of_the_sound() {
    for shape in [None, Some(Shape::Mid), Some(Shape::Open), Some(Shape::Wide)] {
        let mut actor = at_rest(AgentState::Speaking);
        play(&mut actor, 1_000, 2, SPEECH, shape);
        assert!(actor.pose(ms(1_040)).mouth.open > 0.15, "{shape:?}");
        let end = play(&mut actor, 1_040, 20, SPEECH, shape);
        play(&mut actor, end, 3, -90.0, shape);
        assert!(actor.pose(ms(end + 60)).mouth.open < 0.2, "{shape:?}");
        play(&mut actor, end + 60, 1, -90.0, shape);
        assert!(actor.pose(ms(end + 80)).mouth.open < 0.12, "{shape:?}");
    }
}

#[test]
fn shapes_can_be_told_apart() {
    let mouth = |shape| {
        let mut actor = at_rest(AgentState::Speaking);
        let end = play(&mut actor, 1_000, 20, SPEECH, Some(shape));
        actor.pose(ms(end)).mouth
    };
    assert!(mouth(Shape::Closed).open < 0.03);
    assert!(mouth(Shape::Open).open > mouth(Shape::Mid).open + 0.2);
    assert!(mouth(Shape::Wide).wide > 0.5 && mouth(Shape::Small).wide < -0.6);
    assert!(mouth(Shape::Tongue).tongue > 0.8 && mouth(Shape::Bite).teeth > 0.8);
}

#[test]
fn louder_is_wider_where_only_the_energy_is_known() {
    let open = |level| {
        let mut actor = at_rest(AgentState::Speaking);
        let end = play(&mut actor, 1_000, 20, level, None);
        actor.pose(ms(end)).mouth.open
    };
    assert!(open(-35.0) + 0.2 < open(-22.0) && open(-22.0) + 0.1 < open(-12.0));
}

/// The parts of a pose that move, with how much of them may pass in a millisecond.
fn parts(pose: &Pose) -> [(f32, f32); 12] {
    let Pose { mouth, smile, lids, gaze, brows, tilt, shift, level, .. } = *pose;
    [
        (mouth.open, 0.04),
        (mouth.wide, 0.08),
        (mouth.teeth, 0.04),
        (mouth.tongue, 0.04),
        (smile, 0.02),
        (lids, 0.03),
        (gaze.0, 0.06),
        (gaze.1, 0.06),
        (brows, 0.03),
        (tilt, 0.1),
        (shift.0, 0.05),
        (shift.1, 0.05 + 0.0 * level),
    ]
}

/// Whatever comes, nothing jumps: all states, sounds and silences in a row, looked at every
/// millisecond.
#[test]
fn poses_are_continuous() {
    let mut actor = Actor::new(Time::ZERO, 9);
    let mut before = actor.pose(Time::ZERO);
    let shapes = [None, Some(Shape::Open), Some(Shape::Closed), Some(Shape::Small)];
    for now in 1..40_000_u64 {
        if now % 900 == 0 {
            actor.set_state(ms(now), STATES[(now / 900) as usize % STATES.len()]);
        }
        if now % 20 == 0 && now / 700 % 2 == 0 {
            let level_dbfs = -60.0 + (now / 60 % 5) as f32 * 12.0;
            let shape = shapes[(now / 80) as usize % shapes.len()];
            actor.hear(ms(now), Sound { level_dbfs, shape });
        }
        let pose = actor.pose(ms(now));
        for (n, ((new, most), (old, _))) in parts(&pose).iter().zip(parts(&before)).enumerate() {
            assert!((new - old).abs() <= *most, "part {n} jumps by {} at {now} ms", new - old);
        }
        before = pose;
    }
}

/// Whoever asks every millisecond and whoever asks seldom see the same face.
#[test]
fn a_pose_does_not_depend_on_who_asked_before() {
    let (mut often, mut seldom) = (Actor::new(Time::ZERO, 3), Actor::new(Time::ZERO, 3));
    for actor in [&mut often, &mut seldom] {
        actor.set_state(Time::ZERO, AgentState::Speaking);
    }
    for now in 0..1_500_u64 {
        if now % 20 == 0 {
            let sound = Sound { level_dbfs: -20.0, shape: Some(Shape::Mid) };
            often.hear(ms(now), sound);
            seldom.hear(ms(now), sound);
        }
        often.pose(ms(now));
    }
    let (often, seldom) = (often.pose(ms(1_500)), seldom.pose(ms(1_500)));
    assert!((often.mouth.open - seldom.mouth.open).abs() < 0.01);
    assert!((often.tilt - seldom.tilt).abs() < 0.2);
}

#[test]
fn every_state_has_a_look_of_its_own() {
    let looks = STATES.map(|state| at_rest(state).pose(ms(1_000)));
    let [asleep, idle, listening, thinking, speaking] = looks;
    assert!(asleep.lids < 0.05 && idle.lids > 0.95);
    assert!(listening.brows > idle.brows + 0.3 && listening.tilt.abs() > 2.0);
    assert!(thinking.gaze.1 < -0.9 && thinking.smile < idle.smile);
    assert!(speaking.tilt != 0.0);
    let mut thinking = at_rest(AgentState::Thinking);
    let steps: Vec<u8> = (0..5).map(|n| thinking.pose(ms(2_100 + n * 700)).step).collect();
    assert_eq!(steps, [3, 0, 1, 2, 3]);
}

#[test]
fn it_blinks_every_few_seconds_and_looks_about() {
    let mut actor = at_rest(AgentState::Idle);
    let (mut blinks, mut glances, mut shut, mut aside) = (0, 0, false, false);
    for now in (1_000..121_000).step_by(10) {
        let pose = actor.pose(ms(now));
        blinks += u32::from(pose.lids < 0.1 && !shut);
        shut = pose.lids < 0.1;
        let is_aside = pose.gaze.0.abs() + pose.gaze.1.abs() > 0.05;
        glances += u32::from(is_aside && !aside);
        aside = is_aside;
    }
    assert!((20..=50).contains(&blinks), "{blinks} blinks in two minutes");
    assert!((10..=28).contains(&glances), "{glances} glances in two minutes");
}

/// Pictures at the beats alone show every blink shut and open again.
#[test]
fn the_beats_of_a_face_at_rest_show_its_blinks() {
    let mut actor = at_rest(AgentState::Idle);
    let (mut now, mut lids) = (ms(1_000), Vec::new());
    while now < ms(61_000) {
        let next = actor.next_beat(now);
        assert!(next > now);
        now = next;
        lids.push(actor.pose(now).lids);
        assert!(!actor.is_moving(now));
    }
    let shut = lids.iter().filter(|lids| **lids < 0.1).count();
    assert!((10..=28).contains(&shut), "{shut} blinks in a minute");
    assert!(lids.windows(2).all(|two| two[0] > 0.1 || two[1] > 0.9), "{lids:?}");
}

#[test]
fn a_face_that_nobody_asked_for_long_does_not_catch_up() {
    let mut actor = at_rest(AgentState::Idle);
    let later = ms(3_600_000);
    assert!(actor.pose(later).lids > 0.9);
    assert!(actor.next_beat(later) > later);
}
