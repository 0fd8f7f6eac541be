//! The route `/openapi.json`, which describes a service's HTTP contract.

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;

/// Serves `document`, an OpenAPI document in JSON.
pub fn routes(document: String) -> Router {
    let document = Bytes::from(document);
    let serve = get(async || ([(CONTENT_TYPE, "application/json")], document));
    Router::new().route("/openapi.json", serve)
}
