use super::export::Mix;
use super::*;

/// A sine of 440 Hz, loud enough to be found again.
fn tone(rate_hz: u32, count: usize) -> Vec<i16> {
    let step = std::f32::consts::TAU * 440.0 / rate_hz as f32;
    (0..count).map(|n| ((n as f32 * step).sin() * 12_000.0) as i16).collect()
}

fn loudest(samples: &[i16]) -> u16 {
    samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0)
}

fn decoded(path: &Path) -> Vec<i16> {
    let track = Track::parse(&std::fs::read(path).expect("written")).expect("a good track");
    let mut mix = Mix::default();
    mix.add(&track).expect("it can be decoded");
    mix.samples()
}

#[test]
fn sound_comes_back_at_its_time_with_its_gap() {
    for rate_hz in [16_000, 48_000] {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("tom.ogg");
        let mut track = TrackWriter::create(&path, rate_hz).expect("it begins");
        let step = rate_hz as usize / 100;
        // From 1 s to 2 s, and from 4 s to 5 s, 10 ms at a time.
        for ten_ms in (0..100).chain(300..400) {
            let end_us = 1_000_000 + (ten_ms + 1) * 10_000;
            track.push(end_us, &tone(rate_hz, step)).expect("there is room");
        }
        track.finish().expect("there is room");
        let samples = decoded(&path);
        let at = |ms: usize| loudest(&samples[ms * 48..(ms + 50) * 48]);
        assert!(at(800) < 100 && at(2_100) < 100 && at(3_800) < 100, "{rate_hz}");
        assert!(at(1_100) > 8_000 && at(1_900) > 8_000 && at(4_100) > 8_000, "{rate_hz}");
    }
}

#[test]
fn a_track_that_was_cut_off_is_read_up_to_there() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("tom.ogg");
    let mut track = TrackWriter::create(&path, 16_000).expect("it begins");
    for ten_ms in 1..=300 {
        track.push(ten_ms * 10_000, &tone(16_000, 160)).expect("there is room");
    }
    track.flush().expect("there is room");
    let file = std::fs::read(&path).expect("flushed");
    let whole = Track::parse(&file).expect("without an end").packets.len();
    assert!(whole * 20 >= 2_000, "{whole} packets of 150 are on the disk");
    for cut in 0..file.len() {
        if let Ok(track) = Track::parse(&file[..cut]) {
            assert!(track.packets.len() <= whole);
        }
    }
}

#[test]
fn flipped_bits_are_an_error_or_less_sound_and_never_a_panic() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("tom.ogg");
    let mut track = TrackWriter::create(&path, 16_000).expect("it begins");
    track.push(1_000_000, &tone(16_000, 16_000)).expect("there is room");
    track.finish().expect("there is room");
    let file = std::fs::read(&path).expect("written");
    for at in 0..file.len() {
        let mut bad = file.clone();
        bad[at] ^= 1 << (at % 8);
        if let Ok(track) = Track::parse(&bad) {
            let mut mix = Mix::default();
            // A granule beyond the longest export is an error of its own.
            let _ = mix.add(&track);
        }
    }
}
