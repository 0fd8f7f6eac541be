//! Errors as clients see them: problem documents (RFC 9457).

use std::error::Error;

use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::LengthLimitError;
use problem_document::{FieldError, ProblemBody};
use tracing::{error, warn};

use crate::body::{BODY_LIMIT, TooSlow};

/// An error response: a problem document that a client program can act on. It is one pointer in
/// size, so `Result<_, Problem>` stays small.
#[derive(Debug)]
pub struct Problem(Box<Inner>);

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    body: ProblemBody,
    retry_after_s: Option<u32>,
}

impl Problem {
    /// A problem that the status alone explains, such as 404.
    pub fn new(status: StatusCode) -> Problem {
        Problem(Box::new(Inner {
            status,
            body: ProblemBody {
                kind: "about:blank".to_owned(),
                title: status.canonical_reason().unwrap_or("Error").to_owned(),
                status: status.as_u16(),
                detail: None,
                errors: vec![],
            },
            retry_after_s: None,
        }))
    }

    /// 422: the request could be read, but these fields are not acceptable.
    pub fn invalid(errors: Vec<FieldError>) -> Problem {
        Problem::of_fields(StatusCode::UNPROCESSABLE_ENTITY, errors)
    }

    /// 422 for a single field.
    pub fn invalid_field(field: impl Into<String>, message: impl std::fmt::Display) -> Problem {
        Problem::invalid(vec![FieldError::new(field, message)])
    }

    pub(crate) fn of_fields(status: StatusCode, errors: Vec<FieldError>) -> Problem {
        Problem::new(status)
            .named("urn:twofold:invalid-request", "The request is not valid")
            .detail("see `errors` for what to change")
            .with_errors(errors)
    }

    /// 400: the request cannot be read.
    pub fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST).detail(detail)
    }

    /// 401: the token is missing or not valid.
    pub fn unauthorized(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED).detail(detail)
    }

    /// 404: there is nothing at this address.
    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND).detail(detail)
    }

    /// 405: the path has other methods, which the `Allow` header names.
    pub(crate) fn method_not_allowed() -> Problem {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED)
            .detail("the `allow` header names the methods of this path")
    }

    /// 413: the body exceeds [`BODY_LIMIT`].
    pub fn too_large() -> Problem {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE)
            .detail(format!("a body may have {BODY_LIMIT} bytes"))
    }

    /// The problem of a body that could not be read: 413 when it exceeds [`BODY_LIMIT`], 408 when
    /// it did not arrive in time, and 400 when it broke off.
    pub fn of_body(error: &(dyn Error + 'static)) -> Problem {
        // axum's extractors put the error into another box.
        let is_too_large = |cause: &(dyn Error + 'static)| {
            cause.is::<LengthLimitError>() || cause.is::<Box<LengthLimitError>>()
        };
        if causes(error).any(is_too_large) {
            return Problem::too_large();
        }
        if causes(error).any(|cause| cause.is::<TooSlow>()) {
            return Problem::new(StatusCode::REQUEST_TIMEOUT).detail(TooSlow.to_string());
        }
        Problem::bad_request("the body ended before its announced length")
    }

    /// 409: the request contradicts the current state.
    pub fn conflict(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::CONFLICT).detail(detail)
    }

    /// 503 with `Retry-After: 1`: the same request may succeed later.
    pub fn unavailable(detail: impl Into<String>) -> Problem {
        let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE).detail(detail);
        problem.0.retry_after_s = Some(1);
        problem
    }

    /// 500: a fault of the service. The cause is logged and not sent to the client.
    pub fn internal(cause: impl std::fmt::Display) -> Problem {
        error!(error = %cause, "request failed");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR)
            .detail("the cause is in the log, under the request's id")
    }

    /// Sets the explanation of this occurrence.
    pub fn detail(mut self, detail: impl Into<String>) -> Problem {
        self.0.body.detail = Some(detail.into());
        self
    }

    pub(crate) fn with_errors(mut self, errors: Vec<FieldError>) -> Problem {
        self.0.body.errors = errors;
        self
    }

    /// Sets the type, a URI that clients recognise the problem by, and its title.
    pub fn named(mut self, kind: &'static str, title: &'static str) -> Problem {
        self.0.body.kind = kind.to_owned();
        self.0.body.title = title.to_owned();
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Problem(problem) = self;
        let body = serde_json::to_vec(&problem.body).expect("a problem has only string keys");
        let mut response = (problem.status, body).into_response();

        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if problem.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if problem.status == StatusCode::REQUEST_TIMEOUT {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(seconds) = problem.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The problem as the bytes of a whole HTTP/1.1 response, after which the connection closes.
pub(crate) fn raw_response(Problem(problem): Problem) -> Vec<u8> {
    let (status, body) = (problem.status, problem.body);
    let body = serde_json::to_string(&body).expect("a problem has only string keys");
    let retry_after = problem.retry_after_s;
    let retry_after = retry_after.map(|seconds| format!("retry-after: {seconds}\r\n"));
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\n{}content-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        retry_after.unwrap_or_default(),
        body.len()
    )
    .into_bytes()
}

/// The error and its causes.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// For `?` on database functions in handlers. A transient error, such as an unreachable database, a
/// pool without a free connection or an ended wait for a lock, becomes a 503; any other a 500.
impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Problem {
        if !database::is_transient(&error) {
            return Problem::internal(error);
        }
        warn!(%error, "the database failed for a request");
        Problem::unavailable("the database does not answer")
    }
}
