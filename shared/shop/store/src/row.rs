//! From columns to values. A row that is no value of the domain is an error that names the column.

use domain::{Currency, Money, Quantity, Sku};
use sqlx::Error;

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
