//! axum's extractors, with problem documents as rejections that name the wrong field.

use axum::body::Bytes;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use problem_document::FieldError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use strict_json::Strict;

use crate::Problem;

/// The beginning of serde's message for an array in place of a struct.
const ARRAY_FOR_OBJECT: &str = "invalid type: sequence, expected struct";

/// A JSON body, of a request or a response. Reading rejects an array in place of an object.
pub struct Json<T>(pub T);

/// The values of the path's `{names}`.
pub struct Path<T>(pub T);

/// The values of the query, the part of the address after `?`.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Json<T>, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .detail("send JSON, with `content-type: application/json`"));
        }
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|error| Problem::of_body(&error))?;

        let mut reader = serde_json::Deserializer::from_slice(&body);
        let value = serde_path_to_error::deserialize(Strict(&mut reader)).map_err(body_problem)?;
        reader
            .end()
            .map_err(|error| Problem::bad_request(format!("the body is not JSON: {error}")))?;
        Ok(Json(value))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Path<T>, Problem> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        let axum::extract::Path(value) = path.map_err(path_problem)?;
        Ok(Path(value))
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query<T>, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        let value = serde_path_to_error::deserialize(reader).map_err(|error| {
            let field = field_at(error.path());
            let error = FieldError::new(field, error.into_inner());
            Problem::of_fields(StatusCode::BAD_REQUEST, vec![error])
        })?;
        Ok(Query(value))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(kind)) = headers.get(CONTENT_TYPE).map(|value| value.to_str()) else {
        return false;
    };
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

fn path_problem(rejection: PathRejection) -> Problem {
    let PathRejection::FailedToDeserializePathParams(error) = rejection else {
        return Problem::internal(rejection.body_text());
    };
    let error = match error.into_kind() {
        ErrorKind::ParseErrorAtKey {
            key, expected_type, ..
        } => FieldError::new(key, format!("must be of type {expected_type}")),
        ErrorKind::DeserializeError { key, message, .. } => FieldError::new(key, message),
        ErrorKind::InvalidUtf8InPathParam { key } => FieldError::new(key, "must be UTF-8"),
        other => FieldError::new("path", other),
    };
    Problem::of_fields(StatusCode::BAD_REQUEST, vec![error])
}

/// 422 for a value that does not fit its field, and 400 for text that is not JSON or for an array
/// in place of an object, which no contract allows.
fn body_problem(error: serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let field = field_at(error.path());
    let error = error.into_inner();
    if !error.is_data() {
        return Problem::bad_request(format!("the body is not JSON: {error}"));
    }
    let message = error.to_string();
    let message = strip_position(&message);
    let status = match message.starts_with(ARRAY_FOR_OBJECT) {
        true => StatusCode::BAD_REQUEST,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Problem::of_fields(status, vec![FieldError::new(field, message)])
}

/// The path of a field, such as `lines[0].quantity`, or `body` when the whole body is wrong.
fn field_at(path: &serde_path_to_error::Path) -> String {
    match path.iter().next() {
        Some(_) => path.to_string(),
        None => "body".to_owned(),
    }
}

/// The message without line and column, because the path already says where.
fn strip_position(message: &str) -> &str {
    message
        .split_once(" at line ")
        .map_or(message, |(text, _)| text)
}
