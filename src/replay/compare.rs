//! The effect log against what is expected, byte for byte.

use std::fmt;

use serde_json::Value;

use crate::tape::Entry;

/// Lines of a difference that are shown; what comes of one cause is seldom longer.
const SHOWN_MAX: usize = 12;

/// The effect log as it is written: one JSON object a line.
pub fn lines(effects: &[Entry]) -> String {
    let mut text = String::new();
    for effect in effects {
        // Records have no maps with keys that JSON lacks, which is all that can fail.
        text += &serde_json::to_string(effect).unwrap_or_default();
        text.push('\n');
    }
    text
}

/// Where two effect logs part, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The first line that differs, counted from 1.
    line: usize,
    expected: Vec<String>,
    found: Vec<String>,
    hint: String,
}

/// None when `found` is what is expected, to the byte.
pub fn difference(expected: &[u8], found: &str) -> Option<Difference> {
    if expected == found.as_bytes() {
        return None;
    }
    let expected_text = String::from_utf8_lossy(expected);
    let want: Vec<&str> = expected_text.split_inclusive('\n').collect();
    let have: Vec<&str> = found.split_inclusive('\n').collect();
    let common = want.iter().zip(&have).take_while(|(a, b)| a == b).count();
    let (want, have) = (&want[common..], &have[common..]);
    let tail = want.iter().rev().zip(have.iter().rev()).take_while(|(a, b)| a == b).count();
    let (want, have) = (&want[..want.len() - tail], &have[..have.len() - tail]);
    let hint = match (want.first(), have.first()) {
        (Some(want), Some(have)) => hint(want, have),
        (Some(_), None) => "lines are missing".to_owned(),
        (None, Some(_)) => "there are lines too many".to_owned(),
        (None, None) => "bytes that are no text differ".to_owned(),
    };
    let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    Some(Difference { line: common + 1, expected: owned(want), found: owned(have), hint })
}

/// Names the fields in which two lines differ.
fn hint(want: &str, have: &str) -> String {
    let (Ok(want), Ok(have)) = (serde_json::from_str(want), serde_json::from_str(have)) else {
        return "a line is no JSON".to_owned();
    };
    let mut fields = Vec::new();
    differing("", &want, &have, &mut fields);
    if fields.is_empty() {
        return "the same values, written otherwise".to_owned();
    }
    fields.truncate(6);
    fields.join("; ")
}

fn differing(path: &str, want: &Value, have: &Value, fields: &mut Vec<String>) {
    match (want, have) {
        (Value::Object(want), Value::Object(have)) => {
            let more = have.keys().filter(|key| !want.contains_key(*key));
            for key in want.keys().chain(more) {
                let none = Value::Null;
                let [a, b] = [want, have].map(|map| map.get(key).unwrap_or(&none));
                let dot = if path.is_empty() { "" } else { "." };
                differing(&format!("{path}{dot}{key}"), a, b, fields);
            }
        }
        (want, have) if want != have => fields.push(format!("{path}: {want}, but now {have}")),
        _ => {}
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the effects part at line {}: {}", self.line, self.hint)?;
        for (mark, lines) in [('-', &self.expected), ('+', &self.found)] {
            for line in lines.iter().take(SHOWN_MAX) {
                writeln!(f, "{mark} {}", line.trim_end())?;
            }
            if let Some(more) = lines.len().checked_sub(SHOWN_MAX).filter(|more| *more > 0) {
                writeln!(f, "{mark} … and {more} more")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_logs_have_no_difference() {
        assert_eq!(difference(b"{\"at_us\":1}\n", "{\"at_us\":1}\n"), None);
    }

    #[test]
    fn a_difference_names_its_line_and_its_fields() {
        let want = "{\"a\":1}\n{\"at_us\":5,\"record\":{\"e2e\":7}}\n{\"z\":1}\n";
        let have = "{\"a\":1}\n{\"at_us\":6,\"record\":{\"e2e\":7}}\n{\"z\":1}\n";
        let text = difference(want.as_bytes(), have).expect("they differ").to_string();
        assert!(text.starts_with("the effects part at line 2: at_us: 5, but now 6\n"), "{text}");
        assert_eq!(text.lines().count(), 3, "{text}");
    }

    #[test]
    fn missing_lines_blanks_and_bytes_are_differences() {
        for (want, have) in [("{}\n{}\n", "{}\n"), ("{}\n", "{}\n{}\n"), ("{}", "{}\n")] {
            assert!(difference(want.as_bytes(), have).is_some(), "{want:?} {have:?}");
        }
        assert!(difference(b"\xff\n", "\u{fffd}\n").is_some());
    }
}
