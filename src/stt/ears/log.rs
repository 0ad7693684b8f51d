//! The process' stderr, as lines of our log.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::Instant;

/// A native engine gone mad writes without end: the rest of a second's lines is only counted.
const LINES_PER_SECOND_MAX: u32 = 50;
const LINE_BYTES_MAX: usize = 400;
const READ_BYTES: usize = 4 * 1024;

/// Logs until the stream ends; the last line that has anything to say.
pub(super) async fn carry(mut stream: impl AsyncRead + Unpin) -> Option<String> {
    let mut lines = Lines::default();
    let mut limit = Limit::default();
    let mut last = None;
    let mut bytes = vec![0; READ_BYTES];
    while let Ok(count @ 1..) = stream.read(&mut bytes).await {
        for line in lines.push(&bytes[..count]) {
            limit.log(&line);
            last = Some(line);
        }
    }
    lines.rest().or(last)
}

/// Bytes into lines; what is longer than a line may be is left out.
#[derive(Default)]
struct Lines {
    line: Vec<u8>,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for &byte in bytes {
            if byte == b'\n' {
                lines.extend(self.rest());
            } else if self.line.len() < LINE_BYTES_MAX {
                self.line.push(byte);
            }
        }
        lines
    }

    fn rest(&mut self) -> Option<String> {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).trim().to_owned();
        (!line.is_empty()).then_some(line)
    }
}

#[derive(Default)]
struct Limit {
    since: Option<Instant>,
    lines: u32,
}

impl Limit {
    fn log(&mut self, line: &str) {
        let now = Instant::now();
        if self.since.is_none_or(|since| now - since >= Duration::from_secs(1)) {
            let suppressed = self.lines.saturating_sub(LINES_PER_SECOND_MAX);
            if suppressed > 0 {
                tracing::warn!(suppressed, "the ears wrote more than is logged");
            }
            self.since = Some(now);
            self.lines = 0;
        }
        self.lines += 1;
        if self.lines <= LINES_PER_SECOND_MAX {
            tracing::debug!(target: "troupe_ears", "{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_line_is_kept_whole_or_not() {
        assert_eq!(carry(&b"one\ntwo\n"[..]).await.as_deref(), Some("two"));
        assert_eq!(carry(&b"one\ntwo"[..]).await.as_deref(), Some("two"));
        assert_eq!(carry(&b"\n\n"[..]).await, None);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut lines = Lines::default();
        assert!(lines.push(&[b'x'; 10_000]).is_empty());
        assert_eq!(lines.push(b"\n")[0].len(), LINE_BYTES_MAX);
    }
}
