//! Orders as they were placed, and every fact known of them since.

use std::collections::BTreeMap;

use domain::{CustomerId, Fact, Facts, Line, Lines, Order, OrderId, PaymentMethod, Status};
use sqlx::types::JsonValue;
use sqlx::{Error, FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::row;

/// An order with what is known of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownOrder {
    pub order: Order,
    pub facts: Facts,
    pub placed_at: OffsetDateTime,
}

/// Facts about orders that are to be recorded together.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct NewFacts(Vec<(OrderId, Fact, OffsetDateTime)>);

/// Several orders with what is known of them, and the facts that were added since they were loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownOrders {
    orders: BTreeMap<OrderId, KnownOrder>,
    new: NewFacts,
}

/// A fact about an order, with its two times.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KnownFact {
    pub fact: Fact,
    /// When the service that decided it did so.
    pub happened_at: OffsetDateTime,
    /// When it was recorded here: later by as long as the news was on its way.
    pub recorded_at: OffsetDateTime,
}

/// The customer's own name for a request, under which a repetition is recognised.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Idempotency {
    /// The `Idempotency-Key` header: 1 to 255 characters, unique to the customer.
    pub key: String,
    /// The request as it was sent: another one under the same key is the client's mistake.
    pub request: JsonValue,
}

/// Writes an order down with its lines and what is known of it, all of which happened when it was
/// placed. Returns `None`, and writes nothing, when the customer has placed an order under this key
/// before; of two at the same time, the later one waits and gets `None`.
pub async fn insert(
    tx: &mut PgConnection,
    order: Order,
    idempotency: &Idempotency,
    facts: &[Fact],
) -> Result<Option<KnownOrder>, Error> {
    // One statement, since every round trip to the server costs as much as the work in it.
    let skus: Vec<&str> = order.lines.iter().map(|line| line.sku.as_str()).collect();
    let quantities: Vec<i32> = order
        .lines
        .iter()
        .map(|line| line.quantity.get() as i32)
        .collect();
    let prices: Vec<i64> = order
        .lines
        .iter()
        .map(|line| line.unit_price.minor())
        .collect();
    let placed_at = sqlx::query_scalar(
        "with placed as (
             insert into orders (id, customer_id, idempotency_key, request, payment_method,
                                 total_minor, currency)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict on constraint one_order_per_idempotency_key do nothing
             returning id, placed_at
         ), lines as (
             insert into order_lines (order_id, sku, quantity, price_minor)
             select placed.id, line.sku, line.quantity, line.price
             from placed, unnest($8::text[], $9::integer[], $10::bigint[])
                  as line (sku, quantity, price)
         ), facts as (
             insert into order_facts (order_id, fact, happened_at)
             select placed.id, fact, placed.placed_at
             from placed, unnest($11::text[]) as fact
         )
         select placed_at from placed",
    )
    .bind(order.id.0)
    .bind(order.customer.0)
    .bind(&idempotency.key)
    .bind(&idempotency.request)
    .bind(order.payment_method.as_str())
    .bind(order.total.minor())
    .bind(order.total.currency().code())
    .bind(skus)
    .bind(quantities)
    .bind(prices)
    .bind(facts.iter().map(|fact| fact.as_str()).collect::<Vec<_>>())
    .fetch_optional(tx)
    .await?;
    Ok(placed_at.map(|placed_at| KnownOrder {
        order,
        facts: facts.iter().copied().collect(),
        placed_at,
    }))
}

/// The order that the customer placed under this key, with the request that placed it.
pub async fn find_by_key(
    connection: &mut PgConnection,
    customer: CustomerId,
    key: &str,
) -> Result<Option<(OrderId, JsonValue)>, Error> {
    let found: Option<(Uuid, JsonValue)> = sqlx::query_as(
        "select id, request from orders where customer_id = $1 and idempotency_key = $2",
    )
    .bind(customer.0)
    .bind(key)
    .fetch_optional(connection)
    .await?;
    Ok(found.map(|(id, request)| (OrderId(id), request)))
}

/// Records facts about orders that are decided here and now, and returns how many of them are new.
/// One that is known already stays as it was first recorded; of two transactions that record the
/// same one, the later waits.
pub async fn record(
    tx: &mut PgConnection,
    facts: impl IntoIterator<Item = (OrderId, Fact)>,
) -> Result<u64, Error> {
    let facts = facts.into_iter();
    let facts = facts.map(|(order, fact)| (order, fact, None)).collect();
    record_all(tx, facts).await
}

/// Records facts about orders that were decided elsewhere, or earlier, each with its time. One that
/// is known already stays as it was first recorded.
pub async fn record_at(
    tx: &mut PgConnection,
    facts: impl IntoIterator<Item = (OrderId, Fact, OffsetDateTime)>,
) -> Result<u64, Error> {
    let facts = facts.into_iter();
    let facts = facts.map(|(order, fact, at)| (order, fact, Some(at)));
    record_all(tx, facts.collect()).await
}

async fn record_all(
    tx: &mut PgConnection,
    known: Vec<(OrderId, Fact, Option<OffsetDateTime>)>,
) -> Result<u64, Error> {
    let (mut orders, mut facts, mut times) = (vec![], vec![], vec![]);
    for (order, fact, happened_at) in known {
        orders.push(order.0);
        facts.push(fact.as_str());
        times.push(happened_at);
    }
    // The statement's time is one for all of its facts: what is decided together happens together.
    let recorded = sqlx::query(
        "insert into order_facts (order_id, fact, happened_at)
         select order_id, fact, coalesce(happened_at, statement_timestamp())
         from unnest($1::uuid[], $2::text[], $3::timestamptz[])
              as known (order_id, fact, happened_at)
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

/// The order, without checking who owns it.
pub async fn find(
    connection: &mut PgConnection,
    order: OrderId,
) -> Result<Option<KnownOrder>, Error> {
    let found: Option<OrderRow> = sqlx::query_as("select * from known_orders where id = $1")
        .bind(order.0)
        .fetch_optional(connection)
        .await?;
    found.map(KnownOrder::try_from).transpose()
}

/// These orders, in the order of their ids. Those that do not exist are left out.
pub async fn find_all(
    connection: &mut PgConnection,
    orders: impl IntoIterator<Item = OrderId>,
) -> Result<Vec<KnownOrder>, Error> {
    let orders: Vec<Uuid> = orders.into_iter().map(|order| order.0).collect();
    let found: Vec<OrderRow> =
        sqlx::query_as("select * from known_orders where id = any($1) order by id")
            .bind(orders)
            .fetch_all(connection)
            .await?;
    found.into_iter().map(KnownOrder::try_from).collect()
}

/// These orders with their facts, to which [`save_facts`] adds.
pub async fn load(
    connection: &mut PgConnection,
    orders: impl IntoIterator<Item = OrderId>,
) -> Result<KnownOrders, Error> {
    let found = find_all(connection, orders).await?;
    let by_id = found.into_iter().map(|known| (known.order.id, known));
    Ok(KnownOrders {
        orders: by_id.collect(),
        new: NewFacts::default(),
    })
}

/// Records the facts that were added since the orders were loaded.
pub async fn save_facts(tx: &mut PgConnection, orders: KnownOrders) -> Result<(), Error> {
    if orders.new.0.is_empty() {
        return Ok(());
    }
    record_at(tx, orders.new).await.map(drop)
}

/// Up to `limit` orders of a customer, the newest first, those before `after`.
pub async fn list(
    connection: &mut PgConnection,
    customer: CustomerId,
    after: Option<OrderId>,
    limit: i64,
) -> Result<Vec<KnownOrder>, Error> {
    let found: Vec<OrderRow> = sqlx::query_as(
        "select * from known_orders
         where customer_id = $1 and ($2::uuid is null or id < $2)
         order by id desc
         limit $3",
    )
    .bind(customer.0)
    .bind(after.map(|order| order.0))
    .bind(limit)
    .fetch_all(connection)
    .await?;
    found.into_iter().map(KnownOrder::try_from).collect()
}

/// What is known of the order, in the order in which it happened. Facts of the same moment are in
/// the order of their causes.
pub async fn history(
    connection: &mut PgConnection,
    order: OrderId,
) -> Result<Vec<KnownFact>, Error> {
    // Versions before this one have not recorded when a fact happened.
    let rows: Vec<(String, OffsetDateTime, OffsetDateTime)> = sqlx::query_as(
        "select fact, coalesce(happened_at, at), at from order_facts where order_id = $1",
    )
    .bind(order.0)
    .fetch_all(connection)
    .await?;
    let known = rows.into_iter().map(|(fact, happened_at, recorded_at)| {
        Ok(KnownFact {
            fact: row::named("order_facts.fact", &fact, Fact::from_name)?,
            happened_at,
            recorded_at,
        })
    });
    let mut known: Vec<KnownFact> = known.collect::<Result<_, Error>>()?;
    known.sort_by_key(|known| (known.happened_at, known.fact));
    Ok(known)
}

impl NewFacts {
    pub fn add(&mut self, order: OrderId, fact: Fact, happened_at: OffsetDateTime) {
        self.0.push((order, fact, happened_at));
    }
}

impl IntoIterator for NewFacts {
    type Item = (OrderId, Fact, OffsetDateTime);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl KnownOrders {
    pub fn of(&self, order: OrderId) -> Option<&KnownOrder> {
        self.orders.get(&order)
    }

    pub fn add(&mut self, order: OrderId, fact: Fact, happened_at: OffsetDateTime) {
        if let Some(known) = self.orders.get_mut(&order) {
            known.facts = known.facts.with(fact);
            self.new.add(order, fact, happened_at);
        }
    }
}

impl KnownOrder {
    pub fn status(&self) -> Status {
        Status::of(self.facts)
    }
}

#[derive(FromRow)]
struct OrderRow {
    id: Uuid,
    customer_id: Uuid,
    payment_method: String,
    currency: String,
    placed_at: OffsetDateTime,
    skus: Vec<String>,
    quantities: Vec<i32>,
    prices: Vec<i64>,
    facts: Option<Vec<String>>,
}

impl TryFrom<OrderRow> for KnownOrder {
    type Error = Error;

    fn try_from(found: OrderRow) -> Result<KnownOrder, Error> {
        let mut lines = vec![];
        for ((sku, quantity), price) in found
            .skus
            .into_iter()
            .zip(found.quantities)
            .zip(found.prices)
        {
            lines.push(Line {
                sku: row::sku(sku)?,
                quantity: row::quantity(quantity)?,
                unit_price: row::money(price, &found.currency)?,
            });
        }
        let lines = Lines::new(lines).map_err(decode)?;
        let total = lines.total().map_err(decode)?;
        let facts = found.facts.unwrap_or_default();
        let known: Result<Facts, Error> = facts
            .iter()
            .map(|fact| row::named("order_facts.fact", fact, Fact::from_name))
            .collect();

        Ok(KnownOrder {
            order: Order {
                id: OrderId(found.id),
                customer: CustomerId(found.customer_id),
                lines,
                total,
                payment_method: PaymentMethod::parse(found.payment_method).map_err(decode)?,
            },
            facts: known?,
            placed_at: found.placed_at,
        })
    }
}

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Decode(error.into())
}
