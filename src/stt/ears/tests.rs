//! With processes that are scripts, so that no engine is needed.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::stt::wire::{Message, encode};

/// A folder with a program that speaks what the test wants.
struct Stage {
    folder: tempfile::TempDir,
    cancel: CancellationToken,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let stage = Self { folder, cancel: CancellationToken::new() };
        stage.write("ready", &Message::Ready { load_ms: 1 });
        for id in [1, 2] {
            let text = format!("text {id}");
            let (no_speech, token_probability) = (0.25, 0.75);
            let message = Message::Text { id, text, no_speech, token_probability, took_us: 5 };
            stage.write(&format!("text{id}"), &message);
        }
        stage
    }

    fn write(&self, name: &str, message: &Message) {
        let bytes = encode(message).expect("short");
        fs::write(self.folder.path().join(name), bytes).expect("a file");
    }

    /// A program that runs `script` in the stage's folder; `$CLIP` is a clip's length.
    fn options(&self, script: &str) -> Options {
        let clip = Message::Clip { id: 1, samples: clip().samples.to_vec() };
        let length = encode(&clip).expect("short").len();
        let here = self.folder.path();
        let program = here.join("program");
        let script = format!("#!/bin/sh\ncd {}\nCLIP={length}\n{script}\n", here.display());
        fs::write(&program, script).expect("a program");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
        Options {
            program,
            pause_min: Duration::from_millis(10),
            pause_max: Duration::from_millis(40),
            ..Options::new(PathBuf::from("no-model"))
        }
    }

    fn start(&self, options: Options) -> Ears {
        let (ears, keeper) = Ears::new(options);
        tokio::spawn(keeper.run(self.cancel.clone()));
        ears
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

fn clip() -> Clip {
    Clip { samples: vec![0.5; 1_600].into() }
}

async fn cause_of_death(ears: &Ears) -> String {
    let mut status = ears.status();
    let down = status.wait_for(|status| matches!(status.state, EarsState::Down { .. })).await;
    match &down.expect("the keeper runs").state {
        EarsState::Down { cause, .. } => cause.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn clips_go_out_and_texts_come_in() {
    let stage = Stage::new();
    let script = "cat ready; head -c $CLIP >/dev/null; cat text1
        head -c $CLIP >/dev/null; cat text2; cat >/dev/null";
    let ears = stage.start(stage.options(script));
    for text in ["text 1", "text 2"] {
        let expected =
            Recognition { text: text.to_owned(), no_speech: 0.25, token_probability: 0.75 };
        assert_eq!(ears.recognise(&clip()).await.expect("a text"), expected);
    }
    let status = ears.status().borrow().clone();
    assert_eq!((status.state, status.restarts), (EarsState::Ready, 0));
}

#[tokio::test]
async fn a_death_over_a_clip_is_told_and_the_next_clip_finds_a_new_process() {
    let stage = Stage::new();
    let script = "cat ready; head -c $CLIP >/dev/null
        if [ ! -e died ]; then touch died; echo 'out of luck' >&2; exit 7; fi
        cat text1; cat >/dev/null";
    let ears = stage.start(stage.options(script));
    let RecogniserError::Died(cause) = ears.recognise(&clip()).await.expect_err("it dies") else {
        panic!("a death is no refusal");
    };
    assert!(cause.ends_with("out of luck"), "{cause}");
    assert_eq!(ears.recognise(&clip()).await.expect("a text").text, "text 1");
    assert_eq!(ears.status().borrow().restarts, 1);
}

#[tokio::test]
async fn a_death_while_idle_is_noticed() {
    let stage = Stage::new();
    let ears = stage.start(stage.options("cat ready; sleep 0.05; exit 3"));
    assert!(cause_of_death(&ears).await.contains("exit status: 3"));
    let mut status = ears.status();
    status.wait_for(|status| status.restarts >= 2).await.expect("it is started again");
}

#[tokio::test]
async fn a_clip_that_takes_too_long_costs_the_process_its_life() {
    let stage = Stage::new();
    let mut options = stage.options("cat ready; exec sleep 600");
    options.clip_within = Duration::from_millis(50);
    let ears = stage.start(options);
    let error = ears.recognise(&clip()).await.expect_err("it hangs");
    assert!(error.to_string().contains("took longer than"), "{error}");
    assert!(cause_of_death(&ears).await.contains("took longer than"));
}

#[tokio::test]
async fn what_cannot_be_understood_is_a_death() {
    let stage = Stage::new();
    for (script, expected) in [
        ("echo hello; exec sleep 600", "cannot be understood"),
        ("cat text1; exec sleep 600", "did not say that they are ready"),
        ("cat ready; head -c $CLIP >/dev/null; cat text2; exec sleep 600", "an answer to nothing"),
        ("echo 'no such model' >&2; exit 2", "no such model"),
    ] {
        let ears = stage.start(stage.options(script));
        let clip = clip();
        let asked = tokio::time::timeout(Duration::from_millis(200), ears.recognise(&clip));
        let (cause, _) = tokio::join!(cause_of_death(&ears), asked);
        assert!(cause.contains(expected), "{script}: {cause}");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let stage = Stage::new();
    let program = stage.folder.path().join("nowhere");
    let ears = stage.start(Options { program, ..stage.options("") });
    let cause = cause_of_death(&ears).await;
    assert!(cause.contains("nowhere cannot be started"), "{cause}");
}

#[tokio::test]
async fn cancelling_ends_the_process() {
    let stage = Stage::new();
    let (ears, keeper) = Ears::new(stage.options("cat ready; cat >/dev/null; touch ended"));
    let keeping = tokio::spawn(keeper.run(stage.cancel.clone()));
    let mut status = ears.status();
    status.wait_for(|status| status.state == EarsState::Ready).await.expect("it starts");
    stage.cancel.cancel();
    keeping.await.expect("it ends");
    assert!(stage.folder.path().join("ended").exists());
    assert!(ears.recognise(&clip()).await.is_err());
}
