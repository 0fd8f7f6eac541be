use domain::{CustomerId, Line, Lines, Order, PaymentMethod, Quantity};
use serde_json::{Value, json};
use store::seed;

/// Products that can be ordered, `product-00000` upward.
const PRODUCTS: usize = 10;

/// A new customer's order of one product, paid with a method that the provider accepts.
pub fn order(sku: &str, quantity: i64) -> Order {
    order_paid_with("tok_ok", sku, quantity)
}

/// The same with a payment method such as `tok_declined`.
pub fn order_paid_with(payment_method: &str, sku: &str, quantity: i64) -> Order {
    let mut products = seed::products(PRODUCTS).into_iter();
    let product = products.find(|product| product.sku.as_str() == sku);
    let product = product.unwrap_or_else(|| panic!("{sku} is not a seeded product"));
    let line = Line {
        sku: product.sku,
        quantity: Quantity::new(quantity).unwrap(),
        unit_price: product.unit_price,
    };
    let method = PaymentMethod::parse(payment_method).unwrap();
    Order::place(CustomerId::new(), Lines::new(vec![line]).unwrap(), method).unwrap()
}

/// The body of `POST /orders` for one product.
pub fn order_body(sku: &str, quantity: i64) -> Value {
    json!({
        "lines": [{ "sku": sku, "quantity": quantity }],
        "payment_method": "tok_ok",
    })
}
