//! Validation: each wrong field is named in a problem document.

use serde_json::{Value, json};

use crate::shops::{SOLD_OUT, shops};

fn order(lines: Value) -> Value {
    json!({"lines": lines, "payment_method": "tok_ok"})
}

#[tokio::test]
async fn every_wrong_field_of_an_order_is_named() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let check = async |body: Value, named: &[&str]| {
            customer.post_order(&body).await.names(422, named);
        };
        let line = |quantity: Value| order(json!([{"sku": SOLD_OUT, "quantity": quantity}]));

        check(order(json!([])), &["lines"]).await;
        check(
            order(json!(vec![json!({"sku": "a", "quantity": 1}); 51])),
            &["lines"],
        )
        .await;
        check(line(json!(0)), &["lines[0].quantity"]).await;
        check(line(json!(-1)), &["lines[0].quantity"]).await;
        check(line(json!(1001)), &["lines[0].quantity"]).await;
        check(line(json!(i64::MAX)), &["lines[0].quantity"]).await;
        check(line(json!(1.5)), &["lines[0].quantity"]).await;
        check(line(json!("1")), &["lines[0].quantity"]).await;
        check(line(json!(1e300)), &["lines[0].quantity"]).await;
        check(
            order(json!([{"sku": "no-such-product", "quantity": 1}])),
            &["lines[0].sku"],
        )
        .await;
        check(
            order(json!([{"sku": "No Such", "quantity": 0}])),
            &["lines[0].sku", "lines[0].quantity"],
        )
        .await;
        let twice = json!([{"sku": SOLD_OUT, "quantity": 1}, {"sku": SOLD_OUT, "quantity": 1}]);
        check(order(twice), &["lines[1].sku"]).await;
        let priced = json!([{"sku": SOLD_OUT, "quantity": 1, "unit_price": 0}]);
        check(order(priced), &["lines[0].unit_price"]).await;
        check(
            json!({"lines": [{"sku": SOLD_OUT, "quantity": 1}], "payment_method": "\u{0}"}),
            &["payment_method"],
        )
        .await;
        assert_eq!(customer.get("/orders").await.page().items, []);
    }
}

#[tokio::test]
async fn a_wrong_page_is_named() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let check = async |path: &str, status: u16, named: &str| {
            customer.get(path).await.names(status, &[named]);
        };
        for path in ["/orders", "/products"] {
            check(&format!("{path}?limit=0"), 422, "limit").await;
            check(&format!("{path}?limit=101"), 422, "limit").await;
            check(&format!("{path}?limit=many"), 400, "limit").await;
            check(&format!("{path}?limit=99999999999999999999"), 400, "limit").await;
        }
        check("/orders?after=yesterday", 400, "after").await;
        check("/products?after=No%20Such", 422, "after").await;
    }
}

#[tokio::test]
async fn an_invalid_order_id_is_named() {
    for shop in shops().await {
        let customer = shop.customer().await;
        customer.get("/orders/seven").await.names(400, &["id"]);
        customer
            .get("/orders/%ff/history")
            .await
            .names(400, &["id"]);
    }
}
