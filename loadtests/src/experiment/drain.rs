//! Waiting, after the load, until nothing is left to do.

use std::time::{Duration, Instant};

use sqlx::PgConnection;

use crate::arms::Deployment;

const POLL: Duration = Duration::from_millis(100);
/// A row is in the outbox until it was sent.
const OUTBOX: &str = "select count(*) from outbox";

/// Connections of our own, made before anything is measured. What their backends use is taken off
/// Postgres's account.
pub struct Watch {
    orders: PgConnection,
    shipping: PgConnection,
    payments: PgConnection,
    /// One for each database that has an outbox.
    outboxes: Vec<(String, PgConnection)>,
    pub backends: Vec<u32>,
}

/// What is still to be done.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Left {
    /// Orders without an answer.
    pub unsettled: u64,
    /// Shipments to dispatch, and cancellations to decide.
    pub undecided: u64,
    /// Payments to capture, void or refund.
    pub owed: u64,
    pub unsent: u64,
    pub queued: u64,
}

impl Left {
    pub fn is_nothing(self) -> bool {
        self == Left::default()
    }
}

impl Watch {
    pub async fn start(deployment: &Deployment) -> anyhow::Result<Watch> {
        let databases = &deployment.databases;
        let mut watch = Watch {
            orders: databases["orders"].connect().await?,
            shipping: databases["shipping"].connect().await?,
            payments: databases["payments"].connect().await?,
            outboxes: vec![],
            backends: vec![],
        };
        for database in databases.values() {
            let mut connection = database.connect().await?;
            let seen = watch
                .outboxes
                .iter()
                .any(|(name, _)| *name == database.name);
            if !seen && has_outbox(&mut connection).await? {
                watch.outboxes.push((database.name.clone(), connection));
            }
        }
        let all = [&mut watch.orders, &mut watch.shipping, &mut watch.payments];
        let outboxes = watch.outboxes.iter_mut().map(|(_, connection)| connection);
        for connection in all.into_iter().chain(outboxes) {
            watch.backends.push(backend(connection).await?);
        }
        Ok(watch)
    }

    /// Looks until nothing is left, or until the limit. Returns how long that took and what is
    /// left after it.
    pub async fn drain(
        &mut self,
        deployment: &Deployment,
        limit: Duration,
    ) -> anyhow::Result<(Duration, Left)> {
        let started = Instant::now();
        loop {
            let left = self.left(deployment).await?;
            if left.is_nothing() || started.elapsed() > limit {
                return Ok((started.elapsed(), left));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn left(&mut self, deployment: &Deployment) -> anyhow::Result<Left> {
        let scheduled = "select count(*) from shipments where state = 'scheduled'";
        let owed = "select count(*) from payments
                    where state in ('capture_due', 'void_due', 'refund_due')";
        let undecided = count(&mut self.shipping, scheduled).await?;
        let owed = count(&mut self.payments, owed).await?;
        // The cheap questions first: while they have answers, the dear ones need not be asked.
        if undecided + owed > 0 {
            return Ok(Left {
                undecided,
                owed,
                ..Left::default()
            });
        }
        let (unsettled, undecided) = self.orders_left().await?;
        let unsent = self
            .outboxes()
            .await?
            .iter()
            .map(|(_, unsent)| unsent)
            .sum();
        let queued = match &deployment.queues {
            Some(queues) => {
                let depths = queues.depths().await?;
                depths
                    .iter()
                    .filter(|(name, _)| !name.ends_with("-dlq"))
                    .map(|(_, n)| n)
                    .sum()
            }
            None => 0,
        };
        Ok(Left {
            unsettled,
            undecided,
            owed,
            unsent,
            queued,
        })
    }

    /// Orders without an answer; and orders whose story goes on: confirmed but not dispatched, or
    /// asked to be cancelled and not told.
    async fn orders_left(&mut self) -> anyhow::Result<(u64, u64)> {
        let (unsettled, open): (i64, i64) = sqlx::query_as(
            "with known as (
                 select array_remove(array_agg(fact), null) as facts
                 from orders left join order_facts on order_id = id
                 group by id
             )
             select count(*) filter (where not facts && array['payment_declined',
                        'stock_rejected', 'shipment_scheduled', 'dispatched',
                        'shipment_cancelled']),
                    count(*) filter (where (facts && array['shipment_scheduled']
                            and not facts && array['dispatched', 'shipment_cancelled'])
                        or (facts && array['cancel_requested']
                            and not facts && array['cancel_refused', 'shipment_cancelled']))
             from known",
        )
        .fetch_one(&mut self.orders)
        .await?;
        Ok((unsettled as u64, open as u64))
    }

    /// Rows that wait in each outbox, by database.
    pub async fn outboxes(&mut self) -> anyhow::Result<Vec<(String, u64)>> {
        let mut unsent = vec![];
        for (name, connection) in &mut self.outboxes {
            unsent.push((name.clone(), count(connection, OUTBOX).await?));
        }
        Ok(unsent)
    }
}

/// The process of the server that serves this connection.
pub async fn backend(connection: &mut PgConnection) -> anyhow::Result<u32> {
    let pid: i32 = sqlx::query_scalar("select pg_backend_pid()")
        .fetch_one(connection)
        .await?;
    Ok(pid as u32)
}

/// Only arms that send events have one.
async fn has_outbox(connection: &mut PgConnection) -> anyhow::Result<bool> {
    let exists = "select to_regclass('outbox') is not null";
    Ok(sqlx::query_scalar(exists).fetch_one(connection).await?)
}

async fn count(connection: &mut PgConnection, query: &'static str) -> anyhow::Result<u64> {
    let count: i64 = sqlx::query_scalar(query).fetch_one(connection).await?;
    Ok(count as u64)
}
