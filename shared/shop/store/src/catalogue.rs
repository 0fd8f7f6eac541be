//! The products on offer, with their prices. The catalogue belongs to the order context: an order
//! copies its prices when it is placed.

use domain::{Product, Sku};
use sqlx::{Error, PgConnection};

use crate::row;

type Row = (String, String, i64, String);

/// Finds the products with these SKUs, sorted by SKU. SKUs that are not on offer are skipped.
///
/// # Errors
/// When the database fails, or a row holds a value that this version does not know.
pub async fn find<'a>(
    connection: &mut PgConnection,
    skus: impl IntoIterator<Item = &'a Sku>,
) -> Result<Vec<Product>, Error> {
    let skus: Vec<&str> = skus.into_iter().map(Sku::as_str).collect();
    let rows: Vec<Row> = sqlx::query_as(
        "select sku, name, price_minor, currency from products
         where sku = any($1)
         order by sku",
    )
    .bind(skus)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(product).collect()
}

/// Finds up to `limit` products, sorted by SKU, starting after the SKU `after`.
///
/// # Errors
/// When the database fails, or a row holds a value that this version does not know.
pub async fn list(
    connection: &mut PgConnection,
    after: Option<&Sku>,
    limit: i64,
) -> Result<Vec<Product>, Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "select sku, name, price_minor, currency from products
         where sku > $1
         order by sku
         limit $2",
    )
    .bind(after.map_or("", Sku::as_str))
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(product).collect()
}

/// Inserts products, or updates the name and price of those that exist.
///
/// # Errors
/// When the database fails.
pub async fn offer(tx: &mut PgConnection, products: &[Product]) -> Result<(), Error> {
    let skus: Vec<&str> = products
        .iter()
        .map(|product| product.sku.as_str())
        .collect();
    let names: Vec<&str> = products
        .iter()
        .map(|product| product.name.as_str())
        .collect();
    let prices: Vec<i64> = products
        .iter()
        .map(|product| product.unit_price.minor())
        .collect();
    let currencies: Vec<&str> = products
        .iter()
        .map(|product| product.unit_price.currency().code())
        .collect();
    sqlx::query(
        "insert into products (sku, name, price_minor, currency)
         select * from unnest($1::text[], $2::text[], $3::bigint[], $4::text[])
         on conflict (sku) do update
         set name = excluded.name, price_minor = excluded.price_minor,
             currency = excluded.currency",
    )
    .bind(skus)
    .bind(names)
    .bind(prices)
    .bind(currencies)
    .execute(tx)
    .await?;
    Ok(())
}

fn product((sku, name, price_minor, currency): Row) -> Result<Product, Error> {
    Ok(Product {
        sku: row::sku(sku)?,
        name,
        unit_price: row::money(price_minor, &currency)?,
    })
}
