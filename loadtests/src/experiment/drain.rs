//! Waiting, after the load, until nothing is left to do.

use std::fmt;
use std::time::{Duration, Instant};

use sqlx::PgConnection;
use uuid::Uuid;

use crate::audit::{Sources, sources};

const POLL: Duration = Duration::from_millis(100);

/// Connections of our own, made before anything is measured. What their backends use is taken off
/// Postgres's account.
pub struct Watch<'a> {
    sources: &'a Sources,
    orders: PgConnection,
    shipping: PgConnection,
    payments: PgConnection,
    /// One for each database that has an outbox, by its name.
    outboxes: Vec<(String, PgConnection)>,
    pub backends: Vec<u32>,
    /// How often we asked: no arm did that.
    pub statements: u64,
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

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.unsettled, "orders without an answer"),
            (self.undecided, "shipments to decide"),
            (self.owed, "payments to settle"),
            (self.unsent, "events to send"),
            (self.queued, "messages in queues"),
        ];
        let parts = parts.into_iter().filter(|(left, _)| *left > 0);
        let parts: Vec<String> = parts.map(|(left, what)| format!("{left} {what}")).collect();
        f.write_str(&parts.join(", "))
    }
}

impl<'a> Watch<'a> {
    pub async fn start(sources: &'a Sources) -> anyhow::Result<Watch<'a>> {
        let mut watch = Watch {
            sources,
            orders: sources.connect("orders").await?,
            shipping: sources.connect("shipping").await?,
            payments: sources.connect("payments").await?,
            outboxes: vec![],
            backends: vec![],
            statements: 0,
        };
        for url in sources.distinct() {
            let mut connection = sources::connect(url).await?;
            // Only arms that send events have one.
            let named = "select current_database() where to_regclass('outbox') is not null";
            let named = sqlx::query_scalar(named);
            if let Some(database) = named.fetch_optional(&mut connection).await? {
                watch.outboxes.push((database, connection));
            }
        }
        let all = [&mut watch.orders, &mut watch.shipping, &mut watch.payments];
        let outboxes = watch.outboxes.iter_mut().map(|(_, connection)| connection);
        for connection in all.into_iter().chain(outboxes) {
            watch.backends.push(sources::backend(connection).await?);
        }
        Ok(watch)
    }

    /// Looks until nothing is left, or until the limit. Returns how long that took and what is
    /// left after it.
    pub async fn drain(&mut self, limit: Duration) -> anyhow::Result<(Duration, Left)> {
        let started = Instant::now();
        loop {
            let left = self.left().await?;
            if left.is_nothing() || started.elapsed() > limit {
                return Ok((started.elapsed(), left));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn left(&mut self) -> anyhow::Result<Left> {
        let since = self.sources.since;
        let scheduled = "select count(*) from shipments
                         where state = 'scheduled' and order_id > $1";
        let owed = "select count(*) from payments
                    where state in ('capture_due', 'void_due', 'refund_due') and order_id > $1";
        let undecided = count(&mut self.shipping, scheduled, since).await?;
        let owed = count(&mut self.payments, owed, since).await?;
        self.statements += 2;
        // The cheap questions first: while they have answers, the dear ones need not be asked.
        if undecided + owed > 0 {
            return Ok(Left {
                undecided,
                owed,
                ..Left::default()
            });
        }
        let (unsettled, undecided) = self.orders_left(since).await?;
        let unsent = self.outboxes().await?;
        let unsent = unsent.iter().map(|(_, unsent)| unsent).sum();
        let depths = self.sources.depths().await?.into_iter();
        let queued = depths.filter(|(name, _)| !name.ends_with("-dlq"));
        Ok(Left {
            unsettled,
            undecided,
            owed,
            unsent,
            queued: queued.map(|(_, left)| left).sum(),
        })
    }

    /// Orders without an answer; and orders whose story goes on: confirmed but not dispatched, or
    /// asked to be cancelled and not told.
    async fn orders_left(&mut self, since: Uuid) -> anyhow::Result<(u64, u64)> {
        self.statements += 1;
        let (unsettled, open): (i64, i64) = sqlx::query_as(
            "with known as (
                 select array_remove(array_agg(fact), null) as facts
                 from orders left join order_facts on order_id = id
                 where id > $1
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
        .bind(since)
        .fetch_one(&mut self.orders)
        .await?;
        Ok((unsettled as u64, open as u64))
    }

    /// Rows that wait in each outbox, by database: a row is there until it was sent.
    pub async fn outboxes(&mut self) -> anyhow::Result<Vec<(String, u64)>> {
        let mut unsent = vec![];
        for (name, connection) in &mut self.outboxes {
            self.statements += 1;
            let waiting = "select count(*) from outbox
                           where $1 or due_at is null or due_at < now() + interval '15 minutes'";
            let waiting: i64 = sqlx::query_scalar(waiting)
                .bind(self.sources.delayed_counts)
                .fetch_one(connection)
                .await?;
            unsent.push((name.clone(), waiting as u64));
        }
        Ok(unsent)
    }
}

async fn count(
    connection: &mut PgConnection,
    query: &'static str,
    since: Uuid,
) -> anyhow::Result<u64> {
    let count: i64 = sqlx::query_scalar(query)
        .bind(since)
        .fetch_one(connection)
        .await?;
    Ok(count as u64)
}
