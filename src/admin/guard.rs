//! What stands before every handler: the Host and Origin checks, the token, security headers.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, LOCATION, ORIGIN,
    REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::access::Level;
use super::error::ApiError;
use super::routes::Desk;

const COOKIE_NAME: &str = "troupe_token";
/// A visit outlives the browser's restart, not the month.
const COOKIE_AGE_S: u32 = 7 * 24 * 3600;

/// Lets a request through to its handler, or answers it.
pub(super) async fn guard(
    State(desk): State<Arc<Desk>>,
    mut request: Request,
    next: Next,
) -> Response {
    let mut response = match check(&desk, &request) {
        Ok(Way::In(level)) => {
            request.extensions_mut().insert(level);
            next.run(request).await
        }
        Ok(Way::Again(redirect)) => redirect,
        Err(refusal) => refusal.into_response(),
    };
    harden(response.headers_mut(), &desk.status.borrow().url);
    response
}

enum Way {
    In(Level),
    /// To the same address without the secret in it.
    Again(Response),
}

fn check(desk: &Desk, request: &Request) -> Result<Way, ApiError> {
    let headers = request.headers();
    let host = text(headers, HOST).ok_or(ApiError::NoHost)?;
    if !desk.access.knows_host(host) {
        return Err(ApiError::ForeignHost);
    }
    if request.method() != Method::GET && !same_site(headers, host) {
        return Err(ApiError::ForeignOrigin);
    }
    let path = request.uri().path();
    if is_public(path) {
        return Ok(Way::In(Level::Visitor));
    }
    if let Some(secret) = query_token(request.uri())
        && desk.access.level(Some(secret)).is_some()
    {
        return Ok(Way::Again(welcome(path, secret)));
    }
    let secret = bearer(headers).or_else(|| cookie(headers));
    match desk.access.level(secret) {
        Some(level) if level >= needed(path) => Ok(Way::In(level)),
        Some(_) => Err(ApiError::VisitorsOnly),
        None => Err(ApiError::NoToken),
    }
}

/// Probes of a supervisor carry no token and learn nothing.
fn is_public(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz")
}

fn needed(path: &str) -> Level {
    let face = path.starts_with("/api/personas/") && path.ends_with("/face.png");
    let visitors = face || path == "/" || path == "/api/token" || path.starts_with("/assets/");
    if visitors { Level::Visitor } else { Level::Operator }
}

/// A browser names the page that a request comes from; other programs name nothing.
fn same_site(headers: &HeaderMap, host: &str) -> bool {
    if let Some(origin) = text(headers, ORIGIN) {
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        return authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host));
    }
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    matches!(site, None | Some("same-origin" | "none"))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    text(headers, AUTHORIZATION)?.strip_prefix("Bearer ").map(str::trim)
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    text(headers, COOKIE)?
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE_NAME).then_some(value))
}

fn query_token(uri: &Uri) -> Option<&str> {
    uri.query()?
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(name, value)| (name == "token").then_some(value))
}

/// Moves the secret from the address, where history would keep it, to a cookie. `Lax`, because a
/// shared link is followed from another site.
fn welcome(path: &str, secret: &str) -> Response {
    let cookie =
        format!("{COOKIE_NAME}={secret}; Path=/; Max-Age={COOKIE_AGE_S}; HttpOnly; SameSite=Lax");
    (StatusCode::SEE_OTHER, [(LOCATION, path.to_owned()), (SET_COOKIE, cookie)]).into_response()
}

fn harden(headers: &mut HeaderMap, server_url: &str) {
    let fixed = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "microphone=(self), camera=(self), geolocation=(), payment=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&content_policy(server_url)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Everything from this server alone, and the conversation with the LiveKit server, which is
/// asked over HTTP too when its WebSocket fails.
fn content_policy(server_url: &str) -> String {
    let server = origins(server_url).unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         media-src 'self' blob:; worker-src 'self' blob:; connect-src 'self'{server}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// ` ws://host:port http://host:port`; none when the address is not one of those.
fn origins(server_url: &str) -> Option<String> {
    let (scheme, rest) = server_url.split_once("://")?;
    let (socket, plain) = match scheme {
        "ws" | "http" => ("ws", "http"),
        "wss" | "https" => ("wss", "https"),
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let clean = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]_".contains(&b);
    if authority.is_empty() || !authority.bytes().all(clean) {
        return None;
    }
    Some(format!(" {socket}://{authority} {plain}://{authority}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_server_and_nothing_that_could_widen_it() {
        let wide = " ws://127.0.0.1:7880 http://127.0.0.1:7880";
        assert_eq!(origins("ws://127.0.0.1:7880/rtc").as_deref(), Some(wide));
        assert_eq!(origins("wss://a.b").as_deref(), Some(" wss://a.b https://a.b"));
        for hostile in ["", "ws://", "file://x", "ws://a; script-src *", "ws://a *"] {
            assert_eq!(origins(hostile), None, "{hostile}");
        }
    }

    #[test]
    fn a_request_of_another_page_is_told_apart() {
        let with = |name: &'static str, value: &'static str| {
            HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))])
        };
        let host = "127.0.0.1:7878";
        assert!(same_site(&HeaderMap::new(), host));
        assert!(same_site(&with("origin", "http://127.0.0.1:7878"), host));
        assert!(same_site(&with("sec-fetch-site", "same-origin"), host));
        assert!(!same_site(&with("origin", "null"), host));
        assert!(!same_site(&with("origin", "http://127.0.0.1:1234"), host));
        assert!(!same_site(&with("sec-fetch-site", "cross-site"), host));
    }
}
