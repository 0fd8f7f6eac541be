//! The sources of the audit: the databases, the payment provider's ledger and the queues of a shop,
//! by their addresses.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use uuid::Uuid;

use super::queue_server::Depth;
use super::{DeadLetter, Ledger, QueueServer, Snapshot};

#[derive(Clone, Debug)]
pub struct Sources {
    /// Addresses by context. A shop with one database has the same address for all of them.
    pub databases: BTreeMap<&'static str, String>,
    pub ledger: Ledger,
    pub queues: Option<QueueServer>,
    /// Pieces of each product that were in stock before the run, reserved ones included.
    pub delivered: HashMap<String, i64>,
    /// Orders up to this one existed before the run. Ids of orders sort by time.
    pub since: Uuid,
    pub delayed: Delayed,
}

/// Which messages of queues count as work that is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delayed {
    All,
    /// All but those of this queue, which come back long after their orders have settled. None of
    /// its messages counts, delayed or not: in a long run some always come back.
    AllBut(&'static str),
    /// None, where orders may expire after hours, and their messages wait that long.
    None,
}

impl Delayed {
    /// The messages of a queue that count.
    fn counted(self, queue: &str, depth: Depth) -> u64 {
        match self {
            Delayed::All => depth.present + depth.delayed,
            Delayed::AllBut(other) if queue.ends_with(other) => 0,
            Delayed::AllBut(_) => depth.present + depth.delayed,
            Delayed::None => depth.present,
        }
    }
}

impl Sources {
    /// # Errors
    /// When no address was given, or the database cannot be reached.
    pub async fn connect(&self, context: &str) -> anyhow::Result<PgConnection> {
        let url = self.databases.get(context);
        connect(url.with_context(|| format!("no database of {context} was given"))?).await
    }

    /// Each address once.
    pub fn distinct(&self) -> Vec<&String> {
        let mut urls: Vec<&String> = vec![];
        for url in self.databases.values() {
            if !urls.contains(&url) {
                urls.push(url);
            }
        }
        urls
    }

    /// The id of the newest order, or the smallest id when there is no order.
    pub async fn last_order(&self) -> anyhow::Result<Uuid> {
        let mut orders = self.connect("orders").await?;
        // Postgres 17 has no max() of uuids.
        let last = "select id from orders order by id desc limit 1";
        let last: Option<Uuid> = sqlx::query_scalar(last).fetch_optional(&mut orders).await?;
        orders.close().await?;
        Ok(last.unwrap_or_default())
    }

    /// Excludes everything that exists now from the run.
    pub async fn exclude_existing(&mut self) -> anyhow::Result<()> {
        self.since = self.last_order().await?;

        let mut inventory = self.connect("inventory").await?;
        let stock: Vec<(String, i64)> =
            sqlx::query_as("select sku, available + reserved from stock")
                .fetch_all(&mut inventory)
                .await?;
        self.delivered = stock.into_iter().collect();
        inventory.close().await?;
        Ok(())
    }

    /// Reads everything that the orders of the run have left.
    pub async fn read(&self) -> anyhow::Result<Snapshot> {
        let mut snapshot = Snapshot {
            since: self.since,
            ..Snapshot::default()
        };
        snapshot
            .read_orders(&mut self.connect("orders").await?)
            .await?;
        snapshot
            .read_payments(&mut self.connect("payments").await?)
            .await?;
        let mut inventory = self.connect("inventory").await?;
        snapshot
            .read_inventory(&mut inventory, &self.delivered)
            .await?;
        snapshot
            .read_shipments(&mut self.connect("shipping").await?)
            .await?;
        let ledger = self.ledger.entries().await?;
        let ours = ledger.into_iter().filter(|one| one.order_id > self.since);
        snapshot.ledger = ours.collect();
        snapshot.queues = self.depths().await?;
        snapshot.dead_letters = self.dead_letters(&snapshot.queues).await?;
        Ok(snapshot)
    }

    /// The first dead letters of each dead-letter queue that has some.
    async fn dead_letters(&self, left: &BTreeMap<String, u64>) -> anyhow::Result<Vec<DeadLetter>> {
        let mut letters = vec![];
        let filled = left
            .iter()
            .filter(|(name, left)| name.ends_with("-dlq") && **left > 0);
        for (name, _) in filled {
            if let Some(queues) = &self.queues {
                letters.extend(queues.dead_letters(name).await?);
            }
        }
        Ok(letters)
    }

    /// The number of messages left in each queue.
    pub async fn depths(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let Some(queues) = &self.queues else {
            return Ok(BTreeMap::new());
        };
        let depths = queues.depths().await?.into_iter();
        let depths = depths.map(|(name, depth)| (self.delayed.counted(&name, depth), name));
        Ok(depths.map(|(left, name)| (name, left)).collect())
    }
}

/// # Errors
/// When the database cannot be reached. The text does not contain the password of the address.
pub async fn connect(url: &str) -> anyhow::Result<PgConnection> {
    let options: PgConnectOptions = url
        .parse()
        .context("this is not the address of a Postgres")?;
    let place = || {
        let database = options.get_database().unwrap_or("postgres");
        let (host, port) = (options.get_host(), options.get_port());
        format!("cannot reach database {database} at {host}:{port}")
    };
    options.connect().await.with_context(place)
}

/// The process id of the Postgres backend that serves this connection.
pub async fn backend(connection: &mut PgConnection) -> anyhow::Result<u32> {
    let pid: i32 = sqlx::query_scalar("select pg_backend_pid()")
        .fetch_one(connection)
        .await?;
    Ok(pid as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_counts_unless_it_is_delayed_or_its_queue_is_left_out() {
        let depth = Depth {
            present: 1,
            delayed: 2,
        };
        let check = |delayed: Delayed, expected: [u64; 3]| {
            let queues = [
                "shop-order-expiry",
                "shop-shipping-dispatch",
                "shop-order-expiry-dlq",
            ];
            let counted = queues.map(|queue| delayed.counted(queue, depth));
            assert_eq!(counted, expected, "{delayed:?}");
        };
        check(Delayed::All, [3, 3, 3]);
        check(Delayed::AllBut("order-expiry"), [0, 3, 3]);
        check(Delayed::None, [1, 1, 1]);
    }
}
