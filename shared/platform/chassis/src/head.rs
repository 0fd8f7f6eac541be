//! How long the head of a request may be.
//!
//! hyper has limits of its own, and what exceeds those, or is not HTTP at all, it answers by
//! itself: a bare 431 to more than 100 fields or more than [`HEAD_BUFFER`] bytes, and a bare 400 to
//! what it cannot parse. It calls nothing of ours before that, so those answers have no document.
//! The limits here are lower, so that a request which is only somewhat too long gets one.

use axum::http::{HeaderMap, StatusCode, Uri};

use crate::Problem;

/// The most bytes of an address. RFC 9110, 4.1 asks for 8,000 at least.
const ADDRESS_LIMIT: usize = 8192;

/// The most fields, and the most bytes of them all. Browsers and proxies send some 20 fields.
const FIELDS_LIMIT: usize = 64;
const FIELDS_BYTES: usize = 16 * 1024;

/// What hyper keeps of a head at most. It has room for every head within the limits above.
pub(crate) const HEAD_BUFFER: usize = 64 * 1024;

/// # Errors
/// 414 or 431 when the head exceeds a limit.
pub(crate) fn check(address: &Uri, fields: &HeaderMap) -> Result<(), Problem> {
    let length = address.path_and_query().map_or(0, |all| all.as_str().len());
    if length > ADDRESS_LIMIT {
        return Err(Problem::new(StatusCode::URI_TOO_LONG)
            .detail(format!("an address may have {ADDRESS_LIMIT} bytes")));
    }
    let bytes = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        name.as_str().len() + value.len()
    };
    if fields.len() > FIELDS_LIMIT || fields.iter().map(bytes).sum::<usize>() > FIELDS_BYTES {
        return Err(
            Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE).detail(format!(
                "a request may have {FIELDS_LIMIT} header fields of {FIELDS_BYTES} bytes in all"
            )),
        );
    }
    Ok(())
}
