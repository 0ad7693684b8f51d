//! `troupe doctor`: what is missing on this machine, and the command that mends it.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::{CliError, Common};
use crate::config::{Config, Env, Flags, Language, LiveKit};
use crate::models;

/// The voice's phonemiser, a program of its own.
const PHONEMISER: &str = "espeak-ng";
const EARS: &str = "troupe-ears";
/// LiveKit's own port, where a local server begins to look for a free one.
const SERVER_PORT: u16 = 7880;
/// One for the engine and one for sound; with fewer, voices break up.
const CORES_MIN: usize = 2;
/// Of the default language model's cache; others differ, so this is a guess for them.
const CACHE_BYTES_PER_TOKEN: u64 = 23 * 1024;
/// The host itself, the ears' and the voice's work space.
const BASE_BYTES: u64 = 300 << 20;
/// A server that is there answers in a tenth of it.
const CONNECT_MAX: Duration = Duration::from_secs(2);

#[derive(Args)]
pub(super) struct Ask {
    #[command(flatten)]
    common: Common,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// It works, but not as well as it could.
    Warning,
    /// Nothing works without it.
    Missing,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    found: String,
    /// A command or a setting.
    mend: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), mend: None }
    }

    fn bad(name: &'static str, state: State, found: impl Into<String>, mend: &str) -> Self {
        Self { name, state, found: found.into(), mend: Some(mend.to_owned()) }
    }
}

pub(super) fn run(ask: Ask, env: &Env, out: &mut impl Write) -> Result<(), CliError> {
    let flags = Flags { config: ask.common.config, room: ask.common.room, ..Flags::default() };
    let mut checks = vec![build()];
    match Config::load(&flags, env) {
        Ok(config) => {
            checks.push(Check::ok("settings", format!("{} personas", config.cast.len())));
            checks.push(ears(&beside_this_binary()));
            checks.push(phonemiser(env));
            checks.push(server(&config.livekit));
            checks.extend(models_of(&config));
            checks.extend(embedding(&config.models.root));
            checks.push(memory(&config, available_bytes()));
            checks.push(pages_port(config.pages.listen));
            checks.extend(server_port(&config.livekit));
        }
        Err(error) => {
            let mend = "mend the file or the variable that it names";
            checks.push(Check::bad("settings", State::Missing, error.to_string(), mend));
        }
    }
    checks.push(cores(std::thread::available_parallelism().map_or(1, usize::from)));
    checks.push(vectors());
    tell(&checks, ask.json, out)?;
    match checks.iter().filter(|check| check.state == State::Missing).count() {
        0 => Ok(()),
        missing => Err(CliError::Missing(missing)),
    }
}

fn tell(checks: &[Check], json: bool, out: &mut impl Write) -> io::Result<()> {
    if json {
        let ok = checks.iter().all(|check| check.state != State::Missing);
        serde_json::to_writer_pretty(
            &mut *out,
            &serde_json::json!({ "ok": ok, "checks": checks }),
        )?;
        return writeln!(out);
    }
    for Check { name, state, found, mend } in checks {
        let word = match state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Missing => "missing",
        };
        writeln!(out, "{word:<8} {name:<12} {found}")?;
        if let Some(mend) = mend {
            writeln!(out, "{:<8} {:<12} → {mend}", "", "")?;
        }
    }
    Ok(())
}

/// Whether this binary has its engines.
fn build() -> Check {
    if cfg!(all(feature = "llama", feature = "livekit")) {
        return Check::ok("build", concat!("troupe ", env!("CARGO_PKG_VERSION")));
    }
    let found = "this binary has no language engine or no room";
    Check::bad("build", State::Missing, found, "cargo build --release, or scripts/up")
}

fn beside_this_binary() -> PathBuf {
    let here = std::env::current_exe().unwrap_or_default();
    here.parent().unwrap_or(Path::new("")).join(EARS)
}

fn ears(binary: &Path) -> Check {
    let found = binary.display().to_string();
    if binary.is_file() {
        return Check::ok("ears", found);
    }
    let mend = "cargo build --release builds both programs; keep them in one folder";
    Check::bad("ears", State::Missing, format!("there is no {found}"), mend)
}

fn phonemiser(env: &Env) -> Check {
    let folders = env.path.iter().flat_map(std::env::split_paths);
    match folders.map(|folder| folder.join(PHONEMISER)).find(|path| path.is_file()) {
        Some(path) => Check::ok("phonemes", path.display().to_string()),
        None => Check::bad(
            "phonemes",
            State::Missing,
            format!("there is no {PHONEMISER} on the PATH"),
            "apt-get install espeak-ng",
        ),
    }
}

fn server(livekit: &LiveKit) -> Check {
    let name = "server";
    match livekit {
        LiveKit::Local { binary: Some(binary) } if binary.is_file() => {
            Check::ok(name, binary.display().to_string())
        }
        LiveKit::Local { .. } => {
            let found = "there is no livekit-server on the PATH, and LIVEKIT_URL is not set";
            Check::bad(name, State::Missing, found, "scripts/setup")
        }
        LiveKit::Remote { url, .. } => match reach(url) {
            Ok(()) => Check::ok(name, format!("{url} answers")),
            Err(cause) => Check::bad(
                name,
                State::Missing,
                format!("{url} does not answer: {cause}"),
                "start it, or correct LIVEKIT_URL, or unset it for a local server",
            ),
        },
    }
}

/// Whether something listens there.
fn reach(url: &str) -> io::Result<()> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("ws", url));
    let host = rest.split(['/', '?']).next().unwrap_or(rest);
    let default_port = if matches!(scheme, "wss" | "https") { 443 } else { 80 };
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let host = if has_port { host.to_owned() } else { format!("{host}:{default_port}") };
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in host.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_MAX) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn models_of(config: &Config) -> Vec<Check> {
    let models = &config.models;
    let (recognition, voice) = (&models.recognition, &models.voice);
    let mut named = vec![("recognition", recognition), ("voice", voice)];
    let mut elsewhere = Vec::new();
    match &models.language {
        Language::Here(name) => named.insert(0, ("language", name)),
        Language::Server(server) => {
            let what = format!("{} at {}", server.model, server.url);
            elsewhere.push(Check::ok("language", what));
        }
        Language::Scripted => elsewhere.push(Check::ok("language", "scripted, without a model")),
    }
    let check = |(name, model): (&'static str, &String)| match models::resolve(&models.root, model)
    {
        Ok(files) => Check::ok(name, files.main().display().to_string()),
        Err(error) => {
            let mend = format!("troupe models pull {model}");
            Check::bad(name, State::Missing, error.to_string(), &mend)
        }
    };
    elsewhere.into_iter().chain(named.into_iter().map(check)).collect()
}

/// The models that tell what a line is about: who answers is decided without them too.
fn embedding(root: &Path) -> Vec<Check> {
    let models = models::Catalogue::built_in().models.iter();
    let wanted = models.filter(|model| model.default && model.kind == models::Kind::Embedding);
    let check = |model: &models::Model| match models::resolve(root, &model.name) {
        Ok(files) => Check::ok("embedding", files.main().display().to_string()),
        Err(error) => {
            let mend = format!("troupe models pull {}", model.name);
            Check::bad("embedding", State::Warning, error.to_string(), &mend)
        }
    };
    wanted.map(check).collect()
}

/// `available_bytes` is none where the system does not tell.
fn memory(config: &Config, available_bytes: Option<u64>) -> Check {
    let name = "memory";
    let Some(available) = available_bytes else { return Check::ok(name, "not known here") };
    let models = &config.models;
    let language = match &models.language {
        Language::Here(name) => Some(name),
        Language::Server(_) | Language::Scripted => None,
    };
    let here = language.is_some();
    let files = [&models.recognition, &models.voice].into_iter().chain(language);
    let size = |model: &String| {
        let files = models::resolve(&models.root, model).ok()?;
        Some(std::fs::metadata(files.main()).ok()?.len())
    };
    let files: u64 = files.filter_map(size).sum();
    let seats = if here { config.cast.len() as u64 } else { 0 };
    let tokens = seats * u64::from(models.context_tokens);
    let needed = BASE_BYTES + files + tokens * CACHE_BYTES_PER_TOKEN;
    let bytes = models::human_bytes;
    let found = format!("{} free, about {} needed", bytes(available), bytes(needed));
    if available >= needed {
        return Check::ok(name, found);
    }
    Check::bad(name, State::Warning, found, "a smaller cast or models.context_tokens, or less else")
}

fn available_bytes() -> Option<u64> {
    meminfo_available(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn meminfo_available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

fn pages_port(listen: SocketAddr) -> Check {
    match TcpListener::bind(listen) {
        Ok(_) => Check::ok("pages", format!("{listen} is free")),
        Err(error) => Check::bad(
            "pages",
            State::Warning,
            format!("{listen} cannot be used: {error}"),
            "stop what listens there, or --listen 127.0.0.1:0",
        ),
    }
}

/// Only where a server of our own is to be started.
fn server_port(livekit: &LiveKit) -> Option<Check> {
    let LiveKit::Local { .. } = livekit else { return None };
    let found = match TcpListener::bind(("127.0.0.1", SERVER_PORT)) {
        Ok(_) => format!("{SERVER_PORT} is free"),
        Err(_) => format!("{SERVER_PORT} is taken; the next free one is used"),
    };
    Some(Check::ok("server port", found))
}

fn cores(cores: usize) -> Check {
    if cores >= CORES_MIN {
        return Check::ok("cores", cores.to_string());
    }
    let mend = format!("give it {CORES_MIN} cores: one computes, one keeps the sound going");
    Check::bad("cores", State::Warning, cores.to_string(), &mend)
}

/// Without wide vectors a prompt takes three times as long.
fn vectors() -> Check {
    #[cfg(target_arch = "x86_64")]
    let wide = ("AVX2", std::arch::is_x86_feature_detected!("avx2"));
    #[cfg(not(target_arch = "x86_64"))]
    let wide = (std::env::consts::ARCH, true);
    match wide {
        (name, true) => Check::ok("vectors", name),
        (name, false) => {
            let mend = "another machine: here prompts take three times as long";
            Check::bad("vectors", State::Warning, format!("no {name}"), mend)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Options;

    fn config(root: &Path) -> Config {
        let env = Env { models_root: Some(root.to_owned()), ..Env::default() };
        let config = Config::resolve(&Flags::default(), &env, &Options::default(), root);
        config.expect("the defaults hold")
    }

    #[test]
    fn every_missing_thing_has_a_mend() {
        let nowhere = Path::new("/nonexistent");
        let config = config(nowhere);
        let mut checks = vec![
            ears(&nowhere.join(EARS)),
            phonemiser(&Env { path: Some("/nonexistent".into()), ..Env::default() }),
            server(&LiveKit::Local { binary: None }),
        ];
        checks.extend(models_of(&config));
        assert_eq!(checks.len(), 6);
        for check in &checks {
            assert_eq!(check.state, State::Missing, "{check:?}");
            assert!(check.mend.as_ref().is_some_and(|mend| !mend.is_empty()), "{check:?}");
        }
        assert_eq!(checks[1].mend.as_deref(), Some("apt-get install espeak-ng"));
        assert_eq!(checks[3].mend.as_deref(), Some("troupe models pull smollm2-135m-instruct"));
        let [embedding] = embedding(nowhere).try_into().expect("one by default");
        assert_eq!(embedding.state, State::Warning, "nothing stops without it");
        assert_eq!(embedding.mend.as_deref(), Some("troupe models pull all-minilm-l6-v2"));
    }

    #[test]
    fn what_is_there_is_found() {
        let folder = tempfile::tempdir().expect("a writable folder");
        for program in [EARS, PHONEMISER] {
            std::fs::write(folder.path().join(program), "").expect("a writable folder");
        }
        assert_eq!(ears(&folder.path().join(EARS)).state, State::Ok);
        let env = Env { path: Some(folder.path().into()), ..Env::default() };
        assert_eq!(phonemiser(&env).state, State::Ok);
        let binary = Some(folder.path().join(EARS));
        assert_eq!(server(&LiveKit::Local { binary }).state, State::Ok);
    }

    #[test]
    fn a_server_is_reached_by_its_address() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let at = listener.local_addr().expect("bound");
        assert!(reach(&format!("ws://{at}/rtc?x=1")).is_ok());
        drop(listener);
        assert!(reach(&format!("ws://{at}")).is_err());
    }

    #[test]
    fn a_port_that_is_taken_is_a_warning_with_the_flag() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let at = listener.local_addr().expect("bound");
        let taken = pages_port(at);
        assert_eq!(taken.state, State::Warning);
        assert!(taken.mend.is_some_and(|mend| mend.contains("--listen")));
        drop(listener);
        assert_eq!(pages_port(at).state, State::Ok);
    }

    #[test]
    fn memory_is_counted_for_the_whole_cast() {
        let config = config(Path::new("/nonexistent"));
        // Three seats of 2,048 tokens at 23 KB, and the base.
        let needed = 3 * 2_048 * 23 * 1_024 + (300 << 20);
        assert_eq!(memory(&config, Some(needed)).state, State::Ok);
        assert_eq!(memory(&config, Some(needed - 1)).state, State::Warning);
        assert_eq!(memory(&config, None).state, State::Ok);
        let text = "MemTotal:  9 kB\nMemAvailable:    2048 kB\n";
        assert_eq!(meminfo_available(text), Some(2_048 * 1_024));
        assert_eq!(cores(1).state, State::Warning);
    }

    #[test]
    fn a_script_reads_json_and_a_person_a_line() {
        let checks = [
            Check::ok("cores", "2"),
            Check::bad("phonemes", State::Missing, "none", "apt-get install espeak-ng"),
        ];
        let text = |json| {
            let mut out = Vec::new();
            tell(&checks, json, &mut out).expect("memory takes it");
            String::from_utf8(out).expect("text")
        };
        let json: serde_json::Value = serde_json::from_str(&text(true)).expect("JSON");
        assert_eq!(json["ok"], false);
        assert_eq!(json["checks"][1]["state"], "missing");
        assert_eq!(json["checks"][1]["mend"], "apt-get install espeak-ng");
        let lines = text(false);
        assert!(lines.contains("ok       cores        2\n"), "{lines}");
        assert!(lines.contains("→ apt-get install espeak-ng\n"), "{lines}");
    }
}
