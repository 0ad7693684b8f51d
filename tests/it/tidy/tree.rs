//! The files of the repository, and Rust source without what is not code.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that are not ours to keep tidy.
const FOREIGN: [&str; 6] = ["target", "node_modules", ".git", "__pycache__", ".venv", "snapshots"];

/// A text file, by its path from the repository's root.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under `folder` whose name ends with one of `endings`, sorted by path.
pub(super) fn files(folder: &str, endings: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    walk(&root().join(folder), &mut paths);
    paths.sort();
    let wanted = |path: &PathBuf| endings.iter().any(|ending| ends(path, ending));
    paths
        .into_iter()
        .filter(wanted)
        .map(|path| Source {
            text: fs::read_to_string(&path).expect("a readable text file"),
            path: path.strip_prefix(root()).expect("under the root").display().to_string(),
        })
        .collect()
}

fn ends(path: &Path, ending: &str) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ending))
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_symlink() || FOREIGN.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() { walk(&path, paths) } else { paths.push(path) }
    }
}

/// The lines of Rust code with their numbers, without comments, and without the unit tests, which
/// stand at the end of a file by our habit.
pub(super) fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let tests = text.find("\n#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    numbered(&text[..tests]).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

pub(super) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// The positions in `line` where `word` stands and is not the end of a longer name or path.
pub(super) fn whole<'a>(line: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    line.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '.')
    })
}
