//! `/openapi.json`: the description of the contract, at whatever door customers come in by.

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;

pub fn routes() -> Router {
    let document = Bytes::from(contracts::openapi::json());
    let serve = get(async || ([(CONTENT_TYPE, "application/json")], document));
    Router::new().route("/openapi.json", serve)
}
