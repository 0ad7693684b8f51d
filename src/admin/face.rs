//! What a persona looks like, without a room.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::api::known;
use super::assets::kept;
use super::error::ApiError;
use super::routes::Desk;

/// `image/png` of a persona at ease.
pub(super) async fn still(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let persona = known(&desk, &id)?;
    let png = (desk.stills)(&persona).ok_or(ApiError::NoPage)?;
    let hash = Sha256::digest(&png);
    Ok(kept(&hash, "image/png", Bytes::from_owner(png), &headers))
}
