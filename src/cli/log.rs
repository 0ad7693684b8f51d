//! The log: compact lines for people, JSON on request, on standard error.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

/// Starts the log of the process: ours from `level` on. `RUST_LOG` wins over that.
pub(super) fn start(json: bool, level: &str) {
    let wish = std::env::var(EnvFilter::DEFAULT_ENV).ok();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter(wish.as_deref(), level))
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    if json {
        log.json().init();
    } else {
        log.compact().with_target(false).init();
    }
}

/// Other crates' chatter stays below warnings. LiveKit's is always off: it quotes answers of the
/// server, and one of those quotes the token that was refused.
fn filter(wish: Option<&str>, level: &str) -> EnvFilter {
    let wished =
        wish.filter(|wish| !wish.is_empty()).and_then(|wish| EnvFilter::try_new(wish).ok());
    let filter =
        wished.unwrap_or_else(|| EnvFilter::new(format!("warn,troupe={level},libwebrtc=warn")));
    ["livekit=off", "livekit_api=off"]
        .into_iter()
        .filter_map(|directive| directive.parse().ok())
        .fold(filter, EnvFilter::add_directive)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no writer panics").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What of ours, of LiveKit's and of others' is logged.
    fn logged(wish: Option<&str>, level: &str) -> String {
        let page = Page::default();
        let writer = page.clone();
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter(wish, level))
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(log, || {
            tracing::info!(target: "troupe::host", "ours-info");
            tracing::debug!(target: "troupe::host", "ours-debug");
            tracing::error!(target: "livekit_api::signal_client", "token-eyJ");
            tracing::error!(target: "livekit::room", "token-eyJ");
            tracing::info!(target: "hyper", "others-info");
        });
        String::from_utf8(page.0.lock().expect("no writer panics").clone()).expect("text")
    }

    #[test]
    fn livekits_words_are_never_logged_whatever_is_asked_for() {
        for (wish, level) in [
            (None, "info"),
            (None, "trace"),
            (Some("trace"), "info"),
            (Some("livekit=debug"), "info"),
        ] {
            assert!(!logged(wish, level).contains("eyJ"), "{wish:?} {level}");
        }
    }

    #[test]
    fn the_wish_wins_over_the_flag_and_a_slip_in_it_over_nothing() {
        let plain = logged(None, "info");
        assert!(plain.contains("ours-info"), "{plain}");
        assert!(!plain.contains("ours-debug") && !plain.contains("others-info"), "{plain}");
        assert!(logged(None, "debug").contains("ours-debug"));
        let wished = logged(Some("hyper=info"), "debug");
        assert!(wished.contains("others-info") && !wished.contains("ours-info"), "{wished}");
        assert!(logged(Some("troupe=loud"), "info").contains("ours-info"));
    }
}
