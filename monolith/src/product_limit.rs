//! A limit on the transactions per product, so that one that hangs delays few others.
//!
//! An order locks the stock rows of its products until its commit, and the next order of the same
//! product waits for them while it holds a connection. If the first one hangs, the waiting ones
//! would use up the pool, and no other request would get a connection. So they wait here first,
//! without a connection.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use database::timeouts::ACQUIRE;
use domain::{Lines, Sku};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Groups of products, by a hash of the SKU. The products of a group share their permits, so one
/// that hangs delays the others of its group too: one product of 1,024.
const GROUPS: usize = 1_024;

/// The limit of one process. Clones share it.
#[derive(Clone, Debug)]
pub struct ProductLimit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Permits for all products together.
    total: Semaphore,
    groups: Vec<Semaphore>,
}

/// The right to begin a transaction for some products. It must outlive the transaction.
#[derive(Debug)]
pub struct ProductPermit<'a> {
    _groups: Vec<SemaphorePermit<'a>>,
    _total: SemaphorePermit<'a>,
}

impl ProductLimit {
    /// The limit for a pool with this many connections. Transactions that lock stock may use three
    /// quarters of them, and those of one product a quarter of that. The rest is left for reads.
    pub fn new(connections: u32) -> ProductLimit {
        let total = (connections as usize * 3 / 4).max(1);
        // One transaction has the lock, and the others are ready to take it.
        let per_group = total.div_ceil(4);
        let groups = (0..GROUPS).map(|_| Semaphore::new(per_group));
        ProductLimit(Arc::new(Inner {
            total: Semaphore::new(total),
            groups: groups.collect(),
        }))
    }

    /// Waits for a permit for the products of these lines.
    ///
    /// # Errors
    /// After [`ACQUIRE`], with the same error as a pool without a free connection.
    pub async fn acquire(&self, lines: &Lines) -> Result<ProductPermit<'_>, sqlx::Error> {
        timeout(ACQUIRE, self.wait(lines))
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)
    }

    /// Waits for one group at a time and holds no permit while it waits: an order of two products
    /// that waits for one of them does not block orders of the other one.
    async fn wait(&self, lines: &Lines) -> ProductPermit<'_> {
        let mut groups: Vec<usize> = lines.iter().map(|line| group(&line.sku)).collect();
        groups.sort_unstable();
        groups.dedup();
        let mut busy = groups[0];
        loop {
            let mut permits = vec![permit(&self.0.groups[busy]).await];
            let mut others = groups.iter().filter(|other| **other != busy);
            let next_busy = others.find(|other| match self.0.groups[**other].try_acquire() {
                Ok(permit) => {
                    permits.push(permit);
                    false
                }
                Err(_) => true,
            });
            match next_busy {
                Some(next_busy) => busy = *next_busy,
                None => {
                    return ProductPermit {
                        _groups: permits,
                        // Last, so that an order that waits for a product uses none of the total.
                        _total: permit(&self.0.total).await,
                    };
                }
            }
        }
    }
}

fn group(sku: &Sku) -> usize {
    let mut hasher = DefaultHasher::new();
    sku.hash(&mut hasher);
    (hasher.finish() % GROUPS as u64) as usize
}

async fn permit(permits: &Semaphore) -> SemaphorePermit<'_> {
    let permit = permits.acquire().await;
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
        let waiting = tokio::spawn(async move {
            let permit = waiting.acquire(&lines(&["b", "a"])).await;
            permit.map(drop)
        });
        tokio::task::yield_now().await;
        let others = [
            limit.acquire(&lines(&["b"])).await.unwrap(),
            limit.acquire(&lines(&["b", "c"])).await.unwrap(),
        ];
        let waited = waiting.await.unwrap();
        assert!(matches!(waited, Err(sqlx::Error::PoolTimedOut)));
        drop((held, others));
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_of_two_products_of_one_group_needs_one_permit_of_it() {
        let skus: Vec<String> = (0..=GROUPS).map(|number| format!("p{number}")).collect();
        let mut first_of_group = vec![None; GROUPS];
        let pair = skus.iter().find_map(|sku| {
            let group = group(&Sku::parse(sku).unwrap());
            first_of_group[group].replace(sku).map(|other| (other, sku))
        });
        let (one, other) = pair.expect("there are more products than groups");
        let limit = ProductLimit::new(1);
        assert!(limit.acquire(&lines(&[one, other])).await.is_ok());
    }
}
