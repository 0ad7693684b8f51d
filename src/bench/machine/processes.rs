//! What a program uses that was started, seen from outside.

use std::fs;

use super::{busy, kb, own, read};

/// A program and the processes of it that it started, as they are now.
pub(in crate::bench) struct Processes {
    ticks: f64,
    pub(in crate::bench) rss_mb: f64,
    all: f64,
}

impl Processes {
    /// The process and its children whose names begin as its own does.
    pub(in crate::bench) fn of(id: u32) -> Self {
        let stat = |id: &str| read(&format!("/proc/{id}/stat"));
        let (id, mut ticks, mut rss_kb) = (id.to_string(), 0.0, 0);
        let own_name = name(&stat(&id)).to_owned();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        for entry in entries {
            let other = entry.file_name().to_string_lossy().into_owned();
            let text = stat(&other);
            let child = parent(&text) == id && name(&text).starts_with(&own_name);
            if other == id || child {
                ticks += own(&text);
                rss_kb += kb(&read(&format!("/proc/{other}/status")), "VmRSS:");
            }
        }
        Self { ticks, rss_mb: rss_kb as f64 / 1_024.0, all: busy(&read("/proc/stat")).1 }
    }

    /// Their part of all cores' time since then.
    pub(in crate::bench) fn cpu_share_since(&self, before: &Self) -> f64 {
        if self.all > before.all {
            (self.ticks - before.ticks) / (self.all - before.all)
        } else {
            0.0
        }
    }
}

/// A process's name, from its `/proc/ID/stat`.
fn name(stat: &str) -> &str {
    let named = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')'));
    named.map_or("", |(name, _)| name)
}

/// And its parent's number.
fn parent(stat: &str) -> &str {
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    fields.split_whitespace().nth(1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_by_name_and_parent() {
        let stat = "7 (a) b) S 3 2 3 4 5 6 7 8 9 10 30 12 0 0";
        assert_eq!((name(stat), parent(stat)), ("a) b", "3"));
        assert_eq!((name(""), parent("")), ("", ""));
        let me = Processes::of(std::process::id());
        assert!(me.rss_mb > 1.0, "{} MB", me.rss_mb);
    }
}
