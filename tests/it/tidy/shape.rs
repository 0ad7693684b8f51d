//! Size and shape of files.

use super::assert_clean;
use super::tree::{files, numbered, whole};

const LINES_MAX: usize = 600;
const COLUMNS_MAX: usize = 100;

fn too_long(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    let long = (lines > LINES_MAX).then(|| format!("{path}: {lines} lines; split it by its nouns"));
    let wide = numbered(text).filter_map(|(number, line)| {
        let columns = line.chars().count();
        let wide = columns > COLUMNS_MAX && !line.contains("http");
        wide.then(|| format!("{path}:{number}: {columns} columns; break the line"))
    });
    long.into_iter().chain(wide).collect()
}

/// Nothing half done goes in.
fn unfinished(path: &str, text: &str) -> Vec<String> {
    let marks = [["todo", "!("], ["dbg", "!("], ["unimplemented", "!("], ["FIX", "ME"]];
    let marks = marks.map(|halves| halves.concat());
    let complaint = |(number, line): (usize, &str)| {
        let mark = marks.iter().find(|mark| whole(line, mark).next().is_some())?;
        Some(format!("{path}:{number}: `{mark}` is unfinished work; finish it"))
    };
    numbered(text).filter_map(complaint).collect()
}

fn ragged(path: &str, text: &str) -> Vec<String> {
    let tail = numbered(text)
        .filter(|(_, line)| line.ends_with([' ', '\t']))
        .map(|(number, _)| format!("{path}:{number}: blanks at the end of the line"));
    let end =
        (!text.is_empty() && !text.ends_with('\n')).then(|| format!("{path}: no last newline"));
    tail.chain(end).collect()
}

const CODE: [&str; 5] = [".rs", ".py", ".js", ".mjs", ".css"];

#[test]
fn long_files_and_wide_lines_are_noticed() {
    assert!(too_long("a.rs", &"x\n".repeat(600)).is_empty());
    assert_eq!(too_long("a.rs", &"x\n".repeat(601)).len(), 1);
    assert!(too_long("a.rs", &"ä".repeat(100)).is_empty());
    assert_eq!(too_long("a.rs", &"ä".repeat(101)).len(), 1);
}

#[test]
fn unfinished_work_is_noticed() {
    assert!(unfinished("a.rs", "let todos = 1; my_dbg!(x)").is_empty());
    for text in ["todo!()", "    dbg!(x);", "// FIXME later", "unimplemented!()"] {
        assert_eq!(unfinished("a.rs", text).len(), 1, "{text}");
    }
}

#[test]
fn ragged_ends_are_noticed() {
    assert!(ragged("a.rs", "a\n").is_empty());
    assert_eq!(ragged("a.rs", "a \nb").len(), 2);
}

#[test]
fn no_file_is_too_long_or_too_wide() {
    assert_clean(
        ["src", "tests", "web", "crates"]
            .iter()
            .flat_map(|folder| files(folder, &CODE))
            .flat_map(|f| too_long(&f.path, &f.text))
            .collect(),
    );
}

#[test]
fn no_work_is_left_unfinished() {
    let sources = files("", &CODE);
    let others = sources.iter().filter(|f| f.path != "tests/it/tidy/shape.rs");
    assert_clean(others.flat_map(|f| unfinished(&f.path, &f.text)).collect());
}

#[test]
fn no_end_is_ragged() {
    let endings = [&CODE[..], &[".md", ".toml", ".html"]].concat();
    assert_clean(files("", &endings).iter().flat_map(|f| ragged(&f.path, &f.text)).collect());
}
