//! Documents name only what exists.

use std::path::Path;

use super::assert_clean;
use super::tree::{Source, files, numbered, root};

/// A code span that begins so is meant as a path of this repository.
const HOMES: [&str; 9] =
    ["src/", "tests/", "docs/", "scripts/", "web/", "crates/", "assets/", ".ci/", ".cargo/"];

/// The targets of links, and the code spans that are paths, of one line.
fn named(line: &str) -> Vec<&str> {
    let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let links = links.filter(|target| !target.contains("://") && !target.starts_with('#'));
    let spans = line.split('`').skip(1).step_by(2);
    let plain = |span: &&str| span.chars().all(|c| c.is_alphanumeric() || "_./-".contains(c));
    let home = |span: &&str| HOMES.iter().any(|home| span.starts_with(home));
    links.chain(spans.filter(|span| home(span) && plain(span))).collect()
}

fn dead(path: &str, text: &str, exists: impl Fn(&Path) -> bool) -> Vec<String> {
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let mut fenced = false;
    let mut complaints = Vec::new();
    for (number, line) in numbered(text) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for name in named(line) {
            let target = name.split('#').next().unwrap_or(name);
            if !exists(&folder.join(target)) && !exists(Path::new(target)) {
                complaints.push(format!("{path}:{number}: there is no {name}"));
            }
        }
    }
    complaints
}

fn documents() -> Vec<Source> {
    let mut documents = files("", &[".md"]);
    documents.retain(|file| !file.path.starts_with("crates/libwebrtc/tests"));
    documents
}

#[test]
fn a_name_without_a_file_is_noticed() {
    let exists = |path: &Path| [Path::new("docs/A.md"), Path::new("src/a.rs")].contains(&path);
    let fine = "[a](A.md) [a](docs/A.md#part) `src/a.rs` `src/<name>.rs` [b](https://b) [c](#c)";
    assert!(dead("docs/B.md", fine, exists).is_empty());
    assert!(dead("docs/B.md", "```\n`src/gone.rs`\n```", exists).is_empty());
    assert_eq!(dead("docs/B.md", "[a](C.md)", exists).len(), 1);
    assert_eq!(dead("README.md", "See `src/a.rs` and `src/b.rs`.", exists).len(), 1);
}

#[test]
fn documents_name_only_files_that_exist() {
    let exists = |path: &Path| root().join(path).exists();
    assert_clean(documents().iter().flat_map(|f| dead(&f.path, &f.text, exists)).collect());
}
