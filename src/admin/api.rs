//! The handlers of the API and the probes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::access::Level;
use super::error::ApiError;
use super::ledger::{Entry, Question, TurnFilter};
use super::routes::Desk;
use super::state::Command;
use super::{sound, visitor};
use crate::id::PersonaId;
use crate::latency::TurnRecord;
use crate::persona::Mode;

/// Turns in one answer when nothing is asked for.
const TURNS_DEFAULT: usize = 100;

/// A disk that takes longer to begin or end a tape is stuck.
const RECORDER_PATIENCE: Duration = Duration::from_secs(10);

type Shared = State<Arc<Desk>>;
type Answer = Result<Response, ApiError>;

/// The process serves.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The cast is hosted.
pub(super) async fn readyz(State(desk): Shared) -> Response {
    let status = desk.status.borrow();
    if status.ready {
        return "ready\n".into_response();
    }
    let hosted = status.personas.iter().filter(|persona| persona.hosted).count();
    let waiting = format!("{hosted} of {} personas are hosted\n", status.personas.len());
    (StatusCode::SERVICE_UNAVAILABLE, waiting).into_response()
}

pub(super) async fn metrics(State(desk): Shared) -> Answer {
    let text = desk.ask(Question::Metrics).await?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}

pub(super) async fn status(State(desk): Shared) -> Answer {
    let report = desk.ask(Question::Status).await?;
    Ok(Json(report).into_response())
}

/// Written as it is: by way of a `Value` its numbers would get longer.
#[derive(Serialize)]
struct Turns {
    turns: Vec<Entry<TurnRecord>>,
}

#[derive(Deserialize)]
pub(super) struct TurnsQuery {
    after: Option<String>,
    persona: Option<String>,
    limit: Option<usize>,
}

pub(super) async fn turns(
    State(desk): Shared,
    query: Result<Query<TurnsQuery>, QueryRejection>,
) -> Answer {
    let Query(query) = query?;
    if let Some(after) = &query.after
        && sound::turn_id(after).is_none()
    {
        return Err(ApiError::NoTurn(after.clone()));
    }
    if let Some(persona) = &query.persona {
        known(&desk, persona)?;
    }
    let filter = TurnFilter {
        after: query.after,
        persona: query.persona,
        limit: query.limit.unwrap_or(TURNS_DEFAULT),
    };
    let turns = desk.ask(|reply| Question::Turns(filter, reply)).await?;
    Ok(Json(Turns { turns }).into_response())
}

pub(super) async fn latency(State(desk): Shared) -> Answer {
    let latencies = desk.ask(Question::Latency).await?;
    Ok(Json(latencies).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModeBody {
    mode: Mode,
}

pub(super) async fn mode(
    State(desk): Shared,
    Path(id): Path<String>,
    body: Result<Json<ModeBody>, JsonRejection>,
) -> Answer {
    let persona = known(&desk, &id)?;
    let Json(ModeBody { mode }) = body?;
    order(&desk, Command::Mode { persona: persona.clone(), mode })?;
    accepted(json!({ "persona": persona, "mode": mode }))
}

pub(super) async fn hush(State(desk): Shared, Path(id): Path<String>) -> Answer {
    let persona = known(&desk, &id)?;
    order(&desk, Command::Hush { persona: persona.clone() })?;
    accepted(json!({ "persona": persona }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordingBody {
    on: bool,
}

/// Answers when it is done: how the newest recording does.
pub(super) async fn recording(
    State(desk): Shared,
    body: Result<Json<RecordingBody>, JsonRejection>,
) -> Answer {
    let Json(RecordingBody { on }) = body?;
    let done = tokio::time::timeout(RECORDER_PATIENCE, (desk.recording)(on)).await;
    let recording = done.map_err(|_| ApiError::Busy)?.map_err(ApiError::Recorder)?;
    tracing::info!(on, tape = recording.folder, "the recording was switched on the pages");
    Ok(Json(recording).into_response())
}

/// The host does it next; the feed shows when it has.
fn accepted(body: serde_json::Value) -> Answer {
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

fn order(desk: &Desk, command: Command) -> Result<(), ApiError> {
    use tokio::sync::mpsc::error::TrySendError;
    desk.commands.try_send(command).map_err(|refused| match refused {
        TrySendError::Full(_) => {
            desk.losses.commands.fetch_add(1, Ordering::Relaxed);
            ApiError::Busy
        }
        TrySendError::Closed(_) => ApiError::Stopping,
    })
}

pub(super) fn known(desk: &Desk, id: &str) -> Result<PersonaId, ApiError> {
    let status = desk.status.borrow();
    let persona = status.personas.iter().find(|persona| persona.id.as_str() == id);
    persona.map(|persona| persona.id.clone()).ok_or_else(|| ApiError::NoPersona(id.to_owned()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenBody {
    name: String,
}

pub(super) async fn token(
    State(desk): Shared,
    Extension(level): Extension<Level>,
    body: Result<Json<TokenBody>, JsonRejection>,
) -> Answer {
    let Json(TokenBody { name }) = body?;
    let visitor = visitor::admit(&name, &desk.status.borrow()).map_err(ApiError::Refused)?;
    let pass = (desk.passes)(&visitor).map_err(ApiError::Refused)?;
    tracing::info!(identity = visitor.identity, room = pass.room, "a visitor got a pass");
    let answer = json!({
        "url": pass.url,
        "token": pass.token,
        "identity": visitor.identity,
        "room": pass.room,
        "share": desk.share,
        "admin": level == Level::Operator,
    });
    Ok(Json(answer).into_response())
}
