//! The facts of orders: recorded once each, and never changed.

use domain::{Fact, OrderId};
use sqlx::{Error, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::row;

/// A fact about an order, with its two times.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FactRecord {
    /// What happened.
    pub fact: Fact,
    /// When it happened, by the clock of the service that decided it.
    pub happened_at: OffsetDateTime,
    /// When it was recorded here. Later than `happened_at` by the time that its event took.
    pub recorded_at: OffsetDateTime,
}

/// Facts about orders that are to be recorded together.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct NewFacts(Vec<(OrderId, Fact, OffsetDateTime)>);

/// Records facts that are decided now, and returns how many are new. A fact that exists keeps its
/// first record. Of two transactions that record the same fact, the later one waits.
///
/// # Errors
/// When the database fails.
pub async fn record(
    tx: &mut PgConnection,
    facts: impl IntoIterator<Item = (OrderId, Fact)>,
) -> Result<u64, Error> {
    let (orders, facts): (Vec<Uuid>, Vec<&str>) = facts
        .into_iter()
        .map(|(order, fact)| (order.0, fact.as_str()))
        .unzip();
    if orders.is_empty() {
        return Ok(0);
    }
    // All facts get the statement's time: what is decided together happens together.
    let recorded = sqlx::query(
        "insert into order_facts (order_id, fact, at)
         select order_id, fact, statement_timestamp()
         from unnest($1::uuid[], $2::text[]) as added (order_id, fact)
         order by order_id, fact
         on conflict do nothing",
    )
    .bind(orders)
    .bind(facts)
    .execute(tx)
    .await?;
    Ok(recorded.rows_affected())
}

/// Records facts that were decided elsewhere, or earlier, each with its time. Returns how many are
/// new. A fact that exists keeps its first record.
///
/// # Errors
/// When the database fails.
pub async fn record_at(
    tx: &mut PgConnection,
    new: impl IntoIterator<Item = (OrderId, Fact, OffsetDateTime)>,
) -> Result<u64, Error> {
    let (mut orders, mut facts, mut times) = (vec![], vec![], vec![]);
    for (order, fact, happened_at) in new {
        orders.push(order.0);
        facts.push(fact.as_str());
        times.push(happened_at);
    }
    if orders.is_empty() {
        return Ok(0);
    }
    let recorded = sqlx::query(
        "insert into order_facts (order_id, fact, happened_at)
         select * from unnest($1::uuid[], $2::text[], $3::timestamptz[])
              as added (order_id, fact, happened_at)
         order by order_id, fact
         on conflict do nothing",
    )
    .bind(orders)
    .bind(facts)
    .bind(times)
    .execute(tx)
    .await?;
    Ok(recorded.rows_affected())
}

/// Finds the facts of an order, sorted by the time at which they happened. Facts with the same time
/// are sorted by cause and effect.
///
/// # Errors
/// When the database fails, or a row holds a fact that this version does not know.
pub async fn history(
    connection: &mut PgConnection,
    order: OrderId,
) -> Result<Vec<FactRecord>, Error> {
    // A fact that was decided here has one time alone: it happened when it was recorded.
    let rows: Vec<(String, OffsetDateTime, OffsetDateTime)> = sqlx::query_as(
        "select fact, coalesce(happened_at, at), at from order_facts where order_id = $1",
    )
    .bind(order.0)
    .fetch_all(connection)
    .await?;
    let facts = rows.into_iter().map(|(name, happened_at, recorded_at)| {
        Ok(FactRecord {
            fact: row::named("order_facts.fact", &name, Fact::from_name)?,
            happened_at,
            recorded_at,
        })
    });
    let mut facts: Vec<FactRecord> = facts.collect::<Result<_, Error>>()?;
    facts.sort_by_key(|record| (record.happened_at, record.fact));
    Ok(facts)
}

impl NewFacts {
    /// Adds a fact that happened at this time.
    pub fn add(&mut self, order: OrderId, fact: Fact, happened_at: OffsetDateTime) {
        self.0.push((order, fact, happened_at));
    }

    pub(crate) fn orders(&self) -> impl Iterator<Item = OrderId> {
        self.0.iter().map(|(order, ..)| *order)
    }
}

impl IntoIterator for NewFacts {
    type Item = (OrderId, Fact, OffsetDateTime);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
