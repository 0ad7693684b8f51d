//! The end, as the user or the system asks for it.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancelled at SIGINT or SIGTERM.
pub(super) fn cancelled_when_asked() -> CancellationToken {
    let cancel = CancellationToken::new();
    let asked = cancel.clone();
    tokio::spawn(async move {
        asked_to_end().await;
        asked.cancel();
    });
    cancel
}

/// Resolves at SIGINT or SIGTERM.
async fn asked_to_end() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
