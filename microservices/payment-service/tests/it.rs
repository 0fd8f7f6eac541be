//! Payment's handling of each event, on a real Postgres and with the sandbox's provider.
#![allow(clippy::unwrap_used)]

#[path = "it/fixture.rs"]
mod fixture;
#[path = "it/overdue.rs"]
mod overdue;

use domain::{Fact, Payment};
use messaging::Fault;
use payment_provider as provider;
use shop_testing::{order, order_paid_with};

use crate::fixture::Fixture;

fn pair(fact: &str, queue: &str) -> (String, String) {
    (fact.to_owned(), queue.to_owned())
}

#[tokio::test]
async fn a_placed_order_is_authorized_once_and_answered_each_time() {
    let mut payment = Fixture::open().await;
    let order = order("product-00000", 1);

    payment.receive(Fact::OrderPlaced, &order).await.unwrap();
    payment.receive(Fact::OrderPlaced, &order).await.unwrap();

    let authorized = (
        Some(Payment::Authorized),
        Some(provider::Status::Authorized),
    );
    assert_eq!(payment.money(&order).await, authorized);
    let fact = "payment_authorized";
    let published = [pair(fact, "inventory-events"), pair(fact, "order-events")];
    assert_eq!(
        payment.published().await,
        [published.clone(), published].concat()
    );
}

#[tokio::test]
async fn an_order_that_comes_again_is_answered_with_what_was_decided() {
    let check = async |method: &str, then: Option<Fact>, published: &[&str]| {
        let mut payment = Fixture::open().await;
        let order = order_paid_with(method, "product-00000", 1);
        payment.receive(Fact::OrderPlaced, &order).await.unwrap();
        if let Some(then) = then {
            payment.receive(then, &order).await.unwrap();
        }
        let before = payment.published().await.len();

        payment.receive(Fact::OrderPlaced, &order).await.unwrap();

        let again = payment.published().await.split_off(before);
        let facts: Vec<_> = again.iter().map(|(fact, _)| fact.as_str()).collect();
        assert_eq!(facts, published, "{method}, then {then:?}");
    };

    let authorized = ["payment_authorized", "payment_authorized"];
    check("tok_ok", None, &authorized).await;
    check("tok_ok", Some(Fact::Dispatched), &authorized).await;
    check("tok_declined", None, &["payment_declined"]).await;
    check("tok_ok", Some(Fact::ShipmentCancelled), &[]).await;
    check("tok_ok", Some(Fact::StockRejected), &[]).await;
}

#[tokio::test]
async fn a_declined_payment_is_published_to_orders_alone() {
    let mut payment = Fixture::open().await;
    let order = order_paid_with("tok_declined", "product-00000", 1);

    payment.receive(Fact::OrderPlaced, &order).await.unwrap();

    let declined = (Some(Payment::Declined), Some(provider::Status::Declined));
    assert_eq!(payment.money(&order).await, declined);
    assert_eq!(
        payment.published().await,
        [pair("payment_declined", "order-events")]
    );
}

#[tokio::test]
async fn a_dispatched_order_is_captured() {
    let mut payment = Fixture::open().await;
    let order = order("product-00000", 1);
    payment.receive(Fact::OrderPlaced, &order).await.unwrap();

    payment.receive(Fact::Dispatched, &order).await.unwrap();
    payment.receive(Fact::Dispatched, &order).await.unwrap();

    let captured = (Some(Payment::Captured), Some(provider::Status::Captured));
    assert_eq!(payment.money(&order).await, captured);
}

#[tokio::test]
async fn the_payment_of_an_order_without_a_shipment_is_voided() {
    for end in [Fact::StockRejected, Fact::ShipmentCancelled] {
        let mut payment = Fixture::open().await;
        let order = order("product-00000", 1);
        payment.receive(Fact::OrderPlaced, &order).await.unwrap();

        payment.receive(end, &order).await.unwrap();
        payment.receive(end, &order).await.unwrap();

        let voided = (Some(Payment::Voided), Some(provider::Status::Voided));
        assert_eq!(payment.money(&order).await, voided, "{end}");
    }
}

#[tokio::test]
async fn an_order_that_was_cancelled_first_is_never_charged() {
    let mut payment = Fixture::open().await;
    let order = order("product-00000", 1);

    payment
        .receive(Fact::ShipmentCancelled, &order)
        .await
        .unwrap();
    payment.receive(Fact::OrderPlaced, &order).await.unwrap();

    let voided = (Some(Payment::Voided), Some(provider::Status::Voided));
    assert_eq!(payment.money(&order).await, voided);
    assert_eq!(payment.published().await, []);
}

#[tokio::test]
async fn a_provider_that_fails_is_called_again_later() {
    let mut payment = Fixture::open().await;
    let order = order("product-00000", 1);
    payment.fails(1.0);
    payment
        .receive(Fact::OrderPlaced, &order)
        .await
        .unwrap_err();
    assert_eq!(payment.money(&order).await.0, None);

    payment.fails(0.0);
    payment.receive(Fact::OrderPlaced, &order).await.unwrap();
    assert_eq!(payment.money(&order).await.0, Some(Payment::Authorized));
}

#[tokio::test]
async fn a_call_that_the_provider_refuses_for_good_is_dead_lettered_at_once() {
    let payment = Fixture::open().await;
    let order = order("product-00000", 1);
    payment.receive(Fact::OrderPlaced, &order).await.unwrap();
    // Behind our back: a person at the provider, or the end of the authorization.
    payment.money.provider.void(order.id).await.unwrap();

    let fault = payment.receive(Fact::Dispatched, &order).await.unwrap_err();

    assert_eq!(fault, Fault::reject(fault.reason()));
    assert!(fault.reason().contains("409"), "{fault:?}");
}
