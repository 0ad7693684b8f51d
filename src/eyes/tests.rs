use super::*;

fn tom() -> HumanId {
    HumanId::new("tom")
}

fn zoe() -> HumanId {
    HumanId::new("zoe")
}

fn frame(luma: u8) -> I420 {
    let mut frame = I420::black(64, 48).unwrap();
    frame.planes_mut().0.fill(luma);
    frame
}

fn picture(luma: u8) -> Picture {
    Picture::of_frame(&frame(luma))
}

fn s(seconds: u64) -> Time {
    Time::from_ms(seconds * 1_000)
}

/// The times in seconds at which it looks, when every look brings a frame at once.
fn looks(eyes: &mut Eyes, from: u64, to: u64) -> Vec<u64> {
    let looked = |tenth: u64| {
        let views = eyes.looks(Time::from_ms(tenth * 100));
        views.iter().for_each(|(human, source)| _ = eyes.frame(human, *source, &frame(50)));
        (!views.is_empty()).then_some(tenth / 10)
    };
    (from * 10..to * 10).filter_map(looked).collect()
}

fn ids(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(|seen| seen.picture.as_ref().map_or("none", |one| one.id().as_str())).collect()
}

#[test]
fn a_speaker_is_looked_at_every_second_and_others_seldom() {
    let mut eyes = Eyes::new(Options::default());
    assert_eq!((looks(&mut eyes, 0, 2), eyes.wake_at()), (vec![], None));
    eyes.view(&tom(), Source::Camera, true);
    assert_eq!(looks(&mut eyes, 2, 12), [2, 5, 8, 11]);
    eyes.speaks(&tom(), true);
    assert_eq!(looks(&mut eyes, 12, 16), [12, 13, 14, 15]);
    eyes.set_strained(true);
    assert_eq!(looks(&mut eyes, 16, 22), [17, 19, 21]);
    eyes.view(&tom(), Source::Camera, false);
    assert_eq!((looks(&mut eyes, 22, 30), eyes.wake_at()), (vec![], None));
}

#[test]
fn a_look_without_a_frame_is_given_up_and_tried_again() {
    let mut eyes = Eyes::new(Options::default());
    eyes.view(&tom(), Source::Screen, true);
    eyes.speaks(&tom(), true);
    assert_eq!(eyes.looks(s(1)), [(tom(), Source::Screen)]);
    assert_eq!((eyes.looks(s(3)), eyes.wake_at()), (vec![], Some(s(4))));
    assert_eq!(eyes.looks(s(4)).len(), 1);
    assert_eq!((eyes.counts().looks, eyes.counts().frames), (2, 0));
}

#[test]
fn only_what_changed_becomes_a_picture_and_one_at_a_time() {
    let mut eyes = Eyes::new(Options::default());
    assert!(!eyes.frame(&tom(), Source::Camera, &frame(50)), "nobody has a camera");
    eyes.view(&tom(), Source::Camera, true);
    assert!(eyes.frame(&tom(), Source::Camera, &frame(50)));
    assert!(!eyes.frame(&tom(), Source::Camera, &frame(200)), "one is being made");
    eyes.made(s(1), &tom(), Source::Camera, Some(picture(50)));
    assert!(!eyes.frame(&tom(), Source::Camera, &frame(52)));
    assert!(eyes.frame(&tom(), Source::Camera, &frame(200)));
    assert_eq!((eyes.counts().frames, eyes.counts().unchanged), (4, 2));
}

#[test]
fn a_line_takes_the_newest_once_and_again_only_much_later() {
    let mut eyes = Eyes::new(Options::default());
    eyes.view(&tom(), Source::Camera, true);
    eyes.made(s(1), &tom(), Source::Camera, Some(picture(50)));
    eyes.made(s(2), &tom(), Source::Camera, Some(picture(90)));
    let newest = picture(90);
    assert_eq!(ids(&eyes.would_give(s(3), &zoe())), [newest.id().as_str()]);
    assert_eq!(ids(&eyes.give(s(3), &zoe())), [newest.id().as_str()]);
    assert_eq!(ids(&eyes.give(s(4), &tom())), Vec::<&str>::new());
    assert_eq!(ids(&eyes.give(s(130), &tom())), [newest.id().as_str()]);
    assert_eq!((eyes.counts().given, eyes.counts().replaced), (2, 1));
}

#[test]
fn the_speakers_own_goes_first_and_the_order_is_that_of_seeing() {
    let mut eyes = Eyes::new(Options::default());
    for (at, human, source, luma) in [
        (1, tom(), Source::Screen, 30),
        (2, zoe(), Source::Camera, 60),
        (3, HumanId::new("max"), Source::Camera, 90),
    ] {
        eyes.view(&human, source, true);
        eyes.made(s(at), &human, source, Some(picture(luma)));
    }
    let [screen, zoes, maxs] = [30, 60, 90].map(picture);
    assert_eq!(ids(&eyes.give(s(4), &tom())), [screen.id().as_str(), maxs.id().as_str()]);
    assert_eq!(ids(&eyes.give(s(5), &tom())), [zoes.id().as_str()]);
}

#[test]
fn pasted_pictures_go_with_the_next_line_or_grow_old() {
    let mut eyes = Eyes::new(Options::default());
    let (one, two) = (picture(40), picture(80));
    eyes.made(s(1), &tom(), Source::Chat, Some(one.clone()));
    eyes.made(s(1), &tom(), Source::Chat, Some(two.clone()));
    assert_eq!(ids(&eyes.give(s(2), &tom())), [one.id().as_str(), two.id().as_str()]);
    assert_eq!(ids(&eyes.give(s(3), &tom())), Vec::<&str>::new());
    eyes.made(s(4), &tom(), Source::Chat, Some(one));
    assert_eq!(ids(&eyes.give(s(40), &tom())), Vec::<&str>::new());
    eyes.made(s(41), &tom(), Source::Chat, None);
    assert_eq!(ids(&eyes.give(s(42), &tom())), ["none"]);
    assert_eq!((eyes.counts().replaced, eyes.counts().refused), (1, 1));
}

#[test]
fn what_was_shown_just_before_a_camera_went_off_still_counts() {
    let mut eyes = Eyes::new(Options::default());
    eyes.view(&tom(), Source::Camera, true);
    assert!(eyes.frame(&tom(), Source::Camera, &frame(50)));
    eyes.view(&tom(), Source::Camera, false);
    eyes.made(s(1), &tom(), Source::Camera, Some(picture(50)));
    eyes.view(&tom(), Source::Camera, true);
    eyes.view(&tom(), Source::Camera, false);
    assert_eq!(eyes.give(s(2), &tom()).len(), 1);
    eyes.left(&tom());
    assert!(eyes.give(s(200), &tom()).is_empty());
}
