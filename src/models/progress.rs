//! Progress of long work, on standard error: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Without a terminal a line this often shows that the work goes on; what is done sooner needs
/// none.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Where progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Bars,
    Lines,
    Silent,
}

impl Progress {
    /// Bars where standard error is a terminal, lines elsewhere.
    pub fn auto() -> Self {
        if std::io::stderr().is_terminal() { Progress::Bars } else { Progress::Lines }
    }

    /// Starts to show work on `total_bytes` under `label`.
    pub fn meter(self, label: &str, total_bytes: u64) -> Meter {
        let face = match self {
            Progress::Bars => Face::Bar(bar(label, total_bytes)),
            Progress::Lines => {
                Face::Lines { label: label.to_owned(), next: Instant::now() + LINE_EVERY }
            }
            Progress::Silent => Face::None,
        };
        Meter { total_bytes, done_bytes: 0, face }
    }

    /// Says one line between the bars.
    pub fn note(self, line: &str) {
        if self != Progress::Silent {
            eprintln!("{line}");
        }
    }
}

/// One piece of work that is under way; the bar goes when it is dropped.
pub struct Meter {
    total_bytes: u64,
    done_bytes: u64,
    face: Face,
}

enum Face {
    Bar(ProgressBar),
    Lines { label: String, next: Instant },
    None,
}

impl Meter {
    /// Counts `bytes` more.
    pub fn add(&mut self, bytes: u64) {
        self.set(self.done_bytes.saturating_add(bytes));
    }

    /// Starts at what is there already, which says nothing of the pace.
    pub fn start_at(&mut self, bytes: u64) {
        self.set(bytes);
        if let Face::Bar(bar) = &self.face {
            bar.reset_eta();
        }
    }

    /// Sets how much is done; more than the total is shown as the total.
    pub fn set(&mut self, bytes: u64) {
        self.done_bytes = bytes.min(self.total_bytes);
        match &mut self.face {
            Face::Bar(bar) => bar.set_position(self.done_bytes),
            Face::Lines { label, next } if Instant::now() >= *next => {
                let (done, total) = (human_bytes(self.done_bytes), human_bytes(self.total_bytes));
                eprintln!("{label}: {done} of {total}");
                *next = Instant::now() + LINE_EVERY;
            }
            Face::Lines { .. } | Face::None => {}
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Face::Bar(bar) = &self.face {
            bar.finish_and_clear();
        }
    }
}

fn bar(label: &str, total_bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{msg} {wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}",
    )
    .expect("the template is fixed");
    ProgressBar::new(total_bytes).with_style(style).with_message(label.to_owned())
}

/// Bytes as people read them: `98 MB`, `4.8 kB`.
pub fn human_bytes(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000 => return format!("{bytes} B"),
        1_000..1_000_000 => (1e3, "kB"),
        1_000_000..1_000_000_000 => (1e6, "MB"),
        _ => (1e9, "GB"),
    };
    let value = bytes as f64 / unit;
    if value < 10.0 { format!("{value:.1} {name}") } else { format!("{value:.0} {name}") }
}
