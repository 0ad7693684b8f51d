//! Where third-party types and the environment may be met.

use super::assert_clean;
use super::tree::{code, files, whole};

/// A word of code, and the only paths (by their beginning) where it may stand.
const SITES: &[(&str, &[&str])] = &[
    ("livekit::", &["src/room/livekit"]),
    ("libwebrtc::", &["src/room/livekit"]),
    ("livekit_api::", &["src/room/"]),
    ("llama_cpp_2::", &["src/llm/llama"]),
    (
        "llama_cpp_sys_2",
        &[
            "src/llm/llama/context.rs",
            "src/llm/llama/projector.rs",
            "src/llm/llama/lora.rs",
            "src/llm/llama/requantise.rs",
        ],
    ),
    ("reqwest::", &["src/llm/openai"]),
    ("whisper_rs::", &["src/bin/troupe-ears"]),
    ("axum::", &["src/admin"]),
    ("prometheus_client::", &["src/admin/"]),
    ("rust_embed::", &["src/admin/"]),
    ("rten::", &["src/onnx.rs", "src/tts/piper", "src/stt/end_of_turn/", "src/meaning/"]),
    ("rten_tensor::", &["src/tts/piper", "src/stt/end_of_turn/", "src/meaning/"]),
    ("realfft::", &["src/stt/end_of_turn/"]),
    ("earshot::", &["src/vad/"]),
    ("opus::", &["src/audio/ogg", "src/tape/sound"]),
    ("minijinja::", &["src/llm/template"]),
    ("tiny_skia::", &["src/avatar/canvas"]),
    ("ureq::", &["src/bench/crowd", "src/models/", "src/telemetry/"]),
    ("zip::", &["src/models/", "src/persona/"]),
    ("image::", &["src/avatar/still", "src/picture/file"]),
    ("indicatif::", &["src/models/"]),
    ("alsa::", &["src/room/console/"]),
    ("cpal::", &["src/room/console/"]),
    ("sonora::", &["src/room/console/"]),
    ("clap::", &["src/cli", "src/bin/troupe-ears"]),
    ("tracing_subscriber::", &["src/cli", "src/bin/troupe-ears"]),
    // Settings are read once, see `config`.
    ("std::env::var", &["src/config", "src/cli"]),
    ("env::var", &["src/config", "src/cli"]),
    // Exit codes are decided in one place.
    ("process::exit", &[]),
    ("std::process::exit", &[]),
    // Every queue has a bound.
    ("unbounded_channel", &[]),
    ("mpsc::unbounded_channel", &[]),
];

fn strays(path: &str, text: &str, sites: &[(&str, &[&str])]) -> Vec<String> {
    let complaint = |(number, line): (usize, &str)| {
        let astray = |(word, homes): &&(&str, &[&str])| {
            whole(line, word).next().is_some() && !homes.iter().any(|home| path.starts_with(home))
        };
        let (word, homes) = sites.iter().find(astray)?;
        let homes = if homes.is_empty() { "nowhere".to_owned() } else { homes.join(", ") };
        Some(format!("{path}:{number}: `{word}` belongs to {homes}"))
    };
    code(text).filter_map(complaint).collect()
}

#[test]
fn a_stray_import_is_noticed() {
    let axum = "use axum::Router;\n";
    assert!(strays("src/admin/routes.rs", axum, SITES).is_empty());
    assert_eq!(strays("src/host.rs", axum, SITES).len(), 1);
    assert_eq!(strays("src/room.rs", "fn f(room: livekit::Room) {}", SITES).len(), 1);
    assert_eq!(strays("src/speech.rs", "let x = std::env::var(\"X\");", SITES).len(), 1);
    assert_eq!(strays("src/host.rs", "let (a, b) = mpsc::unbounded_channel();", SITES).len(), 1);
}

#[test]
fn our_own_modules_comments_and_tests_are_no_strays() {
    let ours = "use crate::room::livekit::Room;\nuse super::livekit::x;\n// axum::Router\n";
    assert!(strays("src/host.rs", ours, SITES).is_empty());
    let tests = "\n#[cfg(test)]\nmod tests {\n    use axum::Router;\n}\n";
    assert!(strays("src/host.rs", tests, SITES).is_empty());
}

#[test]
fn third_party_types_stop_at_their_module() {
    let sources = files("src", &[".rs"]);
    assert_clean(sources.iter().flat_map(|f| strays(&f.path, &f.text, SITES)).collect());
}
