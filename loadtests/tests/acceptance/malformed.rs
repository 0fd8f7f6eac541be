//! Malformed requests: bodies that cannot be read, and paths and methods that are not served.

use reqwest::Method;
use serde_json::json;

use crate::answer::Answer;
use crate::customer::{new_key, order_of};
use crate::shops::shops;

#[tokio::test]
async fn a_body_that_cannot_be_read_is_a_problem() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let check = async |kind: &str, body: Vec<u8>, status: u16| {
            let request = customer.request(Method::POST, "/orders");
            let request = request
                .header("idempotency-key", new_key())
                .header("content-type", kind);
            Answer::to(request.body(body)).await.problem(status);
        };
        let json = "application/json";
        let order = serde_json::to_vec(&order_of(&[shop.product().await])).unwrap();

        check("text/plain", order.clone(), 415).await;
        check("application/xml", order.clone(), 415).await;
        check(json, vec![], 400).await;
        check(json, b"{".to_vec(), 400).await;
        check(json, b"\xff\xfe".to_vec(), 400).await;
        check(json, [&order[..], b"}"].concat(), 400).await;
        check(json, b"null".to_vec(), 422).await;
        check(json, b"[[[[[[[[[[[[[[[[[[[[".repeat(1000), 400).await;
        check(json, [&order[..], &vec![b' '; 65_536]].concat(), 413).await;
    }
}

/// serde reads a struct from an array of its fields, which no schema allows.
#[tokio::test]
async fn an_array_is_not_an_object() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let check = async |path: &str, body: serde_json::Value| {
            let request = customer.request(Method::POST, path);
            let request = request.header("idempotency-key", new_key()).json(&body);
            Answer::to(request).await.problem(400);
        };
        let product = shop.product().await;

        check("/orders", json!([[[product, 1]], "tok_ok"])).await;
        let lines = json!([[product, 1]]);
        check(
            "/orders",
            json!({ "lines": lines, "payment_method": "tok_ok" }),
        )
        .await;
        check(
            "/auth/register",
            json!(["ada@example.org", "correct horse"]),
        )
        .await;
        check("/auth/login", json!(["ada@example.org", "correct horse"])).await;
    }
}

#[tokio::test]
async fn an_endless_body_is_cut_off() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 4096]));
        let request = customer.request(Method::POST, "/orders");
        let request = request
            .header("idempotency-key", new_key())
            .header("content-type", "application/json")
            .body(reqwest::Body::wrap_stream(endless));
        // The shop answers and closes while the body is still being sent, so the answer may be
        // lost.
        if let Ok(response) = request.send().await {
            assert_eq!(response.status(), 413);
        }
        customer.get("/orders").await.is(200);
    }
}

#[tokio::test]
async fn a_path_or_method_that_is_not_served_is_a_problem() {
    for shop in shops().await {
        let customer = shop.customer().await;
        let check = async |method: Method, path: &str, status: u16| {
            Answer::to(customer.request(method, path))
                .await
                .problem(status);
        };
        check(Method::GET, "/", 404).await;
        check(Method::GET, "/nowhere", 404).await;
        check(Method::GET, "/orders/", 404).await;
        check(Method::GET, "/auth/nowhere", 404).await;
        check(Method::GET, "/products/no-such-product", 404).await;
        check(Method::GET, "/products/%00", 404).await;
        check(Method::DELETE, "/orders", 405).await;
        check(Method::PUT, "/products", 405).await;
        check(Method::GET, "/auth/login", 405).await;
        check(Method::POST, "/products/teapot", 405).await;
    }
}
