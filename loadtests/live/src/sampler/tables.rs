//! What the databases show: outbox rows, connections in use, and the facts of orders that have not
//! settled.

use std::collections::HashMap;
use std::str::FromStr as _;
use std::time::Duration;

use domain::Fact;
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use uuid::Uuid;

use crate::orders::{Book, History, Shown};
use crate::side::Side;

/// Our connections in `pg_stat_activity`, which are not the arms'.
const APPLICATION: &str = "live";
/// Orders whose facts one tick reads: at 300 orders per second, 75 become due in it.
const ORDERS: usize = 1_000;

/// One connection to each database of a side. A lost one is made again.
pub(super) struct Tables {
    databases: Vec<Database>,
}

struct Database {
    name: &'static str,
    url: String,
    has_orders: bool,
    connection: Option<Connection>,
    /// A connection in the making. It may take longer than a tick.
    connecting: Option<JoinHandle<sqlx::Result<Connection>>>,
}

struct Connection {
    connection: PgConnection,
    has_outbox: bool,
}

/// One reading of all tables.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) outboxes: Vec<Value>,
    /// Connections in use by database.
    pub(super) connections: HashMap<String, u64>,
    /// Shown orders whose status has changed.
    pub(super) changed: Vec<Shown>,
}

impl Tables {
    pub(super) fn new(side: &Side) -> Tables {
        let databases = side.databases().into_iter();
        let database = |(name, url)| Database {
            name,
            url,
            has_orders: ["shop", "orders"].contains(&name),
            connection: None,
            connecting: None,
        };
        Tables {
            databases: databases.map(database).collect(),
        }
    }

    pub(super) async fn read(&mut self, book: &Book, limit: Duration) -> Reading {
        let databases = self.databases.iter_mut();
        let readings = join_all(databases.map(|database| async move {
            let read = timeout(limit, database.read(book)).await;
            if !matches!(read, Ok(Ok(_))) {
                database.connection = None;
            }
            (database.name, read.ok().and_then(Result::ok))
        }))
        .await;
        let mut all = Reading::default();
        for (name, read) in readings {
            let Some((outbox, used, changed)) = read else {
                continue;
            };
            if let Some(rows) = outbox {
                all.outboxes.push(json!({ "database": name, "rows": rows }));
            }
            all.connections.insert(name.to_owned(), used);
            all.changed.extend(changed);
        }
        all
    }
}

impl Connection {
    async fn open(url: String) -> sqlx::Result<Connection> {
        let options = PgConnectOptions::from_str(&url)?.application_name(APPLICATION);
        let mut connection = options.connect().await?;
        let exists = "select to_regclass('outbox') is not null";
        let has_outbox = sqlx::query_scalar(exists)
            .fetch_one(&mut connection)
            .await?;
        Ok(Connection {
            connection,
            has_outbox,
        })
    }
}

impl Database {
    /// Its connection. Without one, begins to connect and fails until that is done.
    async fn connection(&mut self) -> sqlx::Result<&mut Connection> {
        if self.connection.is_none() {
            let connecting = match self.connecting.take() {
                Some(connecting) if connecting.is_finished() => connecting,
                begun => {
                    let begin = || tokio::spawn(Connection::open(self.url.clone()));
                    self.connecting = Some(begun.unwrap_or_else(begin));
                    return Err(sqlx::Error::PoolTimedOut);
                }
            };
            let connected = connecting.await.unwrap_or(Err(sqlx::Error::WorkerCrashed));
            self.connection = Some(connected?);
        }
        self.connection.as_mut().ok_or(sqlx::Error::PoolClosed)
    }

    async fn read(&mut self, book: &Book) -> sqlx::Result<(Option<u64>, u64, Vec<Shown>)> {
        let has_orders = self.has_orders;
        let Connection {
            connection,
            has_outbox,
        } = self.connection().await?;
        let in_use = "select count(*) from pg_stat_activity
                      where datname = current_database() and application_name <> 'live'
                        and state <> 'idle'";
        let in_use: i64 = sqlx::query_scalar(in_use)
            .fetch_one(&mut *connection)
            .await?;
        let outbox = match *has_outbox {
            true => {
                // A row with a later time waits on purpose.
                let waiting = "select count(*) from outbox where due_at is null or due_at <= now()";
                let waiting: i64 = sqlx::query_scalar(waiting)
                    .fetch_one(&mut *connection)
                    .await?;
                Some(waiting as u64)
            }
            false => None,
        };
        let changed = match has_orders {
            true => book.read(histories(connection, &book.to_read(ORDERS)).await?),
            false => vec![],
        };
        Ok((outbox, in_use as u64, changed))
    }
}

/// The facts of these orders.
async fn histories(connection: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<History>> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let rows: Vec<(Uuid, Vec<String>, Vec<f64>)> = sqlx::query_as(
        "select order_id, array_agg(fact), array_agg(extract(epoch from at)::float8 * 1000)
         from order_facts where order_id = any($1) group by order_id",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    let history = |(id, facts, times): (Uuid, Vec<String>, Vec<f64>)| {
        let facts = facts.iter().map(|fact| Fact::from_name(fact));
        let facts = facts.zip(times).filter_map(|(fact, at)| Some((fact?, at)));
        (id, facts.collect())
    };
    Ok(rows.into_iter().map(history).collect())
}
