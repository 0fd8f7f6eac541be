//! The wire: one HTTP request in, one response out.
//!
//! SQS speaks AWS JSON 1.0: every request is a `POST /` whose header `X-Amz-Target` names the
//! action, and whose body is its JSON document. Signatures are not looked at.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, Response, StatusCode};

use crate::control;
use crate::error::{Error, Result};
use crate::service::Service;

/// The largest request read: a batch of 1 MiB, every byte of it escaped, with room for names.
const MOST_BYTES: usize = 8 * 1024 * 1024;

pub(crate) async fn handle(
    service: &Service,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(match call(service, request).await {
        Ok(document) => respond(StatusCode::OK, document),
        Err(error) => {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
            let mut response = respond(status, error.document());
            if let Ok(code) = HeaderValue::from_str(&error.query_error()) {
                response.headers_mut().insert("x-amzn-query-error", code);
            }
            response
        }
    })
}

async fn call(service: &Service, request: Request<Incoming>) -> Result<Vec<u8>> {
    let (head, body) = request.into_parts();
    if let Some(answer) = control::call(service, head.method.as_str(), head.uri.path()) {
        return Ok(answer.to_string().into_bytes());
    }
    let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let target = text("x-amz-target").unwrap_or_default();
    let action = target.strip_prefix("AmazonSQS.").unwrap_or(target);
    let host = text(HOST.as_str()).unwrap_or("localhost");

    let body = Limited::new(body, MOST_BYTES)
        .collect()
        .await
        .map_err(|error| {
            let is_too_long = error.is::<LengthLimitError>();
            let message = if is_too_long {
                "request body is too large"
            } else {
                "request body ended"
            };
            Error::Serialization(message.into())
        })?;
    service.call(action, &body.to_bytes(), host).await
}

fn respond(status: StatusCode, document: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(document)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-amz-json-1.0"),
    );
    let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let mut buffer = uuid::Uuid::encode_buffer();
    if let Ok(id) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut buffer)) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}
