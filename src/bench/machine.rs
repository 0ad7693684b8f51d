//! The machine that a figure was taken on.

use std::fmt;
use std::fs;

use serde::Serialize;

#[cfg(all(feature = "llama", feature = "livekit"))]
pub(super) mod processes;

/// What matters for comparing figures. What the system does not tell is 0 or "unknown".
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Machine {
    /// Those this process may use.
    pub cores: usize,
    pub cpu: String,
    /// Load average of the last minute, before the bench: what else the machine was doing.
    pub load_1m: f64,
    pub memory_mb: u64,
    pub memory_free_mb: u64,
}

impl Machine {
    /// Reads the machine as it is now; call it before the work begins.
    pub fn read() -> Self {
        let load = read("/proc/loadavg");
        let memory = read("/proc/meminfo");
        let cpu = read("/proc/cpuinfo");
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
        let model = model.and_then(|rest| rest.split_once(':')).map(|(_, name)| name.trim());
        Self {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            cpu: model.unwrap_or("unknown").to_owned(),
            load_1m: load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0),
            memory_mb: kb(&memory, "MemTotal:") / 1_024,
            memory_free_mb: kb(&memory, "MemAvailable:") / 1_024,
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, cpu, load_1m, memory_mb, memory_free_mb } = self;
        write!(f, "{cores} cores of {cpu}, load {load_1m}, {memory_free_mb} of {memory_mb} MB free")
    }
}

/// Memory of this process that is in use, in MB; 0 where the system does not tell.
pub fn rss_mb() -> f64 {
    kb(&read("/proc/self/status"), "VmRSS:") as f64 / 1_024.0
}

/// How the machine's processors are used while a bench runs.
pub(super) struct CpuUse {
    busy: f64,
    own: f64,
    all: f64,
}

impl CpuUse {
    pub(super) fn start() -> Self {
        let (busy, all) = busy(&read("/proc/stat"));
        Self { busy, all, own: own(&read("/proc/self/stat")) }
    }

    /// What others used since the start, as a part of all cores' time; on a virtual machine also
    /// what its host took away. 0 is an idle machine, and also one that does not tell.
    pub(super) fn others_share(&self) -> f64 {
        let now = Self::start();
        let others = (now.busy - self.busy) - (now.own - self.own);
        if now.all > self.all { (others / (now.all - self.all)).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// Busy and all time of all cores, from the first line of `/proc/stat`, in ticks.
fn busy(stat: &str) -> (f64, f64) {
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = line.split_whitespace().skip(1).flat_map(str::parse).collect();
    let all: f64 = ticks.iter().sum();
    // The fourth is idle, the fifth waits for disks.
    (all - ticks.iter().skip(3).take(2).sum::<f64>(), all)
}

/// User and system time of this process, from `/proc/self/stat`, in the same ticks.
fn own(stat: &str) -> f64 {
    // The name before the closing bracket may hold anything; of what follows they are the 12th
    // and 13th.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    fields.split_whitespace().skip(11).take(2).flat_map(str::parse::<f64>).sum()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// A line of the form `NAME:   123 kB`.
fn kb(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_told_apart() {
        // The eighth was stolen by the host of a virtual machine.
        assert_eq!(busy("cpu  10 1 4 80 5 0 0 7\ncpu0 1 1 1 1\n"), (22.0, 107.0));
        let own_ticks = own("7 (a) b) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0");
        assert_eq!(own_ticks, 42.0);
    }

    #[test]
    fn sizes_are_read_from_their_own_line() {
        let text = "MemTotal:       16000 kB\nMemFree:   1 kB\nMemAvailable:  8192 kB\n";
        assert_eq!((kb(text, "MemAvailable:"), kb(text, "Swap:")), (8_192, 0));
    }
}
