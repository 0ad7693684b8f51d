use super::*;

const SIDE: u32 = 96;

fn drawn(ids: &[&str]) -> Vec<Portrait> {
    let face = Face::default();
    let cast: Vec<(&str, &Face)> = ids.iter().map(|id| (*id, &face)).collect();
    portraits(&cast).into_iter().map(|(portrait, _)| portrait).collect()
}

fn crowd(personas: usize) -> Vec<Portrait> {
    let ids: Vec<String> = (0..personas).map(|n| format!("persona-{n}")).collect();
    drawn(&ids.iter().map(String::as_str).collect::<Vec<_>>())
}

fn pixels(portrait: &mut Portrait, pose: &Pose) -> Vec<u8> {
    Painter::new(SIDE).draw(portrait, pose).to_vec()
}

/// The part of the pixels that differ visibly.
fn difference(a: &[u8], b: &[u8]) -> f32 {
    let differ = |(a, b): (&[u8], &[u8])| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > 24);
    let count = a.chunks_exact(4).zip(b.chunks_exact(4)).filter(|pair| differ(*pair)).count();
    count as f32 * 4.0 / a.len() as f32
}

#[test]
fn a_cast_of_twelve_has_twelve_faces() {
    let faces: Vec<Vec<u8>> =
        crowd(12).iter_mut().map(|face| pixels(face, &Pose::default())).collect();
    for (n, face) in faces.iter().enumerate() {
        for (m, other) in faces.iter().enumerate().skip(n + 1) {
            let differs = difference(face, other);
            assert!(differs > 0.3, "{n} and {m} differ in {differs} of their pixels");
        }
    }
}

#[test]
fn the_same_identity_has_the_same_face() {
    let (mut once, mut again) = (drawn(&["nora", "felix"]), drawn(&["felix", "nora"]));
    let pose = Pose::default();
    assert_eq!(pixels(&mut once[0], &pose), pixels(&mut again[1], &pose));
}

#[test]
fn every_look_of_a_face_can_be_seen() {
    let mut portrait = drawn(&["nora"]).remove(0);
    let still = pixels(&mut portrait, &Pose::default());
    let open = Mouth { open: 0.8, teeth: 0.7, ..Mouth::default() };
    for (what, least, pose) in [
        ("mouth", 0.004, Pose { mouth: open, ..Pose::default() }),
        ("blink", 0.006, Pose { lids: 0.0, ..Pose::default() }),
        ("listening", 0.01, Pose { state: AgentState::Listening, ..Pose::default() }),
        ("thinking", 0.02, Pose { state: AgentState::Thinking, ..Pose::default() }),
        ("speaking", 0.02, Pose { state: AgentState::Speaking, level: 0.5, ..Pose::default() }),
        ("gaze", 0.002, Pose { gaze: (0.6, -1.0), ..Pose::default() }),
        ("tilt", 0.02, Pose { tilt: 3.0, ..Pose::default() }),
    ] {
        let differs = difference(&still, &pixels(&mut portrait, &pose));
        assert!(differs > least, "{what} changes {differs} of the pixels");
        assert!(!Pose::default().looks_like(&pose), "{what}");
    }
    // And back, whatever was drawn in between.
    assert_eq!(still, pixels(&mut portrait, &Pose::default()));
}

/// Also in a dark beard, where ink would be lost.
#[test]
fn every_mouth_is_seen_shut_and_open() {
    let open = Mouth { open: 0.4, ..Mouth::default() };
    let narrow = Mouth { wide: -1.0, ..Mouth::default() };
    for (n, mut face) in crowd(60).into_iter().enumerate() {
        let mut with = |mouth| pixels(&mut face, &Pose { mouth, ..Pose::default() });
        let shut = with(Mouth::default());
        for (what, least, mouth) in [("open", 0.005, open), ("narrow", 0.001, narrow)] {
            let differs = difference(&shut, &with(mouth));
            assert!(differs > least, "{n} {what}: {differs} of the pixels");
        }
    }
}

#[test]
fn a_seed_and_a_colour_are_as_they_were_asked_for() {
    let seeded = Face::Drawn { rgb: Some(Rgb([0xc0, 0x30, 0x30])), seed: Some(4) };
    let other = Face::Drawn { rgb: Some(Rgb([0x30, 0x60, 0xc0])), seed: Some(4) };
    let cast = [("a", &seeded), ("b", &other), ("c", &seeded)];
    let mut faces: Vec<Portrait> = portraits(&cast).into_iter().map(|(face, _)| face).collect();
    let pictures: Vec<Vec<u8>> =
        faces.iter_mut().map(|face| pixels(face, &Pose::default())).collect();
    assert_eq!(pictures[0], pictures[2]);
    let [r, _, b, _] = pictures[0][..4] else { panic!("no pixel") };
    assert!(r > b, "red surroundings");
    let [r, _, b, _] = pictures[1][..4] else { panic!("no pixel") };
    assert!(b > r, "blue surroundings");
}

#[test]
fn a_still_is_shown_and_one_that_is_none_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("green.png");
    std::fs::write(&path, still::png(&[0, 200, 0, 255].repeat(64 * 64), 64)).unwrap();
    let (green, gone) = (Face::Picture(path), Face::Picture(folder.path().join("gone.png")));
    let mut faces = portraits(&[("green", &green), ("gone", &gone)]);
    assert!(faces[0].1.is_none());
    assert!(faces[1].1.as_ref().is_some_and(|error| error.to_string().contains("gone.png")));
    let middle = (SIDE * SIDE / 2 + SIDE / 2) as usize * 4;
    let speaking = Pose { state: AgentState::Speaking, level: 0.2, ..Pose::default() };
    let quiet = pixels(&mut faces[0].0, &speaking);
    assert_eq!(quiet[middle..middle + 3], [0, 200, 0]);
    // The ring grows with the voice, on a still as well.
    let loud = pixels(&mut faces[0].0, &Pose { level: 1.0, ..speaking });
    assert!(difference(&quiet, &loud) > 0.01);
    assert_ne!(pixels(&mut faces[1].0, &speaking)[middle..middle + 3], [0, 200, 0]);
}

#[test]
fn a_picture_for_the_room_is_full_and_opaque() {
    let mut portrait = drawn(&["nora"]).remove(0);
    let mut painter = Painter::new(SIDE);
    let mut picture = I420::black(SIDE, SIDE).unwrap();
    painter.picture(&mut portrait, &Pose::default(), &mut picture);
    assert!(picture.y().iter().all(|luma| (16..=235).contains(luma)));
    assert!(picture.y().iter().filter(|luma| **luma > 100).count() > picture.y().len() / 3);
    assert!(painter.draw(&mut portrait, &Pose::default()).chunks_exact(4).all(|p| p[3] == 255));
    let png = painter.png(&mut portrait, &Pose::default());
    assert!(png.starts_with(b"\x89PNG") && png.len() < 60_000, "{} bytes", png.len());
}
