//! The order service over HTTP and with its events, on a real Postgres and queues in process.
#![allow(clippy::unwrap_used)]

#[path = "it/fixture.rs"]
mod fixture;
#[path = "it/overdue.rs"]
mod overdue;

use std::time::Duration;

use contracts::http::OrderBody;
use contracts::topology::{ORDER, PAYMENT, SHIPPING};
use contracts::{Event, ExpireOrder};
use domain::{Fact, OrderId, Status};
use order_service::expire_orders::ExpireOrders;
use order_service::handlers::RecordFacts;
use reqwest::StatusCode;
use sandbox::testing::until_eq;

use crate::fixture::Fixture;

const EXPIRE: ExpireOrders = ExpireOrders {
    answer_within: Duration::from_secs(1_000),
};

#[tokio::test]
async fn a_placed_order_is_published_once_however_often_it_is_requested() {
    let orders = Fixture::open().await;
    let placed = orders.place().await;
    let again = orders.place().await;

    assert_eq!(placed.status, Status::Placed);
    assert_eq!(placed, again);
    orders.until_depth(PAYMENT, 1).await;
    assert_eq!(orders.queues.depth(ORDER), 0);
}

#[tokio::test]
async fn facts_settle_an_order_in_any_sequence() {
    let mut orders = Fixture::open().await;
    let placed = orders.place().await;

    orders
        .receive(&placed, &[Fact::ShipmentScheduled, Fact::ShipmentScheduled])
        .await;
    assert_eq!(orders.status(&placed).await, Status::Confirmed);
    orders
        .receive(&placed, &[Fact::PaymentAuthorized, Fact::StockReserved])
        .await;
    assert_eq!(orders.status(&placed).await, Status::Confirmed);
}

#[tokio::test]
async fn a_history_is_in_the_order_in_which_it_happened() {
    let mut orders = Fixture::open().await;
    let placed = orders.place().await;
    let record = orders.record(&placed).await;
    let happened = [
        Fact::PaymentAuthorized,
        Fact::StockReserved,
        Fact::ShipmentScheduled,
    ];
    let events = happened.map(|fact| Event::new(fact, record.order.clone()));

    for event in events.into_iter().rev() {
        orders.handle(&RecordFacts, vec![event]).await;
    }

    let history = orders.history(&placed).await;
    let facts: Vec<Fact> = history.iter().map(|entry| entry.fact).collect();
    assert_eq!(facts[0], Fact::OrderPlaced);
    assert_eq!(facts[1..], happened);
}

#[tokio::test]
async fn a_request_to_cancel_is_published_to_shipping() {
    let mut orders = Fixture::open().await;
    let placed = orders.place().await;

    assert_eq!(orders.cancel(&placed).await, StatusCode::ACCEPTED);
    orders.until_depth(SHIPPING, 1).await;
    assert_eq!(orders.status(&placed).await, Status::Placed);
}

#[tokio::test]
async fn many_requests_to_cancel_one_order_are_one_event() {
    let mut orders = Fixture::open().await;
    let placed = orders.place().await;
    let requests = (0..40).map(|_| orders.cancel(&placed));
    for answer in futures::future::join_all(requests).await {
        assert_eq!(answer, StatusCode::ACCEPTED);
    }

    let waiting = "select count(*) from outbox where queue = 'shipping-events'";
    until_eq("the outbox", async || orders.count(waiting).await, 0).await;
    orders.until_depth(SHIPPING, 1).await;
}

#[tokio::test]
async fn it_is_too_late_to_cancel_an_order_whose_dispatch_is_recorded() {
    let mut orders = Fixture::open().await;
    let placed = orders.place().await;
    orders
        .receive(&placed, &[Fact::ShipmentScheduled, Fact::Dispatched])
        .await;

    assert_eq!(orders.cancel(&placed).await, StatusCode::CONFLICT);
    assert_eq!(orders.queues.depth(SHIPPING), 0);
}

#[tokio::test]
async fn an_overdue_order_requests_its_cancellation_and_a_settled_one_does_not() {
    let mut orders = Fixture::open().await;
    let placed = orders.place().await;
    let expiry = |order: &OrderBody| ExpireOrder {
        order: OrderId(order.id),
        after: Duration::ZERO,
    };
    let requested = "select count(*) from order_facts where fact = 'cancel_requested'";

    orders.handle(&EXPIRE, vec![expiry(&placed)]).await;
    assert_eq!(orders.count(requested).await, 1);

    sqlx::query("delete from order_facts where fact = 'cancel_requested'")
        .execute(orders.db())
        .await
        .unwrap();
    orders.receive(&placed, &[Fact::ShipmentScheduled]).await;
    orders.handle(&EXPIRE, vec![expiry(&placed)]).await;
    assert_eq!(orders.count(requested).await, 0);
}
