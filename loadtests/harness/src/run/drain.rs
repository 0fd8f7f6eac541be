//! Waits after a load until no work is left.

use std::fmt;
use std::time::{Duration, Instant};

use sqlx::PgConnection;
use uuid::Uuid;

use crate::audit::sources::Delayed;
use crate::audit::{Sources, sources};

const POLL: Duration = Duration::from_millis(100);

/// Reads what work is left. Its connections are made before anything is measured, and what their
/// backends use is subtracted from Postgres's CPU.
pub(super) struct DrainMonitor<'a> {
    sources: &'a Sources,
    orders: PgConnection,
    shipping: PgConnection,
    payments: PgConnection,
    inventory: PgConnection,
    /// One for each database that has an outbox, by its name.
    outboxes: Vec<(String, PgConnection)>,
    /// Process ids of the backends that serve this monitor.
    pub(super) backends: Vec<u32>,
    /// Statements of this monitor so far, which belong to no arm.
    pub(super) statements: u64,
}

/// The work that is left.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Backlog {
    /// Orders that are neither confirmed nor cancelled.
    pub(super) unsettled: u64,
    /// Shipments to dispatch, and cancellations to decide.
    pub(super) undecided: u64,
    /// Payments to capture, void or refund.
    pub(super) owed: u64,
    /// Reservations of orders that are not shipped.
    pub(super) unreleased: u64,
    pub(super) unsent: u64,
    pub(super) queued: u64,
}

impl Backlog {
    pub(super) fn is_empty(self) -> bool {
        self == Backlog::default()
    }
}

impl fmt::Display for Backlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.unsettled, "unsettled orders"),
            (self.undecided, "shipments to decide"),
            (self.owed, "payments to collect, void or refund"),
            (self.unreleased, "reservations to release"),
            (self.unsent, "events to send"),
            (self.queued, "messages in queues"),
        ];
        let parts = parts.into_iter().filter(|(left, _)| *left > 0);
        let parts: Vec<String> = parts.map(|(left, what)| format!("{left} {what}")).collect();
        f.write_str(&parts.join(", "))
    }
}

impl<'a> DrainMonitor<'a> {
    pub(super) async fn start(sources: &'a Sources) -> anyhow::Result<DrainMonitor<'a>> {
        let mut monitor = DrainMonitor {
            sources,
            orders: sources.connect("orders").await?,
            shipping: sources.connect("shipping").await?,
            payments: sources.connect("payments").await?,
            inventory: sources.connect("inventory").await?,
            outboxes: vec![],
            backends: vec![],
            statements: 0,
        };
        for url in sources.distinct() {
            let mut connection = sources::connect(url).await?;
            // Only arms that send events have an outbox.
            let named = "select current_database() where to_regclass('outbox') is not null";
            let named = sqlx::query_scalar(named);
            if let Some(database) = named.fetch_optional(&mut connection).await? {
                monitor.outboxes.push((database, connection));
            }
        }
        let all = [
            &mut monitor.orders,
            &mut monitor.shipping,
            &mut monitor.payments,
            &mut monitor.inventory,
        ];
        let outboxes = monitor
            .outboxes
            .iter_mut()
            .map(|(_, connection)| connection);
        for connection in all.into_iter().chain(outboxes) {
            monitor.backends.push(sources::backend(connection).await?);
        }
        Ok(monitor)
    }

    /// Waits until no work is left, or until the limit. Returns how long that took, and the work
    /// that is left after it.
    pub(super) async fn drain(&mut self, limit: Duration) -> anyhow::Result<(Duration, Backlog)> {
        let started = Instant::now();
        loop {
            let backlog = self.backlog().await?;
            if backlog.is_empty() || started.elapsed() > limit {
                return Ok((started.elapsed(), backlog));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn backlog(&mut self) -> anyhow::Result<Backlog> {
        let since = self.sources.since;
        let scheduled = "select count(*) from shipments
                         where state = 'scheduled' and order_id > $1";
        // Once every shipment is decided, an authorized payment has to move too. The event about it
        // may be in a queue inside the arm, where it cannot be seen.
        let owed = "select count(*) from payments
                    where state in ('authorized', 'capture_due', 'void_due', 'refund_due')
                      and order_id > $1";
        let undecided = count(&mut self.shipping, scheduled, since).await?;
        let owed = count(&mut self.payments, owed, since).await?;
        self.statements += 2;
        // The cheap queries come first: while they find work, the expensive ones are not needed.
        if undecided + owed > 0 {
            return Ok(Backlog {
                undecided,
                owed,
                ..Backlog::default()
            });
        }
        let (unsettled, undecided) = self.orders_left(since).await?;
        let unreleased = self.unreleased(since).await?;
        let unsent = self.outboxes().await?;
        let unsent = unsent.iter().map(|(_, unsent)| unsent).sum();
        let depths = self.sources.depths().await?.into_iter();
        let queued = depths.filter(|(name, _)| !name.ends_with("-dlq"));
        Ok(Backlog {
            unsettled,
            undecided,
            owed,
            unreleased,
            unsent,
            queued: queued.map(|(_, left)| left).sum(),
        })
    }

    /// The number of reservations that are held beyond the number of shipped orders.
    async fn unreleased(&mut self, since: Uuid) -> anyhow::Result<u64> {
        let held = "select count(*) from reservations where state = 'held' and order_id > $1";
        let shipped = "select count(*) from shipments where state = 'dispatched' and order_id > $1";
        let held = count(&mut self.inventory, held, since).await?;
        let shipped = count(&mut self.shipping, shipped, since).await?;
        self.statements += 2;
        Ok(held.saturating_sub(shipped))
    }

    /// Unsettled orders, and settled ones with work left: confirmed but not dispatched, or with an
    /// undecided request to cancel.
    async fn orders_left(&mut self, since: Uuid) -> anyhow::Result<(u64, u64)> {
        self.statements += 1;
        let (unsettled, open): (i64, i64) = sqlx::query_as(
            "with facts_of_orders as (
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
             from facts_of_orders",
        )
        .bind(since)
        .fetch_one(&mut self.orders)
        .await?;
        Ok((unsettled as u64, open as u64))
    }

    /// Unsent rows in each outbox, by database.
    pub(super) async fn outboxes(&mut self) -> anyhow::Result<Vec<(String, u64)>> {
        let mut unsent = vec![];
        for (name, connection) in &mut self.outboxes {
            self.statements += 1;
            let waiting = "select count(*) from outbox
                           where $1 or due_at is null or due_at < now() + interval '15 minutes'";
            let waiting: i64 = sqlx::query_scalar(waiting)
                .bind(self.sources.delayed == Delayed::All)
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
