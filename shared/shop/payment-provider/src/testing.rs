//! The provider for tests.

use std::net::Ipv4Addr;

use crate::Provider;

/// A payment provider for one test, so that its behaviour disturbs no other test.
///
/// # Panics
/// When the loopback interface has no free port.
pub async fn provider() -> Provider {
    let started = Provider::start((Ipv4Addr::LOCALHOST, 0).into()).await;
    started.unwrap_or_else(|error| panic!("{error}"))
}
