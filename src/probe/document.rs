//! `docs/PROBES.md`, from the list of classes.

use std::fmt::Write as _;

use super::class::Class;

const HEAD: &str = "\
# Probes

Generated from `src/probe/class.rs`; `TROUPE_UPDATE_DOCS=1 cargo test --no-default-features probes`
writes it anew.

A probe is a typed measuring point. With `TROUPE_PROBE_FILE=probes.jsonl` the host writes one JSON
object a line; `TROUPE_PROBE_CLASSES` says which: `*` (the default), names such as `floor.grant`,
or prefixes such as `floor`, separated by commas. Every line has

- `at_us`: microseconds since the host's start, by the same clock as turn records;
- `class`: one of the names below; then the fields of that class.

Numbers are JSON numbers, durations whole microseconds (`_us`). No field holds what somebody said.
A thread writes behind a bounded queue: when the disk is too slow, probes are dropped, never a turn
delayed. What was dropped and what could not be written is in `/api/status` (`probes`) and in
`/metrics` (`troupe_queue_drops_total{name=\"probes\"}`, `troupe_probe_write_errors_total`). Off, a
probe costs one relaxed atomic load, which `cargo bench --no-default-features --bench probe` shows.
";

/// The whole document.
pub fn document() -> String {
    let mut text = HEAD.to_owned();
    for class in Class::ALL {
        let (name, about) = (class.name(), class.about());
        let _ =
            write!(text, "\n## {name}\n\n{about}\n\n| field | type | is |\n| --- | --- | --- |\n");
        for field in class.fields() {
            let _ = writeln!(text, "| `{}` | {} | {} |", field.name, field.json, field.about);
        }
    }
    text
}
