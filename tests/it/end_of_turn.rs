//! The real end-of-turn model.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use troupe::stt::end_of_turn::smart_turn::SmartTurn;

const MODEL: &str = "smart-turn-v3.2/smart-turn-v3.2-cpu.onnx";
const MEND: &str = "run `troupe models pull` and set TROUPE_MODELS to the folder of the models";

/// "What do you like to do in the evening?", 2.6 s.
fn question() -> Vec<f32> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sounds/room_evening.wav");
    let wav = hound::WavReader::open(path).expect("the sound is part of the repository");
    let samples = wav.into_samples::<i16>().map(|sample| f32::from(sample.expect("whole")));
    samples.map(|sample| sample / 32_768.0).collect()
}

/// On these the runtimes agree within 0.003; after a hard cut inside a word they may be 0.03 apart.
const APART_MAX: f32 = 0.02;

/// The expected figures are onnxruntime's, with the reference's own features and the same graph.
#[test]
fn it_says_what_the_reference_says() {
    let root = std::env::var_os("TROUPE_MODELS").unwrap_or_else(|| panic!("no model: {MEND}"));
    let path = PathBuf::from(root).join(MODEL);
    assert!(path.exists(), "{} is missing: {MEND}", path.display());
    let model = SmartTurn::load(&path).expect("the model loads");
    let question = question();
    let cases = [
        (12_000, 0.750),
        (16_000, 0.009),
        (20_000, 0.217),
        (28_000, 0.729),
        (question.len(), 0.057),
    ];
    let begun = Instant::now();
    for (samples, expected) in cases {
        let mut sound = question[..samples].to_vec();
        if samples < question.len() {
            // A pause of 160 ms.
            sound.resize(samples + 2_560, 0.0);
        }
        let complete = model.ask(&sound).expect("an answer");
        println!("{samples} samples: {complete}, expected {expected}");
        assert!((complete - expected).abs() < APART_MAX, "{samples} samples: {complete}");
    }
    let each = begun.elapsed() / cases.len() as u32;
    println!("{each:?} for an answer");
    // Some 50 ms on a free core; this only notices an answer that always comes too late.
    assert!(each < Duration::from_millis(500), "{each:?} for an answer");
}
