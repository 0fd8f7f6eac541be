//! What the databases show: outbox rows, connections in use, orders from outside, and the facts of
//! orders that have not settled.

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

use crate::orders::{History, Shown};
use crate::outbox;
use crate::outside::Outside;
use crate::side::Side;

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
    /// One database is enough: its server knows the connections of all.
    shows_connections: bool,
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
    pub(super) connections: Connections,
    /// Shown orders that are new, or whose status has changed.
    pub(super) changed: Vec<Shown>,
}

/// Connections in use by process. `None` when the server did not answer.
#[derive(Default)]
pub(super) struct Connections(Option<HashMap<u32, u64>>);

/// One reading of a database.
struct Rows {
    outbox: Option<u64>,
    connections: Connections,
    changed: Vec<Shown>,
}

impl Connections {
    pub(super) fn of(&self, pid: u32) -> Option<u64> {
        Some(self.0.as_ref()?.get(&pid).copied().unwrap_or(0))
    }
}

impl Tables {
    pub(super) fn new(side: &Side) -> Tables {
        let databases = side.databases().into_iter().enumerate();
        let database = |(place, (name, url))| Database {
            name,
            url,
            has_orders: ["shop", "orders"].contains(&name),
            shows_connections: place == 0,
            connection: None,
            connecting: None,
        };
        Tables {
            databases: databases.map(database).collect(),
        }
    }

    pub(super) async fn read(
        &mut self,
        side: &Side,
        outside: &mut Outside,
        limit: Duration,
    ) -> Reading {
        let mut outside = Some(outside);
        let databases = self.databases.iter_mut().map(|database| {
            let outside = outside.take_if(|_| database.has_orders);
            async move {
                let read = timeout(limit, database.read(side, outside)).await;
                if !matches!(read, Ok(Ok(_))) {
                    database.connection = None;
                }
                (database.name, read.ok().and_then(Result::ok))
            }
        });
        let mut all = Reading::default();
        for (name, rows) in join_all(databases).await {
            let Some(rows) = rows else { continue };
            if let Some(rows) = rows.outbox {
                all.outboxes.push(json!({ "database": name, "rows": rows }));
            }
            if rows.connections.0.is_some() {
                all.connections = rows.connections;
            }
            all.changed.extend(rows.changed);
        }
        all
    }
}

impl Connection {
    async fn open(url: String) -> sqlx::Result<Connection> {
        let options = PgConnectOptions::from_str(&url)?.application_name("live");
        let mut connection = options.connect().await?;
        let has_outbox = outbox::exists(&mut connection).await?;
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

    async fn read(&mut self, side: &Side, outside: Option<&mut Outside>) -> sqlx::Result<Rows> {
        let shows_connections = self.shows_connections;
        let Connection {
            connection,
            has_outbox,
        } = self.connection().await?;
        let mut changed = vec![];
        if let Some(outside) = outside {
            if let Some(range) = outside.range() {
                let orders = placed_by_others(connection, range, &side.customers).await?;
                changed.extend(outside.enter(orders, &side.book));
            }
            let ids = side.book.to_read(ORDERS);
            changed.extend(side.book.read(histories(connection, &ids).await?));
        }
        Ok(Rows {
            outbox: match *has_outbox {
                true => Some(outbox::waiting(connection).await?),
                false => None,
            },
            connections: match shows_connections {
                true => in_use(connection).await?,
                false => Connections::default(),
            },
            changed,
        })
    }
}

/// The arms' processes name their connections `payment-service 4711`.
async fn in_use(connection: &mut PgConnection) -> sqlx::Result<Connections> {
    let names: Vec<(String, i64)> = sqlx::query_as(
        "select application_name, count(*) from pg_stat_activity
         where state <> 'idle' and application_name like '% %' group by application_name",
    )
    .fetch_all(connection)
    .await?;
    let of_process = |(name, count): &(String, i64)| {
        let (_, pid) = name.rsplit_once(' ')?;
        Some((pid.parse().ok()?, *count as u64))
    };
    Ok(Connections(Some(
        names.iter().filter_map(of_process).collect(),
    )))
}

/// Orders with an id in this range that no customer of the page has placed.
async fn placed_by_others(
    connection: &mut PgConnection,
    (first, last): (Uuid, Uuid),
    ours: &[Uuid],
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "select id from orders
         where id >= $1 and id < $2 and customer_id <> all($3) order by id",
    )
    .bind(first)
    .bind(last)
    .bind(ours)
    .fetch_all(connection)
    .await
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
