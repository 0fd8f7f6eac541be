//! The limit of orders that are placed at a time. Orders above it are refused before the provider
//! is called: without a connection, their authorizations would have to be voided again.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::Error;

/// A limit on concurrent orders. Clones share it.
#[derive(Clone, Debug)]
pub struct Admission(Arc<Semaphore>);

impl Admission {
    /// Admits `per_connection` orders for each of the pool's `connections`.
    pub fn new(connections: u32, per_connection: u32) -> Admission {
        let orders = u64::from(connections) * u64::from(per_connection);
        let orders = usize::try_from(orders).unwrap_or(usize::MAX);
        Admission(Arc::new(Semaphore::new(orders.min(Semaphore::MAX_PERMITS))))
    }

    /// Admits an order until the permit is dropped.
    ///
    /// # Errors
    /// [`Error::Busy`], without waiting, when the limit is reached: the orders behind it wait for a
    /// connection already, and a second queue would not make them faster.
    pub(crate) fn enter(&self) -> Result<SemaphorePermit<'_>, Error> {
        self.0.try_acquire().map_err(|_| Error::Busy)
    }
}
