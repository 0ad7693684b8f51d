//! What a persona looks like, without a room.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::api::known;
use super::error::ApiError;
use super::routes::Desk;

/// Bytes of the hash that name a file.
const TAG_BYTES: usize = 12;

/// `image/png` of a persona at ease. Browsers keep it and ask whether it is still the same.
pub(super) async fn still(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let persona = known(&desk, &id)?;
    let png = (desk.stills)(&persona).ok_or(ApiError::NoPage)?;
    let hash = Sha256::digest(&png);
    let tag: String = hash.iter().take(TAG_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let fixed = [(CACHE_CONTROL, "no-cache"), (CONTENT_TYPE, "image/png")];
    if headers.get(IF_NONE_MATCH).is_some_and(|seen| seen.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, fixed, [(ETAG, tag)]).into_response());
    }
    Ok((fixed, [(ETAG, tag)], Bytes::from_owner(png)).into_response())
}
