//! What scripts read of the program itself: JSON on standard output, and exit codes.

use std::process::{Command, Output};

use serde_json::Value;

/// The program in a folder of its own, with nothing of the user's.
fn troupe(args: &[&str], variables: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().expect("a writable folder");
    Command::new(env!("CARGO_BIN_EXE_troupe"))
        .args(args)
        .env_clear()
        .env("TROUPE_MODELS", folder.path())
        .envs(variables.iter().copied())
        .current_dir(folder.path())
        .output()
        .expect("it runs")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)))
}

const SERVER: [(&str, &str); 3] = [
    ("LIVEKIT_URL", "ws://127.0.0.1:1"),
    ("LIVEKIT_API_KEY", "key"),
    ("LIVEKIT_API_SECRET", "hush-hush-hush-hush-hush-hush-32"),
];

#[test]
fn the_doctor_names_what_is_missing_with_its_mend_and_ends_with_2() {
    let output = troupe(&["doctor", "--json"], &SERVER);
    assert_eq!(output.status.code(), Some(2));
    let report = json(&output);
    assert_eq!(report["ok"], false);
    let checks = report["checks"].as_array().expect("a list");
    let state = |name: &str| {
        let check = checks.iter().find(|check| check["name"] == name);
        check.unwrap_or_else(|| panic!("{name} in {report}"))["state"].clone()
    };
    for name in ["phonemes", "server", "language", "recognition", "voice"] {
        assert_eq!(state(name), "missing", "{report}");
    }
    assert_eq!(state("settings"), "ok", "{report}");
    for check in checks {
        assert_eq!(check["state"] == "ok", check["mend"].is_null(), "{check}");
    }

    let output = troupe(&["doctor"], &[("TROUPE_PROBE_CLASSES", "flor")]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("missing  settings") && text.contains("fits no probe class"), "{text}");
}

#[test]
fn settings_and_tokens_come_as_json_and_without_the_servers_secret() {
    let output = troupe(&["check-config", "--json", "--room", "den"], &SERVER);
    assert!(output.status.success());
    let settings = json(&output);
    assert_eq!(settings["room"]["name"], "den");
    assert_eq!(settings["livekit"]["server"], "ws://127.0.0.1:1");

    let token = troupe(&["token", "--json", "--room", "den", "--name", "Tom"], &SERVER);
    let pass = json(&token);
    assert_eq!((&pass["room"], &pass["name"]), (&"den".into(), &"Tom".into()));
    assert!(pass["identity"].as_str().is_some_and(|identity| identity.starts_with("tom-")));
    assert!(pass["token"].as_str().is_some_and(|jwt| jwt.matches('.').count() == 2));
    for output in [output, token] {
        let all = [output.stdout, output.stderr].concat();
        assert!(!String::from_utf8_lossy(&all).contains("hush"), "the secret is nowhere");
    }
}
