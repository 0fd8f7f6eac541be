//! Undoing an authorization: the one step of placing that no `rollback()` undoes.

use domain::OrderId;
use storefront::Provider;
use tokio::runtime::Handle;
use tracing::warn;

/// Voids the order's authorization when it is dropped, unless it was kept: whatever ends placing
/// early, an error or a client that leaves, no money stays set aside.
#[must_use = "dropped, it voids the authorization"]
pub(crate) struct VoidUnlessKept {
    provider: Provider,
    order: OrderId,
    kept: bool,
}

impl VoidUnlessKept {
    pub(crate) fn new(provider: &Provider, order: OrderId) -> VoidUnlessKept {
        VoidUnlessKept {
            provider: provider.clone(),
            order,
            kept: false,
        }
    }

    /// From the first byte of a COMMIT on, only the database knows whether there is an order. If
    /// there is none, the sweep voids.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for VoidUnlessKept {
    /// In a task of its own: the customer's answer does not wait for it.
    fn drop(&mut self) {
        // A runtime that has ended leaves the authorization to the sweep of the next process.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if self.kept {
            return;
        }
        let (provider, order) = (self.provider.clone(), self.order);
        runtime.spawn(async move {
            if let Err(error) = provider.void(order).await {
                warn!(%error, %order, "left an authorization to the sweep");
            }
        });
    }
}
