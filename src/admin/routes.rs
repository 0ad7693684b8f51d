//! Which address does what.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::access::Access;
use super::album::Album;
use super::error::ApiError;
use super::ledger::{Losses, Question};
use super::state::{Command, House, Passes, RecordingSwitch, Sounds, Status, Stills};
use super::{album, api, assets, events, face, guard, sound};

/// The largest body that any route takes is a name.
const BODY_BYTES_MAX: usize = 4096;
/// Pages that may listen at once; each costs one connection and one place in the event ring.
const READERS_MAX: usize = 64;
/// Turns whose sound is cut out of the tape at once: each may hold 20 MB while it is.
const LISTENERS_MAX: usize = 4;

/// What the handlers share.
pub(super) struct Desk {
    pub(super) status: watch::Receiver<Status>,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) passes: Passes,
    pub(super) recording: RecordingSwitch,
    pub(super) stills: Stills,
    pub(super) album: Album,
    pub(super) access: Access,
    /// The join page's address, for sharing.
    pub(super) share: String,
    pub(super) losses: Arc<Losses>,
    pub(super) readers: Arc<Semaphore>,
    pub(super) sounds: Sounds,
    pub(super) listeners: Arc<Semaphore>,
    pub(super) cancel: CancellationToken,
    ask: mpsc::Sender<Question>,
}

impl Desk {
    pub(super) fn new(
        house: &House,
        ask: mpsc::Sender<Question>,
        access: Access,
        share: String,
        losses: Arc<Losses>,
        sounds: Sounds,
        cancel: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            status: house.status.clone(),
            commands: house.commands.clone(),
            passes: house.passes.clone(),
            recording: house.recording.clone(),
            stills: house.stills.clone(),
            album: house.album.clone(),
            access,
            share,
            losses,
            readers: Arc::new(Semaphore::new(READERS_MAX)),
            sounds,
            listeners: Arc::new(Semaphore::new(LISTENERS_MAX)),
            cancel,
            ask,
        })
    }

    /// Asks the ledger.
    pub(super) async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Question,
    ) -> Result<T, ApiError> {
        let (reply, answer) = oneshot::channel();
        self.ask.try_send(question(reply)).map_err(|full| match full {
            mpsc::error::TrySendError::Full(_) => {
                self.losses.questions.fetch_add(1, Ordering::Relaxed);
                ApiError::Busy
            }
            mpsc::error::TrySendError::Closed(_) => ApiError::Stopping,
        })?;
        answer.await.map_err(|_| ApiError::Stopping)
    }
}

pub(super) fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/", get(assets::join))
        .route("/admin", get(assets::admin))
        .route("/assets/{*path}", get(assets::asset))
        .route("/healthz", get(api::healthz))
        .route("/readyz", get(api::readyz))
        .route("/metrics", get(api::metrics))
        .route("/api/status", get(api::status))
        .route("/api/turns", get(api::turns))
        .route("/api/turns/{turn}/audio", get(sound::turn))
        .route("/api/latency", get(api::latency))
        .route("/api/events", get(events::events))
        .route("/api/personas/{id}/face.png", get(face::still))
        .route("/api/pictures/{id}", get(album::picture))
        .route("/api/personas/{id}/mode", post(api::mode))
        .route("/api/personas/{id}/hush", post(api::hush))
        .route("/api/recording", post(api::recording))
        .route("/api/token", post(api::token))
        .fallback(async || ApiError::NoPage)
        .method_not_allowed_fallback(async || ApiError::NoMethod)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(desk.clone(), guard::guard))
        .with_state(desk)
}
