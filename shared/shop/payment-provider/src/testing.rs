//! A provider for tests.

use std::net::Ipv4Addr;

use crate::Provider;

/// Starts a provider for one test, so that its behaviour does not affect other tests.
///
/// # Panics
/// When the loopback interface has no free port.
pub async fn provider() -> Provider {
    let started = Provider::start((Ipv4Addr::LOCALHOST, 0).into()).await;
    started.unwrap_or_else(|error| panic!("{error}"))
}
