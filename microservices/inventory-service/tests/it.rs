//! Inventory's handling of each event, on a real Postgres.
#![allow(clippy::unwrap_used)]

#[path = "it/fixture.rs"]
mod fixture;

use contracts::Event;
use domain::{Fact, Order, Sku, Stock, StockLevel};
use inventory_service::handlers::Inventory;
use messaging::BatchHandler;
use shop_testing::order;

use crate::fixture::{Fixture, PRODUCT};

fn published(fact: &str, queues: &[&str]) -> Vec<(String, String)> {
    let pair = |queue: &&str| (fact.to_owned(), (*queue).to_owned());
    queues.iter().map(pair).collect()
}

/// Decisions need no database: here two orders of one batch want the last pieces.
#[test]
fn of_two_orders_for_the_last_pieces_the_first_is_reserved() {
    let level = StockLevel {
        available: 4,
        reserved: 0,
    };
    let mut stock: Stock = [(Sku::parse(PRODUCT).unwrap(), level)]
        .into_iter()
        .collect();
    let mut decide = |order: &Order| {
        let paid = Event::new(Fact::PaymentAuthorized, order.clone());
        let decided = Inventory.decide(&mut stock, paid).unwrap();
        decided.map(|event| event.fact)
    };
    let (first, second) = (order(PRODUCT, 3), order(PRODUCT, 3));

    assert_eq!(decide(&first), Some(Fact::StockReserved));
    assert_eq!(decide(&second), Some(Fact::StockRejected));
    assert_eq!(decide(&first), Some(Fact::StockReserved), "decided once");
}

#[tokio::test]
async fn a_paid_order_is_reserved_and_published() {
    let mut inventory = Fixture::open().await;
    let order = order(PRODUCT, 3);

    inventory.receive(Fact::PaymentAuthorized, &order).await;

    assert_eq!(inventory.level().await, (7, 3));
    let expected = published("stock_reserved", &["shipping-events", "order-events"]);
    assert_eq!(inventory.published().await, expected);
}

#[tokio::test]
async fn an_event_that_comes_twice_reserves_once_and_is_answered_twice() {
    let mut inventory = Fixture::open().await;
    let order = order(PRODUCT, 3);

    inventory.receive(Fact::PaymentAuthorized, &order).await;
    inventory.receive(Fact::PaymentAuthorized, &order).await;

    assert_eq!(inventory.level().await, (7, 3));
    let answer = published("stock_reserved", &["shipping-events", "order-events"]);
    assert_eq!(
        inventory.published().await,
        [answer.clone(), answer].concat()
    );
}

#[tokio::test]
async fn what_is_out_of_stock_is_rejected() {
    let mut inventory = Fixture::open().await;
    let (too_many, never_stocked) = (order(PRODUCT, 11), order("product-00001", 1));

    inventory.receive(Fact::PaymentAuthorized, &too_many).await;
    inventory
        .receive(Fact::PaymentAuthorized, &never_stocked)
        .await;

    assert_eq!(inventory.level().await, (10, 0));
    let rejected = published("stock_rejected", &["order-events", "payment-events"]);
    assert_eq!(
        inventory.published().await,
        [rejected.clone(), rejected].concat()
    );
}

#[tokio::test]
async fn a_rejected_order_that_comes_again_is_rejected_though_there_is_stock_now() {
    let mut inventory = Fixture::open().await;
    let too_many = order(PRODUCT, 11);
    inventory.receive(Fact::PaymentAuthorized, &too_many).await;
    inventory.restock(10).await;

    inventory.receive(Fact::PaymentAuthorized, &too_many).await;

    assert_eq!(inventory.level().await, (20, 0));
    let rejected = published("stock_rejected", &["order-events", "payment-events"]);
    let both = [rejected.clone(), rejected].concat();
    assert_eq!(inventory.published().await, both);
}

#[tokio::test]
async fn a_cancelled_order_puts_its_stock_back_once() {
    let mut inventory = Fixture::open().await;
    let (kept, cancelled) = (order(PRODUCT, 1), order(PRODUCT, 3));
    inventory.receive(Fact::PaymentAuthorized, &kept).await;
    inventory.receive(Fact::PaymentAuthorized, &cancelled).await;

    inventory.receive(Fact::ShipmentCancelled, &cancelled).await;
    inventory.receive(Fact::ShipmentCancelled, &cancelled).await;

    assert_eq!(inventory.level().await, (9, 1));
}

#[tokio::test]
async fn an_order_that_was_cancelled_first_takes_nothing() {
    let mut inventory = Fixture::open().await;
    let order = order(PRODUCT, 3);

    inventory.receive(Fact::ShipmentCancelled, &order).await;
    inventory.receive(Fact::PaymentAuthorized, &order).await;

    assert_eq!(inventory.level().await, (10, 0));
    assert_eq!(inventory.published().await, []);
}
