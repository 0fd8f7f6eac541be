//! Between columns and values. An invalid value is an error, which names its column.

use std::time::Duration;

use domain::{Currency, Money, OrderId, Quantity, Sku};
use sqlx::Error;
use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

/// A time that Postgres can store.
pub(crate) fn interval(time: Duration) -> Result<PgInterval, Error> {
    PgInterval::try_from(time).map_err(Error::Encode)
}

pub(crate) fn money(minor: i64, currency: &str) -> Result<Money, Error> {
    let currency = named("currency", currency, Currency::from_code)?;
    Money::new(minor, currency).map_err(|error| Error::Decode(error.into()))
}

pub(crate) fn sku(text: String) -> Result<Sku, Error> {
    Sku::parse(text).map_err(|error| Error::Decode(error.into()))
}

pub(crate) fn quantity(count: i32) -> Result<Quantity, Error> {
    Quantity::new(count.into()).map_err(|error| Error::Decode(error.into()))
}

/// An order with its state in the table that `column` is of.
pub(crate) fn state<S>(
    column: &str,
    (order, name): (Uuid, String),
    from_name: impl Fn(&str) -> Option<S>,
) -> Result<(OrderId, S), Error> {
    Ok((OrderId(order), named(column, &name, from_name)?))
}

pub(crate) fn named<T>(
    column: &str,
    name: &str,
    from_name: impl Fn(&str) -> Option<T>,
) -> Result<T, Error> {
    from_name(name).ok_or_else(|| {
        let unknown = format!("column {column} holds {name:?}, which this version does not know");
        Error::Decode(unknown.into())
    })
}
