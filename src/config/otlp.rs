//! OpenTelemetry's settings, from its own variables.

use super::{ConfigError, Env};
use crate::telemetry;

pub(super) fn resolve(env: &Env, room: &str) -> Result<Option<telemetry::Options>, ConfigError> {
    let Some(endpoint) = env.otlp_endpoint.clone() else { return Ok(None) };
    if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
        return Err(ConfigError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is no address of a receiver; write http://HOST:4318"
                .to_owned(),
        ));
    }
    let headers = env.otlp_headers.as_deref().unwrap_or_default().split(',').map(str::trim);
    let headers = headers.filter(|pair| !pair.is_empty()).map(header).collect::<Option<_>>();
    // The value may be a key, so the sentence does not quote it.
    let headers = headers.ok_or_else(|| {
        ConfigError(
            "OTEL_EXPORTER_OTLP_HEADERS cannot be read; write name=value, separated by commas, \
             with values percent-encoded"
                .to_owned(),
        )
    })?;
    let service = env.otel_service_name.clone().unwrap_or_else(|| "troupe".to_owned());
    Ok(Some(telemetry::Options { endpoint, headers, service, room: room.to_owned() }))
}

fn header(pair: &str) -> Option<(String, String)> {
    let (name, value) = pair.split_once('=')?;
    let name = name.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let value = percent_decoded(value.trim())?;
    let fine = !name.is_empty() && name.chars().all(plain);
    (fine && !value.chars().any(char::is_control)).then(|| (name.to_owned(), value))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                (digit(rest.next()?)? * 16 + digit(rest.next()?)?) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}
