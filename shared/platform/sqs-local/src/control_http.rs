//! The control endpoint: [`Control`] as JSON over HTTP.
//!
//! | | |
//! | --- | --- |
//! | `GET /control/queues` | depths, in flight, delayed, age of the oldest message, messages and deliveries so far |
//! | `GET /control/queues/NAME/messages?limit=N` | messages, without a receive |
//! | `GET /control/calls`, `DELETE /control/calls` | API calls by action; reset to zero |
//! | `GET`, `PUT /control/misbehaviour` | see [`Faults`]; what is left out is off |
//! | `GET`, `PUT`, `DELETE /control/queues/NAME/misbehaviour` | the same for one queue |
//! | `POST /control/reset` | remove everything |

use hyper::StatusCode;
use serde::Serialize;
use serde_json::json;

use crate::control::Control;
use crate::faults::Faults;

type Answer = (StatusCode, Vec<u8>);

/// Whether a path belongs to the control endpoint. The test suite of moto calls the reset by the
/// second path.
pub(crate) fn is_control(path: &str) -> bool {
    path.starts_with("/control/") || path == "/moto-api/reset"
}

pub(crate) fn call(
    control: &Control,
    method: &str,
    path: &str,
    query: &str,
    body: &[u8],
) -> Answer {
    let parts: Vec<_> = path.trim_matches('/').split('/').skip(1).collect();
    match (method, parts.as_slice()) {
        ("GET", ["queues"]) => json(&control.queues()),
        ("GET", ["queues", name, "messages"]) => {
            let limit = query
                .strip_prefix("limit=")
                .and_then(|limit| limit.parse().ok());
            match control.messages(name, limit.unwrap_or(10)) {
                Ok(messages) => json(&messages),
                Err(error) => fail(StatusCode::NOT_FOUND, &error.to_string()),
            }
        }
        ("GET", ["calls"]) => json(&control.calls()),
        ("DELETE", ["calls"]) => {
            control.reset_calls();
            done()
        }
        ("GET", ["misbehaviour"]) => json(&control.faults(None)),
        ("PUT", ["misbehaviour"]) => inject(body, |faults| control.inject(faults)),
        ("GET", ["queues", name, "misbehaviour"]) => json(&control.faults(Some(name))),
        ("PUT", ["queues", name, "misbehaviour"]) => {
            inject(body, |faults| control.inject_on(name, Some(faults)))
        }
        ("DELETE", ["queues", name, "misbehaviour"]) => {
            inject(b"{}", |_| control.inject_on(name, None))
        }
        ("POST", ["reset"]) => {
            control.reset();
            done()
        }
        _ => fail(
            StatusCode::NOT_FOUND,
            "nothing at this address: see /control/queues",
        ),
    }
}

fn inject(body: &[u8], set: impl FnOnce(Faults) -> Result<(), String>) -> Answer {
    let faults = strict_json::from_slice(body).map_err(|error| error.to_string());
    match faults.and_then(set) {
        Ok(()) => done(),
        Err(reason) => fail(StatusCode::BAD_REQUEST, &reason),
    }
}

fn json(answer: &impl Serialize) -> Answer {
    match serde_json::to_vec(answer) {
        Ok(document) => (StatusCode::OK, document),
        Err(error) => fail(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn done() -> Answer {
    json(&json!({ "status": "ok" }))
}

pub(crate) fn fail(status: StatusCode, reason: &str) -> Answer {
    (status, json!({ "error": reason }).to_string().into_bytes())
}
