//! The id of a request, which all processes on its way log.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request in the logs of all processes it passes: the caller's `x-request-id` of 1 to
/// 128 visible ASCII characters, or a new UUID. The response carries it.
///
/// It is also an extractor.
#[derive(Clone, Debug)]
pub struct RequestId(HeaderValue);

impl RequestId {
    pub(crate) fn of(headers: &HeaderMap) -> RequestId {
        let is_valid = |id: &&HeaderValue| {
            (1..=128).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
        };
        RequestId(headers.get(REQUEST_ID).filter(is_valid).map_or_else(
            || {
                let id = uuid::Uuid::now_v7().to_string();
                HeaderValue::try_from(id).expect("a UUID is ASCII")
            },
            HeaderValue::clone,
        ))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().expect("a request id is visible ASCII")
    }

    /// The id as a header value, to send with calls to other services.
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<RequestId, Infallible> {
        let existing = parts.extensions.get::<RequestId>().cloned();
        Ok(existing.unwrap_or_else(|| RequestId::of(&parts.headers)))
    }
}
