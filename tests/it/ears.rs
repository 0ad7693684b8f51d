//! The real `troupe-ears` with the real model.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use troupe::audio::Clip;
use troupe::stt::Recogniser;
use troupe::stt::ears::{Ears, EarsState, Options};

const MODEL: &str = "whisper-tiny.en/ggml-tiny.en.bin";
const MEND: &str = "run `troupe models pull` and set TROUPE_MODELS to the folder of the models";

fn model() -> PathBuf {
    let root = std::env::var_os("TROUPE_MODELS").unwrap_or_else(|| panic!("no model: {MEND}"));
    let model = PathBuf::from(root).join(MODEL);
    assert!(model.exists(), "{} is missing: {MEND}", model.display());
    model
}

fn start(cancel: &CancellationToken) -> Ears {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_troupe-ears"));
    let (ears, keeper) = Ears::new(Options { program, ..Options::new(model()) });
    tokio::spawn(keeper.run(cancel.clone()));
    ears
}

/// "What do you like to do in the evening?"
fn question() -> Clip {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sounds/room_evening.wav");
    let wav = hound::WavReader::open(path).expect("the sound is part of the repository");
    let samples = wav.into_samples::<i16>().map(|sample| f32::from(sample.expect("whole")));
    Clip { samples: samples.map(|sample| sample / 32_768.0).collect() }
}

async fn assert_understood(ears: &Ears) {
    let heard = ears.recognise(&question()).await.expect("a text");
    assert!(heard.text.contains("like to do in the evening"), "{heard:?}");
    assert!(heard.token_probability > 0.5 && heard.no_speech < 0.5, "{heard:?}");
}

async fn ready_pid(ears: &Ears) -> u32 {
    let mut status = ears.status();
    let ready = status.wait_for(|status| status.state == EarsState::Ready);
    let status = timeout(Duration::from_secs(60), ready).await.expect("ready in time");
    status.expect("the keeper runs").pid.expect("a process that is ready has a number")
}

#[test]
fn the_fast_kernels_are_built_in() {
    let mut ears = Command::new(env!("CARGO_BIN_EXE_troupe-ears"));
    let said = ears.arg("--model").arg(model()).stdin(Stdio::null()).output().expect("it starts");
    let log = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success() && !log.contains("fast kernels"), "{log}");
}

#[tokio::test]
async fn a_killed_recogniser_comes_back_and_understands() {
    let cancel = CancellationToken::new();
    let ears = start(&cancel);
    assert_understood(&ears).await;
    let first = ready_pid(&ears).await;
    let killed = Command::new("kill").args(["-9", &first.to_string()]).status();
    assert!(killed.expect("kill is there").success());
    let mut status = ears.status();
    let again = status.wait_for(|status| status.pid.is_some_and(|pid| pid != first));
    timeout(Duration::from_secs(60), again).await.expect("in time").expect("the keeper runs");
    assert_understood(&ears).await;
    assert_eq!(ears.status().borrow().restarts, 1);
    cancel.cancel();
}
