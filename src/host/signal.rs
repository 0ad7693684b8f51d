//! The end, as the user or the system asks for it.

use tokio::signal::unix::{SignalKind, signal};

/// Resolves at SIGINT or SIGTERM.
pub(super) async fn asked_to_end() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
