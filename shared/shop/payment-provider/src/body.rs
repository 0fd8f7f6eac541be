//! JSON bodies, read strictly: an array is not accepted as an object.

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::problem::Problem;

/// The beginning of serde's message for an array where a struct is expected.
const ARRAY_FOR_OBJECT: &str = "invalid type: sequence, expected struct";

/// An extractor for a request's body. axum checks content type, size and syntax.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let raw = Json::<Box<RawValue>>::from_request(request, state).await;
        let Json(raw) = raw.map_err(|error| Problem(error.status(), error.body_text()))?;
        read(raw.get()).map(Self)
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    strict_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let status = match message.starts_with(ARRAY_FOR_OBJECT) {
            true => StatusCode::BAD_REQUEST,
            false => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Problem(status, message)
    })
}
