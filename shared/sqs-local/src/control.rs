//! Seeing inside, and setting the scene, over HTTP: everything under `/control`.

use serde_json::{Value, json};

use crate::service::Service;

/// Answers a control request, or `None` if there is nothing at this address.
pub(crate) fn call(service: &Service, method: &str, path: &str) -> Option<Value> {
    let parts: Vec<_> = path.trim_matches('/').split('/').collect();
    match (method, parts.as_slice()) {
        ("GET", ["control", "calls"]) => Some(service.calls().collect()),
        // moto's own test suite asks by the second name.
        ("POST", ["control", "reset"] | ["moto-api", "reset"]) => {
            service.reset();
            Some(json!({ "status": "ok" }))
        }
        _ => None,
    }
}
