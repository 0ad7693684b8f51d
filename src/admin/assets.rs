//! The pages' files, part of the binary. A debug build reads them from `web/` as they are.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use super::error::ApiError;

#[derive(RustEmbed)]
#[folder = "web/"]
#[include = "*.html"]
#[include = "css/*.css"]
#[include = "js/**/*.js"]
#[include = "icon.svg"]
#[include = "node_modules/livekit-client/dist/livekit-client.esm.mjs"]
struct Web;

/// The name that the join page imports. It is missing in a build made before `npm ci`.
const CLIENT: (&str, &str) =
    ("livekit-client.mjs", "node_modules/livekit-client/dist/livekit-client.esm.mjs");

pub(super) async fn join(headers: HeaderMap) -> Response {
    file("join.html", &headers)
}

pub(super) async fn admin(headers: HeaderMap) -> Response {
    file("admin.html", &headers)
}

pub(super) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let path = if path == CLIENT.0 { CLIENT.1 } else { path.as_str() };
    file(path, &headers)
}

fn file(path: &str, headers: &HeaderMap) -> Response {
    match Web::get(path) {
        Some(file) => kept(&file.metadata.sha256_hash(), content_type(path), file.data, headers),
        None => ApiError::NoPage.into_response(),
    }
}

/// A file by its hash. Browsers keep it and ask each time whether it is still the same.
pub(super) fn kept(
    hash: &[u8],
    content_type: &'static str,
    file: impl IntoResponse,
    headers: &HeaderMap,
) -> Response {
    let tag: String = hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let fixed = [(CACHE_CONTROL, "no-cache"), (CONTENT_TYPE, content_type)];
    let known = headers.get(IF_NONE_MATCH).is_some_and(|seen| seen.as_bytes() == tag.as_bytes());
    if known {
        return (StatusCode::NOT_MODIFIED, fixed, [(ETAG, tag)]).into_response();
    }
    (fixed, [(ETAG, tag)], file).into_response()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
