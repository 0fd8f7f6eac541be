//! The trace of a request, as an extractor.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use trace_context::{TraceParent, spans};

/// An extractor: the span of this request. Messages and calls that the request causes carry it on.
#[derive(Clone, Copy, Debug)]
pub struct Trace(pub TraceParent);

impl<S: Sync> FromRequestParts<S> for Trace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Trace, Infallible> {
        let existing = parts.extensions.get::<TraceParent>().copied();
        Ok(Trace(existing.unwrap_or_else(root)))
    }
}

/// A trace that begins in this process. It is sampled only if this process exports spans, because
/// no caller requested it.
pub(crate) fn root() -> TraceParent {
    TraceParent::root(spans::are_exported())
}
