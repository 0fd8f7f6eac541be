//! The wire protocol: one HTTP request in, one response out.
//!
//! SQS uses AWS JSON 1.0: each request is a `POST /` whose header `X-Amz-Target` names the action,
//! and whose body is the action's JSON document. Of the signature only the region is read.
//!
//! When a client closes its connection during a poll, the messages received for it return to the
//! queue, unless the answer is being sent already. Amazon has no header to announce this, so this
//! server has its own, `x-takes-polls-back`.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN};
use hyper::{Request, Response, StatusCode};

use crate::account::Account;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::head::{Head, header};
use crate::settings;
use crate::{control_http, origin};

/// The most bytes of a request that are kept: a batch of 1 MiB, every byte of it escaped, with room
/// for names.
const MOST_KEPT: usize = 8 * 1024 * 1024;
/// The most bytes of a request that are read. A client that still sends when the connection is
/// closed sees a broken pipe instead of the error.
const MOST_READ: u64 = 64 * 1024 * 1024;

const AMAZON_JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const XML: HeaderValue = HeaderValue::from_static("text/xml");

pub(crate) async fn handle(
    account: &Arc<Account>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let target = header(&parts, HeaderName::from_static("x-amz-target")).unwrap_or_default();
    let action = target.strip_prefix("AmazonSQS.").unwrap_or(target);
    let is_control = control_http::is_control(parts.uri.path());
    if is_control
        && let Some(reason) = origin::refusal(header(&parts, HOST), header(&parts, ORIGIN))
    {
        let answer = control_http::fail(StatusCode::FORBIDDEN, reason);
        return Ok(respond(answer.0, JSON, answer.1));
    }

    let body = match read(body, action).await {
        Ok(body) => body,
        Err(error) => return Ok(fail(&error)),
    };
    if is_control {
        let (method, path, query) = (parts.method.as_str(), parts.uri.path(), parts.uri.query());
        let control = Control::new(account.clone());
        let answer = control_http::call(&control, method, path, query.unwrap_or(""), &body);
        if account.stored().await.is_err() {
            return Ok(fail(&Error::ServiceUnavailable));
        }
        return Ok(respond(answer.0, JSON, answer.1));
    }
    let head = Head::read(&parts);
    if is_identity_request(&body) {
        let identity = identity(account.partition(&head), &account.id);
        return Ok(respond(StatusCode::OK, XML, identity));
    }
    Ok(match account.call(&head, action, &body).await {
        Ok(document) => respond(StatusCode::OK, AMAZON_JSON, document),
        Err(error) => fail(&error),
    })
}

async fn read(mut body: Incoming, action: &str) -> Result<Bytes> {
    let declared = body.size_hint().lower();
    if declared > MOST_READ {
        return Err(too_long(action, declared));
    }
    if declared > MOST_KEPT as u64 {
        return Err(too_long(action, drop_rest(body).await));
    }
    match Limited::new(&mut body, MOST_KEPT).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(too_long(action, MOST_KEPT as u64 + drop_rest(body).await))
        }
        Err(_) => Err(Error::Serialization("request body ended too soon".into())),
    }
}

/// Reads the rest of a body without keeping it, and returns the number of its bytes.
async fn drop_rest(mut body: Incoming) -> u64 {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, |data| data.len() as u64);
        if read > MOST_READ {
            break;
        }
    }
    read
}

/// The error for a request of `sent` bytes: that of its messages, if the action sends any.
fn too_long(action: &str, sent: u64) -> Error {
    let most = settings::MOST_BYTES;
    match action {
        "SendMessage" => Error::MessageTooLong(most),
        "SendMessageBatch" => Error::BatchRequestTooLong {
            most,
            sent: sent as usize,
        },
        _ => Error::Serialization("request body is too large".into()),
    }
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

/// Whether this is `GetCallerIdentity`, the one request to another service (STS) that scripts for
/// SQS make.
fn is_identity_request(body: &[u8]) -> bool {
    body.starts_with(b"Action=GetCallerIdentity")
}

fn identity(partition: &str, account: &str) -> Vec<u8> {
    format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetCallerIdentityResult><Arn>arn:{partition}:iam::{account}:root</Arn>\
         <UserId>{account}</UserId><Account>{account}</Account></GetCallerIdentityResult>\
         </GetCallerIdentityResponse>"
    )
    .into_bytes()
}
