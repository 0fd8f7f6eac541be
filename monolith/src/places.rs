//! How many transactions may wait for stock at once, so that one that hangs holds up few others.
//!
//! An order holds the rows of its products until its commit, and the next order for one of them
//! waits with a connection in hand. If the first hangs, the others would take up the whole pool,
//! and every other path would find none. So they wait here, without a connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use database::timeouts::ACQUIRE;
use domain::{Lines, Sku};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The places of a process. Clones share them.
#[derive(Clone, Debug)]
pub struct Places(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    all: Arc<Semaphore>,
    /// Those of one product: one transaction that holds its row, and others that are ready to.
    each: usize,
    products: Mutex<HashMap<Sku, Arc<Semaphore>>>,
}

/// A place, given up when dropped. It has to outlive the transaction.
#[derive(Debug)]
pub struct Place {
    places: Places,
    products: Vec<(Sku, OwnedSemaphorePermit)>,
    _one_of_all: Option<OwnedSemaphorePermit>,
}

impl Places {
    /// For a pool of so many connections: three quarters of them may be with transactions that lock
    /// stock, and a quarter of those with one product. Reads have the rest.
    pub fn new(connections: u32) -> Places {
        let all = (connections as usize * 3 / 4).max(1);
        Places(Arc::new(Inner {
            all: Arc::new(Semaphore::new(all)),
            each: all.div_ceil(4),
            products: Mutex::default(),
        }))
    }

    /// Waits for a place among the transactions for these products.
    ///
    /// # Errors
    /// When there is none within [`ACQUIRE`], as if the pool had no connection: try again.
    pub async fn take(&self, lines: &Lines) -> Result<Place, sqlx::Error> {
        timeout(ACQUIRE, self.wait(lines))
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)
    }

    /// Waits for one product at a time and holds no place meanwhile: an order of two products that
    /// waits for the one keeps nobody from the other.
    async fn wait(&self, lines: &Lines) -> Place {
        let mut wanted = lines.iter().next().map(|line| &line.sku);
        loop {
            let mut place = Place {
                places: self.clone(),
                products: vec![],
                _one_of_all: None,
            };
            if let Some(sku) = wanted {
                place.hold(sku, permit(self.product(sku)).await);
            }
            let others = lines.iter().map(|line| &line.sku);
            let taken = others.filter(|sku| Some(*sku) != wanted).find(|sku| {
                match self.product(sku).try_acquire_owned() {
                    Ok(permit) => place.hold(sku, permit),
                    Err(_) => return true,
                }
                false
            });
            if taken.is_none() {
                // Last, so that an order that waits for a product takes no place from the others.
                place._one_of_all = Some(permit(self.0.all.clone()).await);
                return place;
            }
            wanted = taken;
        }
    }

    fn product(&self, sku: &Sku) -> Arc<Semaphore> {
        let mut products = self.lock();
        let places = products.get(sku).cloned();
        places.unwrap_or_else(|| {
            let places = Arc::new(Semaphore::new(self.0.each));
            products.insert(sku.clone(), places.clone());
            places
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Sku, Arc<Semaphore>>> {
        let products = self.0.products.lock();
        products.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn hold(&mut self, sku: &Sku, permit: OwnedSemaphorePermit) {
        self.products.push((sku.clone(), permit));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut products = self.places.lock();
        for (sku, permit) in self.products.drain(..) {
            drop(permit);
            // A semaphore that no other order holds or waits for.
            if products
                .get(&sku)
                .is_some_and(|places| Arc::strong_count(places) == 1)
            {
                products.remove(&sku);
            }
        }
    }
}

async fn permit(places: Arc<Semaphore>) -> OwnedSemaphorePermit {
    let permit = places.acquire_owned().await;
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
    async fn orders_that_wait_for_a_product_leave_places_to_the_others() {
        let places = Places::new(8);
        let held = [
            places.take(&lines(&["a"])).await.unwrap(),
            places.take(&lines(&["a"])).await.unwrap(),
        ];
        let waiting = places.clone();
        let waiting = tokio::spawn(async move { waiting.take(&lines(&["b", "a"])).await });
        tokio::task::yield_now().await;
        let others = [
            places.take(&lines(&["b"])).await.unwrap(),
            places.take(&lines(&["b", "c"])).await.unwrap(),
        ];
        let waited = waiting.await.unwrap();
        assert!(matches!(waited, Err(sqlx::Error::PoolTimedOut)));
        drop((held, others, waited));
        assert!(places.lock().is_empty(), "nothing is kept of a product");
    }
}
