//! Shipping's handling of each event, on a real Postgres.
#![allow(clippy::unwrap_used)]

#[path = "it/fixture.rs"]
mod fixture;
#[path = "it/locks.rs"]
mod locks;
#[path = "it/overdue.rs"]
mod overdue;

use contracts::Event;
use domain::{Fact, Shipment};
use messaging::BatchHandler;
use shipping_service::Dispatch;
use shop_testing::order;
use store::States;

use crate::fixture::{Fixture, SHIPPING};

/// Decisions need no database: the shipment's state alone says who wins.
#[test]
fn a_cancellation_and_a_dispatch_have_one_winner() {
    let order = order("product-00000", 1);
    let event = |fact| Event::new(fact, order.clone());
    let decide = |dispatch_first: bool| {
        let mut shipments: States<Shipment> =
            [(order.id, Shipment::Scheduled)].into_iter().collect();
        let mut facts = vec![];
        for dispatches in [dispatch_first, !dispatch_first] {
            let decided = if dispatches {
                Dispatch.decide(&mut shipments, event(Fact::ShipmentScheduled))
            } else {
                SHIPPING.decide(&mut shipments, event(Fact::CancelRequested))
            };
            facts.extend(decided.unwrap().map(|event| event.fact));
        }
        facts
    };

    assert_eq!(decide(true), [Fact::Dispatched, Fact::CancelRefused]);
    assert_eq!(decide(false), [Fact::ShipmentCancelled]);
}

#[tokio::test]
async fn a_reserved_order_is_scheduled_and_then_dispatched_once() {
    let mut shipping = Fixture::open().await;
    let order = order("product-00000", 1);

    shipping.receive(Fact::StockReserved, &order).await.unwrap();
    assert_eq!(shipping.shipment(&order).await, Some(Shipment::Scheduled));

    shipping
        .receive(Fact::ShipmentScheduled, &order)
        .await
        .unwrap();
    shipping
        .receive(Fact::ShipmentScheduled, &order)
        .await
        .unwrap();
    assert_eq!(shipping.shipment(&order).await, Some(Shipment::Dispatched));
    assert_eq!(
        shipping.published().await,
        ["shipment_scheduled", "dispatched"]
    );
}

#[tokio::test]
async fn a_cancellation_within_the_window_keeps_the_parcel_here() {
    let mut shipping = Fixture::open().await;
    let order = order("product-00000", 1);
    shipping.receive(Fact::StockReserved, &order).await.unwrap();

    shipping
        .receive(Fact::CancelRequested, &order)
        .await
        .unwrap();
    shipping
        .receive(Fact::ShipmentScheduled, &order)
        .await
        .unwrap();

    assert_eq!(shipping.shipment(&order).await, Some(Shipment::Cancelled));
    assert_eq!(
        shipping.published().await,
        ["shipment_scheduled", "shipment_cancelled"]
    );
}

#[tokio::test]
async fn a_cancellation_after_the_dispatch_is_refused() {
    let mut shipping = Fixture::open().await;
    let order = order("product-00000", 1);
    shipping.receive(Fact::StockReserved, &order).await.unwrap();
    shipping
        .receive(Fact::ShipmentScheduled, &order)
        .await
        .unwrap();

    shipping
        .receive(Fact::CancelRequested, &order)
        .await
        .unwrap();

    assert_eq!(shipping.shipment(&order).await, Some(Shipment::Dispatched));
    let expected = ["shipment_scheduled", "dispatched", "cancel_refused"];
    assert_eq!(shipping.published().await, expected);
}

#[tokio::test]
async fn an_order_that_was_cancelled_first_is_never_shipped() {
    let mut shipping = Fixture::open().await;
    let order = order("product-00000", 1);

    shipping
        .receive(Fact::CancelRequested, &order)
        .await
        .unwrap();
    shipping.receive(Fact::StockReserved, &order).await.unwrap();

    assert_eq!(shipping.shipment(&order).await, Some(Shipment::Cancelled));
    assert_eq!(shipping.published().await, ["shipment_cancelled"]);
}

#[tokio::test]
async fn a_reservation_that_comes_again_is_answered_with_what_was_decided() {
    let check = async |then: Option<Fact>, expected: &str| {
        let mut shipping = Fixture::open().await;
        let order = order("product-00000", 1);
        shipping.receive(Fact::StockReserved, &order).await.unwrap();
        if let Some(then) = then {
            shipping.receive(then, &order).await.unwrap();
        }
        let unsent = "delete from outbox";
        let db = &mut shipping.database.connection;
        sqlx::query(unsent).execute(db).await.unwrap();

        shipping.receive(Fact::StockReserved, &order).await.unwrap();

        assert_eq!(shipping.published().await, [expected], "after {then:?}");
    };

    check(None, "shipment_scheduled").await;
    check(Some(Fact::ShipmentScheduled), "dispatched").await;
    check(Some(Fact::CancelRequested), "shipment_cancelled").await;
}

#[tokio::test]
async fn an_event_that_shipping_does_not_handle_is_rejected() {
    let shipping = Fixture::open().await;
    let fault = shipping
        .receive(Fact::OrderPlaced, &order("product-00000", 1))
        .await
        .unwrap_err();
    assert!(
        fault.reason().contains("no use for order_placed"),
        "{fault:?}"
    );
}
