//! What a client is told when it does not get what it asked for.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A refusal; `{"error":"a sentence"}` with its status.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("the request names no host: send a Host header")]
    NoHost,
    #[error("this server is not known by that name: use its address, or set a token")]
    ForeignHost,
    #[error("only this server's own pages may ask for that")]
    ForeignOrigin,
    #[error("a token is needed: open the address that the host printed")]
    NoToken,
    #[error("this link opens the join page only: ask the operator for the admin address")]
    VisitorsOnly,
    #[error("there is no such page")]
    NoPage,
    #[error("this method does nothing here")]
    NoMethod,
    #[error("no persona is called \"{0}\": /api/status lists the cast")]
    NoPersona(String),
    #[error("no turn is called \"{0}\": \"after\" takes a turn like t7")]
    NoTurn(String),
    #[error("\"{0}\" is no turn: they are called like t7, see /api/turns")]
    OddTurn(String),
    #[error("no picture is called \"{0}\": a turn names its own, and the newest are kept")]
    NoPicture(String),
    #[error("{0}")]
    NoSound(String),
    #[error("{0}")]
    NotBuilt(String),
    #[error("{0}")]
    BrokenTape(String),
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Recorder(String),
    #[error("the request cannot be read: {0}")]
    Unreadable(String, StatusCode),
    #[error("the host is busy: try again in a second")]
    Busy,
    #[error("as many pages as it can serve are open already: close one, then reload")]
    Crowded,
    #[error("the host is stopping")]
    Stopping,
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoHost | Self::NoTurn(_) | Self::OddTurn(_) | Self::Refused(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::ForeignHost => StatusCode::MISDIRECTED_REQUEST,
            Self::ForeignOrigin | Self::VisitorsOnly => StatusCode::FORBIDDEN,
            Self::NoToken => StatusCode::UNAUTHORIZED,
            Self::NoPage | Self::NoPersona(_) | Self::NoPicture(_) | Self::NoSound(_) => {
                StatusCode::NOT_FOUND
            }
            Self::NotBuilt(_) => StatusCode::NOT_IMPLEMENTED,
            Self::BrokenTape(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unreadable(_, status) => *status,
            Self::Recorder(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy | Self::Crowded | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status(), Json(json!({ "error": self.to_string() }))).into_response()
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        Self::Unreadable(rejection.body_text(), rejection.status())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::Unreadable(rejection.body_text(), rejection.status())
    }
}
