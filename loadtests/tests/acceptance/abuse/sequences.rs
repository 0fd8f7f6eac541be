//! Abuse that needs more than one request: idle connections, one order many times at once, a key
//! that was used, and the order of another customer.

use std::collections::HashSet;
use std::io::ErrorKind;

use contracts::http::PlaceOrder;
use futures::future::join_all;
use reqwest::Method;
use tokio::net::TcpStream;

use crate::answer::Answer;
use crate::customer::{Customer, new_key, order_of};
use crate::shops::Shop;

/// A process serves 2,048 connections by default.
const IDLE: usize = 2000;
const REPETITIONS: usize = 50;

pub(super) async fn surprises(shop: &Shop) -> Vec<String> {
    let idle = idle_connections(shop).await;
    let repeated = repeated_order(shop).await;
    let changed = changed_orders(shop).await;
    [idle, repeated, changed].concat()
}

/// Customers are served while [`IDLE`] connections are open that send nothing.
async fn idle_connections(shop: &Shop) -> Vec<String> {
    let mut idle = vec![];
    for _ in 0..IDLE {
        idle.push(TcpStream::connect(shop.address()).await.unwrap());
    }
    let mut surprises = vec![];
    for n in 0..20 {
        let answer = shop.get("/products").await;
        if answer.status != 200 {
            surprises.push(format!(
                "request {n} next to {IDLE} idle connections: {answer:?}"
            ));
        }
    }
    let open = idle.iter().filter(|one| is_open(one)).count();
    if open < IDLE {
        surprises.push(format!("{open} of {IDLE} idle connections are still open"));
    }
    surprises
}

/// A closed connection has an end or an error to read, and a refused one an answer.
fn is_open(connection: &TcpStream) -> bool {
    let read = connection.try_read(&mut [0]);
    read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// One request [`REPETITIONS`] times at once is one order.
async fn repeated_order(shop: &Shop) -> Vec<String> {
    let customer = shop.customer().await;
    let (order, key) = (order_of(&[shop.product().await]), new_key());
    let answers = join_all((0..REPETITIONS).map(|_| customer.post_order_as(&key, &order))).await;

    let mut surprises = vec![];
    let mut orders = HashSet::new();
    for answer in answers {
        match answer.status {
            201 => _ = orders.insert(answer.order(201).id),
            _ => surprises.push(format!("one order at once: {answer:?}")),
        }
    }
    let listed = customer.get("/orders").await.page().items.len();
    if orders.len() != 1 || listed != 1 {
        let answered = orders.len();
        surprises.push(format!(
            "one order at once: {answered} answered, {listed} listed"
        ));
    }
    surprises
}

/// A key that has placed an order is refused for any other order.
async fn changed_orders(shop: &Shop) -> Vec<String> {
    let customer = shop.customer().await;
    let (order, key) = (order_of(&[shop.product().await]), new_key());
    let placed = customer.post_order_as(&key, &order).await.order(201);

    let mut more = order.clone();
    more.lines[0].quantity = 2;
    let declined = PlaceOrder {
        payment_method: "tok_declined".to_owned(),
        ..order.clone()
    };
    let mut other = order_of(&["sold-out"]);
    other.lines.extend(order.lines.clone());
    let rows = [
        ("more pieces", more, 422),
        ("another card", declined, 422),
        ("another line", other, 422),
        ("the same order", order, 201),
    ];
    let mut surprises = vec![];
    for (name, order, expected) in rows {
        let answer = customer.post_order_as(&key, &order).await;
        if answer.status != expected {
            surprises.push(format!("a used key with {name}: {answer:?}"));
        }
    }
    let stranger = shop.customer().await;
    surprises.extend(of_another_customer(&stranger, &placed.id.to_string()).await);
    surprises
}

/// An order of another customer is answered like one that does not exist.
async fn of_another_customer(stranger: &Customer, id: &str) -> Vec<String> {
    let rows = [
        (Method::GET, format!("/orders/{id}")),
        (Method::GET, format!("/orders/{id}/history")),
        (Method::POST, format!("/orders/{id}/cancel")),
    ];
    let mut surprises = vec![];
    for (method, path) in rows {
        let answer = Answer::to(stranger.request(method, &path)).await;
        if answer.status != 404 {
            surprises.push(format!("another customer's order: {answer:?}"));
        }
    }
    let after = stranger.get(&format!("/orders?after={id}")).await;
    if after.status != 200 || !after.text.contains(r#""items":[]"#) {
        surprises.push(format!("a page after another customer's order: {after:?}"));
    }
    surprises
}
