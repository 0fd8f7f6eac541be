//! The trace of a request.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use trace_context::TraceParent;

use crate::otlp;

/// An extractor: the span of this request. What the request causes carries it on.
#[derive(Clone, Copy, Debug)]
pub struct Trace(pub TraceParent);

impl<S: Sync> FromRequestParts<S> for Trace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Trace, Infallible> {
        let known = parts.extensions.get::<TraceParent>().copied();
        Ok(Trace(known.unwrap_or_else(root)))
    }
}

/// A trace that begins here. It is sampled only if this process exports spans, since no caller asked
/// for it.
pub(crate) fn root() -> TraceParent {
    TraceParent::root(otlp::is_on())
}
