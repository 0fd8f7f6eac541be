//! Sample products, prices and stock: the same on every machine.

use domain::{Currency, Money, Product, Sku};

/// The SKU of the product that is never in stock.
pub const SOLD_OUT: &str = "sold-out";

/// Pieces of each product at first: enough that no load test sells out by accident.
pub const PIECES: i64 = 10_000_000;

/// `count` products with the SKUs `product-00000` and up, and [`SOLD_OUT`]. Prices are spread over
/// 1.00 to 100.00 EUR, without a pattern that a cache could use.
pub fn products(count: usize) -> Vec<Product> {
    let numbered = (0..count).map(|n| {
        let price = 100 + (n as i64 * 7_919) % 9_901;
        product(&format!("product-{n:05}"), &format!("Product {n}"), price)
    });
    numbered
        .chain([product(SOLD_OUT, "Never in stock", 1_000)])
        .collect()
}

/// The number of pieces of each of these products, for [`restock`](crate::inventory::restock).
pub fn deliveries(products: &[Product]) -> impl Iterator<Item = (&Sku, i64)> {
    products.iter().map(|product| {
        let pieces = if product.sku.as_str() == SOLD_OUT {
            0
        } else {
            PIECES
        };
        (&product.sku, pieces)
    })
}

fn product(sku: &str, name: &str, price_minor: i64) -> Product {
    Product {
        sku: Sku::parse(sku).expect("a seeded SKU is plain"),
        name: name.to_owned(),
        unit_price: Money::new(price_minor, Currency::Eur).expect("a seeded price is positive"),
    }
}
