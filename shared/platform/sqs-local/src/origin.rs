//! Protects the control endpoint from web pages. It has no password, so a page that the developer
//! visits must not reach it, neither by a cross-origin request nor by a name of its own that
//! resolves to this machine (DNS rebinding).

use std::net::{IpAddr, SocketAddr};

/// Why a request to the control endpoint is refused, by its headers `Host` and `Origin`; `None` if
/// it is allowed. Programs send no origin.
pub(crate) fn refusal(host: Option<&str>, origin: Option<&str>) -> Option<&'static str> {
    if host.is_some_and(|host| !is_local_name(host)) {
        return Some("use an IP address or localhost: other names may belong to a web page");
    }
    let origin = origin?;
    let (_, authority) = origin.split_once("://").unwrap_or(("", origin));
    (host != Some(authority)).then_some("pages of another origin may not control the server")
}

/// Whether the name can only mean this server: an address, `localhost`, or a name without a dot,
/// such as a container's, which no page of the internet can have.
fn is_local_name(host: &str) -> bool {
    let is_address = host.parse::<SocketAddr>().is_ok() || host.parse::<IpAddr>().is_ok();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let is_address = is_address || name.parse::<IpAddr>().is_ok();
    is_address || !name.contains('.') || name.to_ascii_lowercase().ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_programs_and_pages_of_the_server_itself_are_allowed() {
        let check = |host: &str, origin: Option<&str>, is_allowed: bool| {
            let refusal = refusal(Some(host), origin);
            assert_eq!(refusal.is_none(), is_allowed, "{host} {origin:?}");
        };
        check("127.0.0.1:9324", None, true);
        check("[::1]:9324", None, true);
        check("[::1]", None, true);
        check("::1", None, true);
        check("localhost", None, true);
        check("sqs:9324", None, true);
        check("sqs.localhost:9324", None, true);
        check("sqs.example.com:9324", None, false);
        check("localhost.example.com", None, false);
        check("127.0.0.1.example.com", None, false);
        check("localhost:9324", Some("http://localhost:9324"), true);
        check("localhost:9324", Some("http://localhost:3000"), false);
        check("localhost:9324", Some("https://example.com"), false);
        check("localhost:9324", Some("null"), false);
        assert_eq!(refusal(None, None), None);
        assert!(refusal(None, Some("https://example.com")).is_some());
    }
}
