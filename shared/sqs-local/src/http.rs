//! The wire: one HTTP request in, one response out.
//!
//! SQS speaks AWS JSON 1.0: every request is a `POST /` whose header `X-Amz-Target` names the
//! action, and whose body is its JSON document. Of the signature only the region is read.
//!
//! A client that closes its connection while it polls is noticed, and what was received for it goes
//! back, unless the answer is on its way. No header of Amazon's says so, and so one of ours does.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};

use crate::cloud::Cloud;
use crate::control::Control;
use crate::control_http;
use crate::error::{Error, Result};

/// The largest request read: a batch of 1 MiB, every byte of it escaped, with room for names.
const MOST_BYTES: usize = 8 * 1024 * 1024;

const AMAZON_JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const XML: HeaderValue = HeaderValue::from_static("text/xml");

pub(crate) async fn handle(
    cloud: &Arc<Cloud>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = match read(body).await {
        Ok(body) => body,
        Err(error) => return Ok(fail(&error)),
    };
    if control_http::is_control(head.uri.path()) {
        let (method, path, query) = (head.method.as_str(), head.uri.path(), head.uri.query());
        let control = Control::new(cloud.clone());
        let answer = control_http::call(&control, method, path, query.unwrap_or(""), &body);
        return Ok(respond(answer.0, JSON, answer.1));
    }
    if is_identity_question(&body) {
        return Ok(respond(StatusCode::OK, XML, identity(&cloud.account)));
    }

    let target = header(&head, HeaderName::from_static("x-amz-target")).unwrap_or_default();
    let action = target.strip_prefix("AmazonSQS.").unwrap_or(target);
    let host = header(&head, HOST).unwrap_or("localhost");
    let region = header(&head, AUTHORIZATION).and_then(region);
    Ok(match cloud.call(region, action, &body, host).await {
        Ok(document) => respond(StatusCode::OK, AMAZON_JSON, document),
        Err(error) => fail(&error),
    })
}

async fn read(body: Incoming) -> Result<Bytes> {
    let too_long = || Error::Serialization("request body is too large".into());
    if body.size_hint().lower() > MOST_BYTES as u64 {
        return Err(too_long());
    }
    let body = Limited::new(body, MOST_BYTES)
        .collect()
        .await
        .map_err(|error| match error.is::<LengthLimitError>() {
            true => too_long(),
            false => Error::Serialization("request body ended too soon".into()),
        })?;
    Ok(body.to_bytes())
}

fn header(head: &Parts, name: HeaderName) -> Option<&str> {
    head.headers.get(name)?.to_str().ok()
}

/// `... Credential=<key>/<date>/<region>/sqs/aws4_request, ...`
fn region(authorization: &str) -> Option<&str> {
    let (_, scope) = authorization.split_once("Credential=")?;
    scope
        .split('/')
        .nth(2)
        .filter(|region| !region.is_empty() && region.len() < 32)
}

fn fail(error: &Error) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = respond(status, AMAZON_JSON, error.document());
    if let Ok(code) = HeaderValue::from_str(&error.query_error()) {
        response.headers_mut().insert("x-amzn-query-error", code);
    }
    response
}

fn respond(status: StatusCode, kind: HeaderValue, document: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(document)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert("x-takes-polls-back", HeaderValue::from_static("true"));
    let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let mut buffer = uuid::Uuid::encode_buffer();
    if let Ok(id) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut buffer)) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// The one question of another service (STS) that scripts for SQS ask: whose account this is.
fn is_identity_question(body: &[u8]) -> bool {
    body.starts_with(b"Action=GetCallerIdentity")
}

fn identity(account: &str) -> Vec<u8> {
    format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetCallerIdentityResult><Arn>arn:aws:iam::{account}:root</Arn>\
         <UserId>{account}</UserId><Account>{account}</Account></GetCallerIdentityResult>\
         </GetCallerIdentityResponse>"
    )
    .into_bytes()
}
