//! The real voice: model, phonemiser, resampler.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use troupe::audio::Pcm;
use troupe::mouth::Shape;
use troupe::persona::VoiceStyle;
use troupe::tts::espeak::Phonemiser;
use troupe::tts::piper::{Options, PiperVoice, Variation};
use troupe::tts::{Synthesiser, VoiceError};

const MODEL: &str = "piper-en-us-joe/en_US-joe-medium.onnx";

fn model() -> PathBuf {
    let root = std::env::var_os("TROUPE_MODELS").expect(
        "TROUPE_MODELS names no folder of models; run scripts/test, which pulls them and sets it",
    );
    let path = PathBuf::from(root).join(MODEL);
    assert!(path.exists(), "{} is missing; `troupe models pull` brings it", path.display());
    path
}

async fn voice() -> PiperVoice {
    let options = Options { variation: Variation::None, ..Options::new(model()) };
    PiperVoice::start(options).await.expect("the voice starts")
}

async fn say(voice: &PiperVoice, text: &str, pitch: f32, pace: f32) -> Pcm {
    voice.synthesise(text, &VoiceStyle { pitch, pace }).await.expect("sound")
}

/// Of the strongest period between 70 and 400 Hz, over the loudest half second.
fn pitch_hz(sound: &Pcm) -> f32 {
    let energy = |part: &[i16]| part.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
    let part = sound
        .samples
        .windows(24_000)
        .step_by(2_400)
        .max_by(|a, b| energy(a).total_cmp(&energy(b)))
        .expect("half a second of sound");
    let similarity = |lag: &usize| {
        let pairs = part.iter().zip(&part[*lag..]);
        pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
    };
    let lag = (120..685).max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    48_000.0 / lag.expect("some lag") as f32
}

#[tokio::test]
async fn a_clause_sounds_soon_at_an_even_level_and_without_silence_before_it() {
    let voice = voice().await;
    let began = Instant::now();
    let sound = say(&voice, "Well, to be honest,", 0.0, 1.0).await;
    // A tenth of real time on a free core; this only notices a voice that cannot keep up.
    assert!(began.elapsed() < sound.duration() * 2, "{:?}", began.elapsed());
    let seconds = sound.duration().as_secs_f32();
    assert!((0.7..2.0).contains(&seconds), "{seconds} s");
    let first = sound.samples.iter().position(|s| s.unsigned_abs() > 328).expect("it is voiced");
    assert!(first < 48 * 40, "{first} samples of silence");
    let peak = sound.samples.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0);
    assert!((8_000..=29_500).contains(&peak), "{peak}");
}

#[tokio::test]
async fn pace_and_pitch_change_what_they_name_and_nothing_else() {
    let voice = voice().await;
    let text = "The garden is full of old roses.";
    let plain = say(&voice, text, 0.0, 1.0).await;
    assert_eq!(plain, say(&voice, text, 0.0, 1.0).await, "without variation it is the same");
    let quick = say(&voice, text, 0.0, 1.5).await;
    let ratio = plain.duration().as_secs_f32() / quick.duration().as_secs_f32();
    assert!((1.25..1.7).contains(&ratio), "pace 1.5 is {ratio} as fast");
    let high = say(&voice, text, 5.0, 1.0).await;
    let ratio = plain.duration().as_secs_f32() / high.duration().as_secs_f32();
    assert!((0.85..1.18).contains(&ratio), "pitch makes it {ratio} as fast");
    let raised = pitch_hz(&high) / pitch_hz(&plain);
    assert!((1.15..1.55).contains(&raised), "five semitones up are {raised}");
}

#[tokio::test]
async fn any_text_gives_sound_or_none_and_no_error() {
    let voice = voice().await;
    for silent in ["", "👍", "...", "\u{0}", "***"] {
        assert!(say(&voice, silent, 0.0, 1.0).await.samples.is_empty(), "{silent:?}");
    }
    let endless = "bla ".repeat(60);
    for spoken in ["<speak>hi</speak>", "[[zzzzzz]] a\nb\u{7}", "Привет 3.14%", "x", &endless]
    {
        assert!(!say(&voice, spoken, 0.0, 1.0).await.samples.is_empty(), "{spoken:?}");
    }
    assert_eq!(voice.phonemiser_restarts(), 0);
}

#[tokio::test]
async fn phonemes_keep_their_marks_and_come_at_once() {
    let phonemes = Phonemiser::new("espeak-ng", "en-us");
    let first = phonemes.phonemes("Hello, Mr. Smith. How are you?").await.expect("phonemes");
    assert!(first.starts_with("həlˈoʊ, mˈɪstɚ smˈɪθ. "), "{first}");
    assert!(first.ends_with("juː?"), "{first}");
    let began = Instant::now();
    for n in 0..20 {
        phonemes.phonemes(&format!("It is number {n}, isn't it?")).await.expect("phonemes");
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?} for 20 clauses", began.elapsed());
}

#[tokio::test]
async fn a_damaged_model_is_refused_with_the_mend() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let damaged = dir.path().join("voice.onnx");
    let json = format!("{}.json", model().display());
    std::fs::copy(json, dir.path().join("voice.onnx.json")).expect("a copied configuration");
    for bytes in [&b"not a model"[..], &[], &[8; 100_000]] {
        std::fs::write(&damaged, bytes).expect("a written file");
        let error = PiperVoice::start(Options::new(&damaged)).await.expect_err("no model");
        assert!(matches!(error, VoiceError::Start(_)), "{error}");
        assert!(error.to_string().contains("troupe models pull"), "{error}");
    }
}

/// The lengths that the network keeps inside are those of what is heard: lips are together where
/// the sound is quiet, and apart where it is loud.
#[tokio::test]
async fn the_mouth_is_where_the_sound_is() {
    let voice = voice().await;
    for (pitch, pace) in [(0.0, 1.0), (5.0, 1.2)] {
        let sound = say(&voice, "Papa, a baby, a happy baby.", pitch, pace).await;
        let cues = &sound.mouth;
        assert!(cues.len() > 12, "{cues:?}");
        assert!(cues.windows(2).all(|two| two[0].at <= two[1].at), "{cues:?}");
        assert!((cues[cues.len() - 1].at as usize) < sound.samples.len());
        let ends = cues.iter().skip(1).map(|cue| cue.at as usize).chain([sound.samples.len()]);
        let mean = |closed: bool| {
            let parts = cues
                .iter()
                .zip(ends.clone())
                .filter(|(cue, _)| (cue.shape == Shape::Closed) == closed);
            let parts: Vec<&[i16]> =
                parts.map(|(cue, end)| &sound.samples[cue.at as usize..end]).collect();
            let energy = parts.iter().flat_map(|part| part.iter());
            let sum: f64 = energy.map(|s| f64::from(*s).powi(2)).sum();
            (sum / parts.iter().map(|part| part.len()).sum::<usize>() as f64).sqrt()
        };
        let (apart, together) = (mean(false), mean(true));
        assert!(apart > 2.0 * together, "{apart} against {together}");
    }
}
