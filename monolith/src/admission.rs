//! How many orders are placed at a time. What exceeds it is refused before the provider is asked:
//! an authorization for an order that finds no connection would have to be voided again.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::Error;

/// The places of orders in the making. Clones share them.
#[derive(Clone, Debug)]
pub struct Admission(Arc<Semaphore>);

impl Admission {
    /// `per_connection` places for each of the pool's `connections`.
    pub fn new(connections: u32, per_connection: u32) -> Admission {
        let places = u64::from(connections) * u64::from(per_connection);
        let places = usize::try_from(places).unwrap_or(usize::MAX);
        Admission(Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))))
    }

    /// Takes a place until it is dropped.
    ///
    /// # Errors
    /// [`Error::Busy`] at once when all are taken: a queue in front of a queue helps nobody.
    pub(crate) fn enter(&self) -> Result<SemaphorePermit<'_>, Error> {
        self.0.try_acquire().map_err(|_| Error::Busy)
    }
}
