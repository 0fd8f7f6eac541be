//! A limit on the transactions per product, so that one that hangs delays few others.
//!
//! An order locks the stock rows of its products until its commit, and the next order of the same
//! product waits for them while it holds a connection. If the first one hangs, the waiting ones
//! would use up the pool, and no other request would get a connection. So they wait here first,
//! without a connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use database::timeouts::ACQUIRE;
use domain::{Lines, Sku};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The limit of one process. Clones share it.
#[derive(Clone, Debug)]
pub struct ProductLimit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Permits for all products together.
    total: Arc<Semaphore>,
    /// Permits per product: one transaction has the lock, and the others are ready to take it.
    per_product: usize,
    products: Mutex<HashMap<Sku, Arc<Semaphore>>>,
}

/// The right to begin a transaction for some products. It must outlive the transaction.
#[derive(Debug)]
pub struct ProductPermit {
    limit: ProductLimit,
    products: Vec<(Sku, OwnedSemaphorePermit)>,
    _total: Option<OwnedSemaphorePermit>,
}

impl ProductLimit {
    /// The limit for a pool with this many connections. Transactions that lock stock may use three
    /// quarters of them, and those of one product a quarter of that. The rest is left for reads.
    pub fn new(connections: u32) -> ProductLimit {
        let total = (connections as usize * 3 / 4).max(1);
        ProductLimit(Arc::new(Inner {
            total: Arc::new(Semaphore::new(total)),
            per_product: total.div_ceil(4),
            products: Mutex::default(),
        }))
    }

    /// Waits for a permit for the products of these lines.
    ///
    /// # Errors
    /// After [`ACQUIRE`], with the same error as a pool without a free connection.
    pub async fn acquire(&self, lines: &Lines) -> Result<ProductPermit, sqlx::Error> {
        timeout(ACQUIRE, self.wait(lines))
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)
    }

    /// Waits for one product at a time and holds no permit while it waits: an order of two products
    /// that waits for one of them does not block orders of the other one.
    async fn wait(&self, lines: &Lines) -> ProductPermit {
        let mut busy = lines.iter().next().map(|line| &line.sku);
        loop {
            let mut permits = ProductPermit {
                limit: self.clone(),
                products: vec![],
                _total: None,
            };
            if let Some(sku) = busy {
                permits.hold(sku, permit(self.product(sku)).await);
            }
            let others = lines.iter().map(|line| &line.sku);
            let next_busy = others.filter(|sku| Some(*sku) != busy).find(|sku| {
                match self.product(sku).try_acquire_owned() {
                    Ok(permit) => permits.hold(sku, permit),
                    Err(_) => return true,
                }
                false
            });
            if next_busy.is_none() {
                // Last, so that an order that waits for a product uses none of the total.
                permits._total = Some(permit(self.0.total.clone()).await);
                return permits;
            }
            busy = next_busy;
        }
    }

    fn product(&self, sku: &Sku) -> Arc<Semaphore> {
        let mut products = self.lock();
        let permits = products.get(sku).cloned();
        permits.unwrap_or_else(|| {
            let permits = Arc::new(Semaphore::new(self.0.per_product));
            products.insert(sku.clone(), permits.clone());
            permits
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Sku, Arc<Semaphore>>> {
        let products = self.0.products.lock();
        products.unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProductPermit {
    fn hold(&mut self, sku: &Sku, permit: OwnedSemaphorePermit) {
        self.products.push((sku.clone(), permit));
    }
}

impl Drop for ProductPermit {
    fn drop(&mut self) {
        let mut products = self.limit.lock();
        for (sku, permit) in self.products.drain(..) {
            drop(permit);
            // Removes the semaphore if no other order holds it or waits for it.
            if products
                .get(&sku)
                .is_some_and(|permits| Arc::strong_count(permits) == 1)
            {
                products.remove(&sku);
            }
        }
    }
}

async fn permit(permits: Arc<Semaphore>) -> OwnedSemaphorePermit {
    let permit = permits.acquire_owned().await;
    permit.expect("these semaphores are never closed")
}

#[cfg(test)]
mod tests {
    use domain::{Currency, Line, Money, Quantity};

    use super::*;

    fn lines(skus: &[&str]) -> Lines {
        let line = |sku: &&str| Line {
            sku: Sku::parse(*sku).unwrap(),
            quantity: Quantity::new(1).unwrap(),
            unit_price: Money::new(100, Currency::Eur).unwrap(),
        };
        Lines::new(skus.iter().map(line).collect()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn orders_that_wait_for_a_product_leave_permits_to_the_others() {
        let limit = ProductLimit::new(8);
        let held = [
            limit.acquire(&lines(&["a"])).await.unwrap(),
            limit.acquire(&lines(&["a"])).await.unwrap(),
        ];
        let waiting = limit.clone();
        let waiting = tokio::spawn(async move { waiting.acquire(&lines(&["b", "a"])).await });
        tokio::task::yield_now().await;
        let others = [
            limit.acquire(&lines(&["b"])).await.unwrap(),
            limit.acquire(&lines(&["b", "c"])).await.unwrap(),
        ];
        let waited = waiting.await.unwrap();
        assert!(matches!(waited, Err(sqlx::Error::PoolTimedOut)));
        drop((held, others, waited));
        assert!(limit.lock().is_empty(), "no semaphore is kept");
    }
}
