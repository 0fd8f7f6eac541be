//! The two steps of a shutdown.

use tokio_util::sync::CancellationToken;

/// The tokens that stop a consumer.
#[derive(Clone)]
pub(super) struct Stop {
    /// Cancelled at the beginning of the shutdown: no stage starts anything new.
    pub(super) begin: CancellationToken,
    /// Cancelled shortly before the shutdown timeout: running handlers are cancelled.
    pub(super) kill: CancellationToken,
}
