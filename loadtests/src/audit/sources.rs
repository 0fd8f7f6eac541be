//! Where the audit reads: the databases, the payment provider's ledger and the queues of a shop,
//! by their addresses, whoever started them.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use uuid::Uuid;

use super::Books;
use crate::arms::outside::{Depth, Ledger, QueueServer};

#[derive(Clone, Debug)]
pub struct Sources {
    /// Addresses by context; the monolith's are all the same one.
    pub databases: BTreeMap<&'static str, String>,
    pub ledger: Ledger,
    pub queues: Option<QueueServer>,
    /// Pieces of each product that were there before the run, reserved ones included.
    pub delivered: HashMap<String, i64>,
    /// Orders up to this one are of earlier days. Ids of orders are in the order of their time.
    pub since: Uuid,
    /// Whether a message whose time has not come counts as left behind. Elsewhere orders may
    /// expire after hours, and the messages that see to it wait rightly.
    pub delayed_counts: bool,
}

impl Sources {
    pub async fn connect(&self, context: &str) -> anyhow::Result<PgConnection> {
        let url = self.databases.get(context);
        connect(url.with_context(|| format!("no database of {context} was given"))?).await
    }

    /// The addresses without repetition.
    pub fn distinct(&self) -> Vec<&String> {
        let mut urls: Vec<&String> = vec![];
        for url in self.databases.values() {
            if !urls.contains(&url) {
                urls.push(url);
            }
        }
        urls
    }

    /// The order that was placed last, or the smallest id when there is none.
    pub async fn last_order(&self) -> anyhow::Result<Uuid> {
        let mut orders = self.connect("orders").await?;
        // Postgres 17 has no max() of uuids.
        let last = "select id from orders order by id desc limit 1";
        let last: Option<Uuid> = sqlx::query_scalar(last).fetch_optional(&mut orders).await?;
        orders.close().await?;
        Ok(last.unwrap_or_default())
    }

    /// Takes what is there now for what was there before the run.
    pub async fn begin_here(&mut self) -> anyhow::Result<()> {
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

    /// Everything that orders since the beginning have left behind.
    pub async fn read(&self) -> anyhow::Result<Books> {
        let mut books = Books {
            since: self.since,
            ..Books::default()
        };
        books
            .read_orders(&mut self.connect("orders").await?)
            .await?;
        books
            .read_payments(&mut self.connect("payments").await?)
            .await?;
        let mut inventory = self.connect("inventory").await?;
        books
            .read_inventory(&mut inventory, &self.delivered)
            .await?;
        books
            .read_shipments(&mut self.connect("shipping").await?)
            .await?;
        let ledger = self.ledger.entries().await?;
        let ours = ledger.into_iter().filter(|one| one.order_id > self.since);
        books.ledger = ours.collect();
        books.queues = self.depths().await?;
        Ok(books)
    }

    /// Messages left in each queue.
    pub async fn depths(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let Some(queues) = &self.queues else {
            return Ok(BTreeMap::new());
        };
        let left = |depth: Depth| match self.delayed_counts {
            true => depth.present + depth.delayed,
            false => depth.present,
        };
        let depths = queues.depths().await?.into_iter();
        Ok(depths.map(|(name, depth)| (name, left(depth))).collect())
    }
}

/// # Errors
/// Without the password, which an address holds.
pub async fn connect(url: &str) -> anyhow::Result<PgConnection> {
    let options: PgConnectOptions = url.parse().context("this is no address of a Postgres")?;
    let place = || {
        let database = options.get_database().unwrap_or("postgres");
        let (host, port) = (options.get_host(), options.get_port());
        format!("cannot reach database {database} at {host}:{port}")
    };
    options.connect().await.with_context(place)
}

/// The process of the server that serves this connection.
pub async fn backend(connection: &mut PgConnection) -> anyhow::Result<u32> {
    let pid: i32 = sqlx::query_scalar("select pg_backend_pid()")
        .fetch_one(connection)
        .await?;
    Ok(pid as u32)
}
