//! Pricing: from a valid request to an order, the same in both architectures.

use std::collections::HashMap;

use contracts::http::{FieldError, ValidOrder};
use domain::{CustomerId, Line, Lines, Order, Product, Sku};
use sqlx::PgConnection;
use store::catalogue;

/// Looks up the prices and creates the order. The inner error names the fields that prevent it.
///
/// # Errors
/// When the database fails.
pub async fn price(
    connection: &mut PgConnection,
    customer: CustomerId,
    valid: ValidOrder,
) -> Result<Result<Order, Vec<FieldError>>, sqlx::Error> {
    let skus = valid.items.iter().map(|(sku, _)| sku);
    let products = catalogue::find(connection, skus).await?;
    Ok(order(customer, valid, products))
}

fn order(
    customer: CustomerId,
    valid: ValidOrder,
    products: Vec<Product>,
) -> Result<Order, Vec<FieldError>> {
    let prices: HashMap<Sku, _> = products
        .into_iter()
        .map(|product| (product.sku, product.unit_price))
        .collect();
    let mut lines = vec![];
    let mut errors = vec![];
    for (n, (sku, quantity)) in valid.items.into_iter().enumerate() {
        match prices.get(&sku) {
            Some(&unit_price) => lines.push(Line {
                sku,
                quantity,
                unit_price,
            }),
            None => {
                let message = format!("no product has the SKU {sku}: see GET /products");
                errors.push(FieldError::new(format!("lines[{n}].sku"), message));
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }

    let lines = Lines::new(lines).map_err(|error| vec![FieldError::new("lines", error)])?;
    Order::place(customer, lines, valid.payment_method)
        .map_err(|error| vec![FieldError::new("lines", error)])
}

#[cfg(test)]
mod tests {
    use domain::{Currency, Money, PaymentMethod, Quantity};

    use super::*;

    fn valid(skus: &[&str]) -> ValidOrder {
        let one = |sku: &&str| (Sku::parse(*sku).unwrap(), Quantity::new(1).unwrap());
        ValidOrder {
            items: skus.iter().map(one).collect(),
            payment_method: PaymentMethod::parse("tok_ok").unwrap(),
        }
    }

    fn product(sku: &str, minor: i64, currency: Currency) -> Product {
        Product {
            sku: Sku::parse(sku).unwrap(),
            name: sku.to_owned(),
            unit_price: Money::new(minor, currency).unwrap(),
        }
    }

    #[test]
    fn the_shop_and_not_the_client_sets_the_price() {
        let products = vec![
            product("a", 150, Currency::Eur),
            product("b", 50, Currency::Eur),
        ];
        let placed = order(CustomerId::new(), valid(&["a", "b"]), products).unwrap();
        assert_eq!(placed.total, Money::new(200, Currency::Eur).unwrap());
    }

    #[test]
    fn fields_that_prevent_an_order_are_named() {
        let check = |skus: &[&str], products: Vec<Product>, field: &str, message: &str| {
            let errors = order(CustomerId::new(), valid(skus), products).unwrap_err();
            assert_eq!(errors[0].field, field);
            assert!(errors[0].message.contains(message), "{}", errors[0].message);
        };

        let eur = |sku: &str| product(sku, 1, Currency::Eur);
        check(&["a", "b"], vec![eur("a")], "lines[1].sku", "no product");
        check(
            &["a", "b"],
            vec![eur("a"), product("b", 1, Currency::Usd)],
            "lines",
            "one currency",
        );
        let expensive = |sku: &str| product(sku, i64::MAX, Currency::Eur);
        check(
            &["a", "b"],
            vec![expensive("a"), expensive("b")],
            "lines",
            "too large",
        );
    }
}
