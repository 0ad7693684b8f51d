//! What a recorded turn sounded like.

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use super::routes::Desk;
use super::state::NoSound;
use crate::id::TurnId;

/// A turn as it is written, `t7`: nothing else comes near the disk.
pub(super) fn turn_id(text: &str) -> Option<TurnId> {
    let digits = text.strip_prefix('t')?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).map(TurnId)
}

/// `audio/wav` of a turn on the running or the last tape.
pub(super) async fn turn(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let turn = turn_id(&id).ok_or(ApiError::OddTurn(id))?;
    let folder = desk.status.borrow().recording.as_ref().map(|it| PathBuf::from(&it.folder));
    let none = || ApiError::NoSound("nothing was recorded yet: switch recording on".to_owned());
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty()).ok_or_else(none)?;
    // A click each; whoever comes while as many are cut as may be asks again.
    let place = desk.listeners.clone().try_acquire_owned().map_err(|_| ApiError::Busy)?;
    let sounds = desk.sounds.clone();
    let cut = tokio::task::spawn_blocking(move || {
        let _place = place;
        sounds(&folder, turn)
    });
    let wav = cut.await.map_err(|_| ApiError::Stopping)?.map_err(|why| match why {
        NoSound::Missing(sentence) => ApiError::NoSound(sentence),
        NoSound::NotBuilt(sentence) => ApiError::NotBuilt(sentence),
        NoSound::Broken(sentence) => ApiError::BrokenTape(sentence),
    })?;
    Ok(([(CONTENT_TYPE, "audio/wav")], wav).into_response())
}
