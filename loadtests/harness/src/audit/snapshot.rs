//! A snapshot of the databases, read once when no work is left.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context;
use domain::{Fact, Payment, Reservation, Shipment};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{DeadLetter, LedgerEntry};

/// The rows of orders, payments, inventory and shipping, with the provider's ledger and the queues.
#[derive(Clone, Default, Debug)]
pub struct Snapshot {
    /// Orders up to this one existed before the run and are excluded. Only their reservations are
    /// read, since they hold stock.
    pub since: Uuid,
    pub orders: HashMap<Uuid, OrderEntry>,
    pub payments: HashMap<Uuid, PaymentEntry>,
    pub reservations: HashMap<Uuid, ReservationEntry>,
    pub shipments: HashMap<Uuid, Shipment>,
    pub stock: BTreeMap<String, StockEntry>,
    /// The payment provider's records.
    pub ledger: Vec<LedgerEntry>,
    /// Messages by queue, dead-letter queues included.
    pub queues: BTreeMap<String, u64>,
    /// The first dead letters of each queue that has some.
    pub dead_letters: Vec<DeadLetter>,
    /// Unsent outbox rows, by database.
    pub outboxes: BTreeMap<String, u64>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct OrderEntry {
    pub total_minor: i64,
    /// Pieces by SKU.
    pub lines: BTreeMap<String, i64>,
    /// Facts with their times, in milliseconds since 1970 by the database's clock.
    pub facts: Vec<(Fact, f64)>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct PaymentEntry {
    pub state: Payment,
    pub amount_minor: i64,
}

#[derive(Clone, PartialEq, Debug)]
pub struct ReservationEntry {
    pub state: Reservation,
    pub lines: BTreeMap<String, i64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StockEntry {
    pub available: i64,
    pub reserved: i64,
    /// Pieces that were in stock before the run.
    pub delivered: i64,
}

impl OrderEntry {
    /// The time of the first fact that settled the order, in milliseconds since 1970. `None` for an
    /// unsettled order.
    pub fn settled_at_ms(&self) -> Option<f64> {
        let settling = self.facts.iter().filter(|(fact, _)| settles(*fact));
        settling.map(|(_, at)| *at).min_by(f64::total_cmp)
    }
}

/// Whether this fact alone takes an order out of `placed`.
pub fn settles(fact: Fact) -> bool {
    let alone = [fact].into_iter().collect();
    domain::Status::of(alone) != domain::Status::Placed
}

impl Snapshot {
    pub async fn read_orders(&mut self, database: &mut PgConnection) -> anyhow::Result<()> {
        type Row = (Uuid, i64, Vec<String>, Vec<i32>, Vec<String>, Vec<f64>);
        let rows: Vec<Row> = sqlx::query_as(
            "select id, total_minor, skus, quantities, facts, times
             from orders
             cross join lateral (
                 select array_agg(sku) as skus, array_agg(quantity) as quantities
                 from order_lines where order_id = orders.id
             ) as lines
             cross join lateral (
                 select coalesce(array_agg(fact), '{}') as facts,
                        coalesce(array_agg(extract(epoch from at)::float8 * 1000), '{}') as times
                 from order_facts where order_id = orders.id
             ) as facts_of_order
             where id > $1",
        )
        .bind(self.since)
        .fetch_all(&mut *database)
        .await
        .context("cannot read the orders")?;
        for (id, total_minor, skus, quantities, facts, times) in rows {
            let facts = facts
                .iter()
                .zip(times)
                .map(|(fact, at)| Ok((named_fact(fact)?, at)));
            let entry = OrderEntry {
                total_minor,
                lines: lines(skus, quantities),
                facts: facts.collect::<anyhow::Result<_>>()?,
            };
            self.orders.insert(id, entry);
        }
        Ok(())
    }

    pub async fn read_payments(&mut self, database: &mut PgConnection) -> anyhow::Result<()> {
        let rows: Vec<(Uuid, String, i64)> = sqlx::query_as(
            "select order_id, state, amount_minor from payments where order_id > $1",
        )
        .bind(self.since)
        .fetch_all(&mut *database)
        .await
        .context("cannot read the payments")?;
        for (order, state, amount_minor) in rows {
            let found = Payment::ALL.into_iter().find(|one| one.as_str() == state);
            let state = found.with_context(|| format!("there is no payment state {state:?}"))?;
            self.payments.insert(
                order,
                PaymentEntry {
                    state,
                    amount_minor,
                },
            );
        }
        Ok(())
    }

    /// `delivered` is the stock of each product before the run.
    pub async fn read_inventory(
        &mut self,
        database: &mut PgConnection,
        delivered: &HashMap<String, i64>,
    ) -> anyhow::Result<()> {
        let rows: Vec<(String, i64, i64)> =
            sqlx::query_as("select sku, available, reserved from stock")
                .fetch_all(&mut *database)
                .await
                .context("cannot read the stock")?;
        for (sku, available, reserved) in rows {
            let delivered = delivered.get(&sku).copied().unwrap_or(0);
            self.stock.insert(
                sku,
                StockEntry {
                    available,
                    reserved,
                    delivered,
                },
            );
        }
        let rows: Vec<(Uuid, String, Vec<String>, Vec<i32>)> =
            sqlx::query_as("select order_id, state, skus, quantities from reservations")
                .fetch_all(&mut *database)
                .await
                .context("cannot read the reservations")?;
        for (order, state, skus, quantities) in rows {
            let found = Reservation::from_name(&state);
            let state =
                found.with_context(|| format!("there is no reservation state {state:?}"))?;
            let lines = lines(skus, quantities);
            self.reservations
                .insert(order, ReservationEntry { state, lines });
        }
        Ok(())
    }

    pub async fn read_shipments(&mut self, database: &mut PgConnection) -> anyhow::Result<()> {
        let rows: Vec<(Uuid, String)> =
            sqlx::query_as("select order_id, state from shipments where order_id > $1")
                .bind(self.since)
                .fetch_all(&mut *database)
                .await
                .context("cannot read the shipments")?;
        for (order, state) in rows {
            let found = Shipment::ALL.into_iter().find(|one| one.as_str() == state);
            let state = found.with_context(|| format!("there is no shipment state {state:?}"))?;
            self.shipments.insert(order, state);
        }
        Ok(())
    }
}

fn named_fact(name: &str) -> anyhow::Result<Fact> {
    Fact::from_name(name).with_context(|| format!("there is no fact {name:?}"))
}

fn lines(skus: Vec<String>, quantities: Vec<i32>) -> BTreeMap<String, i64> {
    skus.into_iter()
        .zip(quantities.into_iter().map(i64::from))
        .collect()
}
