//! The document of the probes, and what a turn leaves in the file.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use troupe::config::{Config, Env, Flags, Options};
use troupe::llm::scripted::{Script, ScriptedEngine};
use troupe::probe::{self, Class, document};
use troupe::time::Clock;

use crate::host::Stand;

#[test]
fn the_document_of_the_probes_is_the_list_of_classes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/PROBES.md");
    if std::env::var_os("TROUPE_UPDATE_DOCS").is_some() {
        fs::write(&path, document()).expect("a writable checkout");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == document(),
        "docs/PROBES.md differs from src/probe/class.rs; write it anew with \
         TROUPE_UPDATE_DOCS=1 cargo test --no-default-features probes"
    );
}

#[test]
fn every_class_has_a_name_of_its_own_and_says_what_it_is() {
    let mut names: Vec<_> = Class::ALL.iter().map(|class| class.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Class::ALL.len());
    for class in Class::ALL {
        assert!(class.about().ends_with('.'), "{}", class.name());
        for field in class.fields() {
            assert!(field.about.ends_with('.'), "{}.{}", class.name(), field.name);
            assert!(field.name != "at_us" && field.name != "class", "{}", class.name());
        }
    }
}

/// The probes are the process's own, so the room that is probed runs in a process of its own.
#[test]
fn a_turn_leaves_its_probes_in_the_file() {
    let folder = tempfile::tempdir().expect("a writable folder");
    let file = folder.path().join("probes.jsonl");
    let child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "probes::the_room_that_is_probed", "--ignored"])
        .env("TROUPE_PROBE_FILE", &file)
        .env("TROUPE_PROBE_CLASSES", "*")
        .output()
        .expect("the child runs");
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));

    let text = fs::read_to_string(&file).expect("the child wrote it");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines[0]["class"], "probe.open");
    let of_felix: Vec<&str> = lines
        .iter()
        .filter(|line| line["persona"] == "felix" || line["turn"] == *lines_turn(&lines))
        .filter_map(|line| line["class"].as_str())
        .filter(|class| *class != "inference.forward.text")
        .collect();
    assert_eq!(
        of_felix,
        [
            "floor.grant",
            "persona.turn.begin",
            "persona.prompt.assemble",
            "inference.generate.enter",
            "inference.prefill",
            "kv.reuse",
            "inference.generate.exit",
            "tts.clause",
            "tts.first_audio",
            "floor.began",
            "floor.ended",
            "persona.turn.end",
        ]
    );
    let one = |class: &str| lines.iter().find(|line| line["class"] == class).expect(class);
    assert_eq!(one("inference.prefill")["took_us"], 200_000);
    assert!(one("inference.generate.exit")["tok_per_sec"].is_number());
    assert!(one("timing")["took_us"].is_u64());
    assert!(!text.contains("storm"), "what was said is in no probe");
    let mut at_us = lines.iter().map(|line| line["at_us"].as_u64().expect("a number"));
    assert!(at_us.any(|at_us| at_us > 200_000), "times are the host's");
}

/// The turn that was granted.
fn lines_turn(lines: &[Value]) -> &Value {
    &lines.iter().find(|line| line["class"] == "floor.grant").expect("a grant")["turn"]
}

#[tokio::test(start_paused = true)]
#[ignore = "run by a_turn_leaves_its_probes_in_the_file, in a process of its own"]
async fn the_room_that_is_probed() {
    let env = Env { models_root: Some("unused".into()), ..Env::read() };
    let config = Config::resolve(&Flags::default(), &env, &Options::default(), Path::new("."));
    let probes = config.expect("defaults hold").probes.expect("its parent gives a file");
    let guard = probe::install(&probes).expect("a writable folder");
    let clock = Clock::start();
    let engine = ScriptedEngine::new(clock, |_| {
        Script::say("Fish soup, in a storm. ")
            .prefill(Duration::from_millis(200))
            .per_token(Duration::from_millis(20))
    });
    let stand = Stand::open(clock, Arc::new(engine)).await;
    stand.types("Felix, which soup do you cook in a storm?", Duration::from_secs(20)).await;
    stand.end().await;
    drop(guard);
}
