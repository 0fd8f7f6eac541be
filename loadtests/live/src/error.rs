//! An error that the page shows: what happened, and what to do.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

#[derive(Debug)]
pub(crate) struct Error {
    status: StatusCode,
    text: String,
}

impl Error {
    pub(crate) fn not_found(what: impl Into<String>) -> Error {
        Error::new(StatusCode::NOT_FOUND, what)
    }

    pub(crate) fn bad_request(what: impl Into<String>) -> Error {
        Error::new(StatusCode::BAD_REQUEST, what)
    }

    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Error {
        let text = text.into();
        Error { status, text }
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Error {
        Error::new(StatusCode::BAD_GATEWAY, format!("{error:#}"))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.text }))).into_response()
    }
}
