//! One order with its facts, and how it is read from a row.

use domain::{CustomerId, Fact, Facts, Line, Lines, Order, OrderId, PaymentMethod, Status};
use sqlx::{Error, FromRow};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::row;

/// An order with the facts that are recorded about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderRecord {
    /// The order as placed.
    pub order: Order,
    /// What has happened to it, as far as it is recorded.
    pub facts: Facts,
    /// When it was placed.
    pub placed_at: OffsetDateTime,
}

impl OrderRecord {
    /// The order's status, computed from its facts.
    pub fn status(&self) -> Status {
        Status::of(self.facts)
    }
}

/// A row of the view `known_orders`.
#[derive(FromRow)]
pub(super) struct OrderRow {
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

impl TryFrom<OrderRow> for OrderRecord {
    type Error = Error;

    fn try_from(found: OrderRow) -> Result<OrderRecord, Error> {
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
        let names = found.facts.unwrap_or_default();
        let facts: Result<Facts, Error> = names
            .iter()
            .map(|name| row::named("order_facts.fact", name, Fact::from_name))
            .collect();

        Ok(OrderRecord {
            order: Order {
                id: OrderId(found.id),
                customer: CustomerId(found.customer_id),
                lines,
                total,
                payment_method: PaymentMethod::parse(found.payment_method).map_err(decode)?,
            },
            facts: facts?,
            placed_at: found.placed_at,
        })
    }
}

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Decode(error.into())
}
