//! The console over scripted engines: the same host, with a terminal in place of a server.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use troupe::config::{Config, Env, Flags, Options as Written};
use troupe::host::console::{Engines, Options, Stage, Terminal};
use troupe::latency::{Outcome, TurnRecord};
use troupe::llm::scripted::{Script, ScriptedEngine};
use troupe::stt::ears;
use troupe::stt::scripted::ScriptedRecogniser;
use troupe::time::Clock;
use troupe::tts::scripted::ScriptedVoice;

#[cfg(feature = "console")]
mod alsa;

/// The house cast.
fn config() -> Config {
    let env = Env { models_root: Some("unused".into()), ..Env::default() };
    Config::resolve(&Flags::default(), &env, &Written::default(), ".".as_ref()).expect("defaults")
}

/// Engines in which everybody answers with a sentence of their own.
fn engines(clock: Clock, recogniser: ScriptedRecogniser) -> Engines {
    let engine = ScriptedEngine::new(clock, |request| {
        Script::say(match request.seat.as_str() {
            "felix" => "Fish soup, in a storm, with all the onions that are left. ",
            _ => "I would ask Felix, who cooks. ",
        })
    });
    let ready = ears::Status::ready();
    Engines {
        recogniser: Arc::new(recogniser),
        ears: watch::channel(ready).1,
        engine: Arc::new(engine),
        voice: Arc::new(ScriptedVoice::default()),
        predictor: None,
        reader: None,
    }
}

/// What a conversation came to.
struct Talk {
    out: String,
    notes: String,
    records: Vec<TurnRecord>,
}

/// Has a conversation in the terminal, whose lines come through `lines`.
async fn talk(lines: mpsc::Receiver<String>, typed_live: bool) -> Talk {
    let clock = Clock::start();
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let terminal = Terminal { lines, out: &mut out, notes: &mut notes, typed_live, meter: false };
    let options = Options { text: true, name: "Tom".to_owned(), ..Options::default() };
    let (tasks, cancel) = (TaskTracker::new(), CancellationToken::new());
    let stage = Stage { clock, tasks: &tasks, cancel: &cancel };
    let engines = engines(clock, ScriptedRecogniser::default());
    let records = stage.play(&config(), &options, engines, None, terminal).await;
    let records = records.expect("the terminal takes it all");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Talk { out: text(out), notes: text(notes), records }
}

/// Lines that come from a pipe.
async fn piped(lines: &[&str]) -> Talk {
    let (send, receive) = mpsc::channel(lines.len().max(1));
    for line in lines {
        send.send((*line).to_owned()).await.expect("room for a line");
    }
    drop(send);
    talk(receive, false).await
}

fn outcome_of(talk: &Talk, persona: &str) -> Vec<Outcome> {
    let of = talk.records.iter().filter(|record| record.persona.as_str() == persona);
    of.map(|record| record.outcome).collect()
}

#[tokio::test(start_paused = true)]
async fn a_piped_conversation_is_written_down_line_by_line_and_ends_when_all_is_said() {
    let talk = piped(&["Felix, which soup do you cook?", "", "Ada, what do you think?"]).await;
    assert_eq!(
        talk.out,
        "Tom: Felix, which soup do you cook?\n\
         Felix: Fish soup, in a storm, with all the onions that are left.\n\
         Tom: Ada, what do you think?\n\
         Ada: I would ask Felix, who cooks.\n\
         Felix: Fish soup, in a storm, with all the onions that are left.\n"
    );
    assert!(talk.notes.contains("Felix is thinking\n"), "{}", talk.notes);
    assert_eq!(outcome_of(&talk, "felix")[..1], [Outcome::Spoke]);
    assert_eq!(outcome_of(&talk, "ada"), [Outcome::Passed, Outcome::Spoke]);
}

#[tokio::test(start_paused = true)]
async fn no_input_at_all_is_a_quiet_end() {
    let talk = piped(&[]).await;
    assert_eq!(talk.out, "");
    assert!(talk.notes.contains("Nora, Felix"), "{}", talk.notes);
}

#[tokio::test(start_paused = true)]
async fn a_persona_can_be_put_to_sleep_and_mistakes_are_told_beside_the_conversation() {
    let lines = ["/mode Felix asleep", "/mode Eve open", "/jump", "Felix, which soup?"];
    let talk = piped(&lines).await;
    assert_eq!(outcome_of(&talk, "felix"), [Outcome::Asleep]);
    assert!(!talk.out.contains("Felix: "), "{}", talk.out);
    assert!(talk.notes.contains("nobody here is called \"Eve\""), "{}", talk.notes);
    assert!(talk.notes.contains("\"/jump\" is not understood"), "{}", talk.notes);
}

#[tokio::test(start_paused = true)]
async fn who_is_hushed_stops_and_quit_ends_it_while_the_keyboard_is_there() {
    let (keyboard, lines) = mpsc::channel(8);
    let person = async {
        let types = |line: &str| keyboard.send(line.to_owned());
        types("Felix, which soup do you cook?").await.expect("taken");
        // The sentence takes three seconds to say.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        types("/hush felix").await.expect("taken");
        tokio::time::sleep(Duration::from_secs(1)).await;
        types("/quit").await.expect("taken");
    };
    let (talk, ()) = tokio::join!(talk(lines, true), person);
    assert!(talk.out.starts_with("Felix: Fish soup"), "{}", talk.out);
    assert!(!talk.out.contains("left"), "{}", talk.out);
    assert!(talk.out.ends_with('\n'), "{}", talk.out);
    assert_eq!(outcome_of(&talk, "felix"), [Outcome::Interrupted]);
}

/// `troupe console` as a process, with nothing to read and a machine without models.
fn console(args: &[&str], alsa: &str) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let alsa_config = folder.path().join("asound.conf");
    std::fs::write(&alsa_config, alsa).expect("written");
    let run = Command::new(env!("CARGO_BIN_EXE_troupe"))
        .arg("console")
        .args(args)
        .current_dir(folder.path())
        .env("TROUPE_MODELS", folder.path())
        .env("ALSA_CONFIG_PATH", &alsa_config)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (run.status.code(), text(run.stdout), text(run.stderr))
}

#[test]
fn what_is_missing_is_said_in_a_sentence_and_nothing_goes_to_the_output() {
    // Without models.
    let (code, out, notes) = console(&["--text"], "");
    assert_eq!((code, out.as_str()), (Some(2), ""), "{notes}");
    assert!(notes.contains("models pull"), "{notes}");
    // Without a sound device, or without the feature.
    for args in [&[][..], &["--list"]] {
        let (code, out, notes) = console(args, "");
        assert_eq!((code, out.as_str()), (Some(2), ""), "{notes}");
        assert!(notes.contains("--text"), "{notes}");
    }
}
