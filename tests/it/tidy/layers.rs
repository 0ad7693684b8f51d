//! Which module may know which.

use super::assert_clean;
use super::tree::{code, files, whole};

/// Every top-level module, and what it may use of the others: all of a module, or only the named
/// part of it. Data at the top, the program at the bottom. `turn`, `llm` and `latency` name a few
/// of each other's types, since a grant carries messages, a prompt is made of lines, and a record
/// tells how its line came; none of them calls another's engine.
const LAYERS: &[(&str, &[&str])] = &[
    // Data.
    ("time", &[]),
    ("id", &[]),
    ("audio", &["mouth"]),
    ("video", &[]),
    ("mouth", &[]),
    ("medium", &[]),
    ("onnx", &[]),
    ("picture", &["medium", "video"]),
    ("sound", &["audio", "medium"]),
    ("persona", &["id"]),
    ("latency", &["id", "time", "medium", "turn"]),
    ("probe", &["id", "time", "latency"]),
    ("telemetry", &["id", "time", "latency"]),
    // Cores.
    ("vad", &["audio", "time"]),
    ("eyes", &["id", "time", "picture", "video"]),
    (
        "turn",
        &[
            "id",
            "meaning::Meaning",
            "time",
            "audio",
            "persona",
            "medium",
            "picture",
            "sound",
            "latency",
            "vad::gate",
            "vad::Config",
            "room::AgentState",
            "llm::Message",
            "llm::Role",
            "llm::Question",
            "llm::Score",
            "llm::Senses",
            "llm::prompt",
        ],
    ),
    // Adapters: each knows the data, its core, and no other adapter but by its trait.
    ("models", &["audio::mel", "turn::Decide", "turn::Weights"]),
    ("meaning", &["models", "onnx", "probe"]),
    ("room", &["id", "time", "audio", "video", "picture"]),
    ("stt", &["id", "time", "audio", "onnx", "probe", "vad", "turn::endpointing"]),
    ("llm", &["id", "time", "audio", "persona", "medium", "picture", "sound", "probe", "turn"]),
    ("avatar", &["time", "video", "mouth", "persona", "picture", "room::AgentState"]),
    ("tts", &["audio", "mouth", "onnx", "persona"]),
    (
        "speech",
        &[
            "id", "time", "audio", "mouth", "persona", "probe", "turn", "latency", "room", "llm",
            "tts",
        ],
    ),
    (
        "admin",
        &[
            "eyes::Counts",
            "id",
            "time",
            "persona",
            "medium",
            "picture",
            "probe",
            "telemetry",
            "latency",
            "room",
            "turn",
            "llm::guard::Cuts",
        ],
    ),
    // It watches all the others, by their types, and steers none.
    (
        "tape",
        &[
            "id", "time", "audio", "video", "persona", "medium", "picture", "sound", "latency",
            "meaning", "turn", "room", "stt", "llm", "tts", "speech",
        ],
    ),
    // The program. `config` resolves a whole cast, whose keys are a room's.
    (
        "config",
        &[
            "id",
            "persona",
            "probe",
            "telemetry",
            "models",
            "room::token",
            "llm::adapter",
            "llm::openai",
            "llm::projector",
            "llm::Senses",
            "turn",
        ],
    ),
    (
        "host",
        &[
            "id",
            "time",
            "audio",
            "video",
            "avatar",
            "eyes",
            "persona",
            "picture",
            "sound",
            "latency",
            "probe",
            "telemetry",
            "vad",
            "turn",
            "meaning",
            "models",
            "room",
            "stt",
            "llm",
            "tts",
            "speech",
            "admin",
            "config",
            "tape",
        ],
    ),
    (
        "bench",
        &[
            "id", "time", "audio", "persona", "latency", "turn", "models", "room", "stt", "llm",
            "tts", "speech", "admin", "config", "host", "tape", "replay", "meaning",
        ],
    ),
    (
        "cli",
        &[
            "bench",
            "config",
            "host",
            "latency",
            "llm::Medium",
            "llm::llama::trial",
            "meaning",
            "models",
            "persona::Face",
            "probe",
            "telemetry",
            "room::token",
            "room::console::Choice",
            "tape",
            "replay",
            "turn::Decide",
        ],
    ),
    (
        "replay",
        &[
            "id",
            "time",
            "audio",
            "persona",
            "sound",
            "latency",
            "turn",
            "meaning",
            "room",
            "stt",
            "llm",
            "tts",
            "admin::state",
            "config",
            "tape",
            "host",
        ],
    ),
];

/// What the two programs may use of the library.
const PROGRAMS: &[(&str, &[&str])] =
    &[("src/main.rs", &["cli"]), ("src/bin/troupe-ears", &["audio", "stt"])];

/// The paths that follow `root` (`crate::` or `troupe::`) in a text, braces taken apart.
fn paths_after(text: &str, root: &str) -> Vec<String> {
    let flat: String = code(text).map(|(_, line)| line.to_owned() + "\n").collect();
    let mut paths = Vec::new();
    for at in whole(&flat, root) {
        expand("", &flat[at + root.len()..], &mut paths);
    }
    paths
}

/// Reads one use tree at the start of `text` into `paths`; returns what follows it.
fn expand<'a>(prefix: &str, text: &'a str, paths: &mut Vec<String>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start_matches([' ', '\n', ',']);
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
            let next = expand(prefix, rest, paths);
            if next.len() == rest.len() {
                return rest;
            }
            rest = next;
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*');
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}::{name}") };
    match rest.strip_prefix("::") {
        Some(rest) => expand(&path, rest, paths),
        None => {
            paths.push(path);
            rest
        }
    }
}

fn allowed(path: &str, may_use: &[&str]) -> bool {
    may_use.iter().any(|part| path == *part || path.starts_with(&format!("{part}::")))
}

/// The top-level module of a file of the library: `src/llm/llama.rs` is in `llm`.
fn module(path: &str) -> Option<&str> {
    let inner = path.strip_prefix("src/")?;
    let top = inner.split('/').next()?.trim_end_matches(".rs");
    (!matches!(top, "lib" | "main" | "bin")).then_some(top)
}

/// How many `super::` lead from a file out to the crate's root, where paths begin with `crate::`.
fn depth(path: &str) -> usize {
    path.matches('/').count()
}

fn breaches(path: &str, text: &str, layers: &[(&str, &[&str])]) -> Vec<String> {
    let Some(own) = module(path) else { return Vec::new() };
    let Some((_, may_use)) = layers.iter().find(|(name, _)| *name == own) else {
        return vec![format!("{path}: the module `{own}` has no row in the table of layers")];
    };
    let outward = "super::".repeat(depth(path));
    let around = code(text)
        .filter(|(_, line)| whole(line, &outward).next().is_some())
        .map(|(number, _)| format!("{path}:{number}: leads out of `{own}`; write crate::"));
    let upward = paths_after(text, "crate::")
        .into_iter()
        .filter(|used| used.split("::").next() != Some(own) && !allowed(used, may_use))
        .map(|used| format!("{path}: `{own}` may not know `{used}`"));
    around.chain(upward).collect()
}

fn program_breaches(path: &str, text: &str) -> Vec<String> {
    let Some((_, may_use)) = PROGRAMS.iter().find(|(home, _)| path.starts_with(home)) else {
        return Vec::new();
    };
    let used = paths_after(text, "troupe::").into_iter().filter(|used| !allowed(used, may_use));
    used.map(|used| format!("{path}: this program may not know `{used}`")).collect()
}

const TRIAL: &[(&str, &[&str])] =
    &[("low", &[]), ("mid", &["low", "side::Type"]), ("side", &["low"])];

#[test]
fn an_upward_use_is_noticed() {
    assert_eq!(breaches("src/low.rs", "use crate::mid::X;", TRIAL).len(), 1);
    assert_eq!(breaches("src/low/deep.rs", "fn f(x: &crate::mid::X) {}", TRIAL).len(), 1);
    assert_eq!(breaches("src/low.rs", "use crate::{low::A, mid::{B, c::D}};", TRIAL).len(), 2);
    assert_eq!(breaches("src/low.rs", "use super::mid::X;", TRIAL).len(), 1);
    assert_eq!(breaches("src/low/deep.rs", "use super::super::mid::X;", TRIAL).len(), 1);
    assert_eq!(breaches("src/mid.rs", "use crate::side::{Type, Other};", TRIAL).len(), 1);
    assert_eq!(breaches("src/new.rs", "", TRIAL).len(), 1);
}

#[test]
fn a_downward_use_is_fine() {
    let text = "use crate::low::{self, A, b::{C, D}};\nuse crate::side::Type;\nuse crate::mid::x;";
    assert!(breaches("src/mid.rs", text, TRIAL).is_empty());
    assert!(breaches("src/mid/deep.rs", "use super::x;\n/// [`crate::top::Y`]", TRIAL).is_empty());
    assert!(
        breaches("src/low.rs", "\n#[cfg(test)]\nmod tests {\nuse crate::mid::X;\n}", TRIAL)
            .is_empty()
    );
}

#[test]
fn a_program_that_reaches_into_the_library_is_noticed() {
    assert!(program_breaches("src/main.rs", "troupe::cli::main()").is_empty());
    assert_eq!(program_breaches("src/main.rs", "troupe::host::run()").len(), 1);
    let llm = "use troupe::{stt::wire, llm};";
    assert_eq!(program_breaches("src/bin/troupe-ears/main.rs", llm).len(), 1);
}

#[test]
fn modules_know_only_what_lies_below_them() {
    let sources = files("src", &[".rs"]);
    let unit_tests = |path: &str| path.ends_with("/tests.rs") || path.contains("/tests/");
    let sources = || sources.iter().filter(|f| !unit_tests(&f.path));
    let modules = sources().flat_map(|f| breaches(&f.path, &f.text, LAYERS));
    let programs = sources().flat_map(|f| program_breaches(&f.path, &f.text));
    assert_clean(modules.chain(programs).collect());
}

#[test]
fn the_table_has_every_module_and_no_other() {
    let lib = files("src", &["lib.rs"]).remove(0).text;
    let mut named: Vec<_> = LAYERS.iter().map(|(name, _)| format!("pub mod {name};")).collect();
    let mut there: Vec<_> = lib.lines().filter(|l| l.starts_with("pub mod ")).collect();
    named.sort();
    there.sort_unstable();
    assert_eq!(named, there);
}
