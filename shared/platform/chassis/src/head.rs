//! Limits on the head of a request.
//!
//! hyper has limits of its own. It answers requests beyond them before it calls our code: with a
//! bare 431 for more than 100 fields or more than [`HEAD_BUFFER`] bytes, and with a bare 400 for
//! text that is not HTTP. Those answers carry no problem document. The limits here are lower, so a
//! request that is slightly too long gets one.

use axum::http::{HeaderMap, StatusCode, Uri};

use crate::Problem;

/// Maximum bytes of path and query. RFC 9110, section 4.1 recommends at least 8,000.
const ADDRESS_LIMIT: usize = 8192;

/// Maximum header fields. Browsers and proxies send about 20.
const FIELDS_LIMIT: usize = 64;
/// Maximum bytes of all names and values together. nginx and Apache allow 8 KiB per field.
const FIELDS_BYTES: usize = 16 * 1024;

/// The size of hyper's read buffer. Every head within the limits above fits in it.
pub(crate) const HEAD_BUFFER: usize = 64 * 1024;

/// Checks the head of a request against the limits.
///
/// # Errors
/// 414 when path and query are too long, 431 when there are too many or too long header fields.
pub(crate) fn check(address: &Uri, fields: &HeaderMap) -> Result<(), Problem> {
    let length = address.path_and_query().map_or(0, |all| all.as_str().len());
    if length > ADDRESS_LIMIT {
        return Err(Problem::new(StatusCode::URI_TOO_LONG)
            .detail(format!("path and query may have {ADDRESS_LIMIT} bytes")));
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
