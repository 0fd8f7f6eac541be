//! The parts of a request that come from its HTTP headers.

use hyper::header::{AUTHORIZATION, HOST, HeaderName};
use hyper::http::request::Parts;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    /// The region that the request is signed for.
    pub(crate) region: Option<&'a str>,
    /// `http`, unless a proxy that ends TLS says otherwise.
    pub(crate) scheme: &'a str,
    /// The server's name as the client sees it, for queue URLs.
    pub(crate) host: &'a str,
    /// The trace header for messages that have none.
    pub(crate) trace: Option<&'a str>,
}

impl<'a> Head<'a> {
    /// The head of a request that came without HTTP.
    pub(crate) fn of_host(host: &'a str) -> Head<'a> {
        Head {
            region: None,
            scheme: "http",
            host,
            trace: None,
        }
    }

    pub(crate) fn read(parts: &'a Parts) -> Head<'a> {
        let scheme = header(parts, HeaderName::from_static("x-forwarded-proto"));
        Head {
            region: header(parts, AUTHORIZATION).and_then(region),
            scheme: scheme.filter(|scheme| *scheme == "https").unwrap_or("http"),
            host: header(parts, HOST).unwrap_or("localhost"),
            trace: header(parts, HeaderName::from_static("x-amzn-trace-id")),
        }
    }
}

pub(crate) fn header(parts: &Parts, name: HeaderName) -> Option<&str> {
    parts.headers.get(name)?.to_str().ok()
}

/// `... Credential=<key>/<date>/<region>/sqs/aws4_request, ...`
fn region(authorization: &str) -> Option<&str> {
    let (_, scope) = authorization.split_once("Credential=")?;
    scope
        .split('/')
        .nth(2)
        .filter(|region| !region.is_empty() && region.len() < 32)
}
