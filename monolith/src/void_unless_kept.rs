//! Undoing an authorization: the only part of placing that `rollback()` does not undo.

use domain::OrderId;
use storefront::Provider;
use tokio::runtime::Handle;
use tracing::warn;

/// Voids the order's authorization when it is dropped, unless [`keep`](VoidUnlessKept::keep) was
/// called. So after an error, or when the client disconnects, no money stays reserved.
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

    /// Leaves the authorization to the sweep. Called before the commit: once COMMIT is sent, only
    /// the database knows whether there is an order, so the sweep checks it later.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for VoidUnlessKept {
    /// In a separate task, so that the customer's answer does not wait for it.
    fn drop(&mut self) {
        // If the runtime has stopped, the sweep of the next process voids the authorization.
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
