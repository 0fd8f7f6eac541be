//! How a confirmed order ends: dispatched or cancelled.

use std::time::Duration;

use domain::{Fact, Status};
use monolith::cancel_order::cancel_order;
use monolith::dispatch::dispatch_due;
use monolith::payment_due::send_due;
use payment_provider as provider;

use crate::fixture::{Fixture, LONG, order};

#[tokio::test]
async fn what_is_due_is_dispatched_and_captured_once() {
    let fixture = Fixture::open(Duration::ZERO).await;
    let placed = fixture.place(order()).await;

    // Two replicas look at the same time: one of them gets the row.
    let (one, two) = tokio::join!(dispatch_due(&fixture.shop), dispatch_due(&fixture.shop));
    assert_eq!(one.unwrap() + two.unwrap(), 1);
    send_due(&fixture.shop).await.unwrap();

    assert_eq!(fixture.record(&placed).await.status(), Status::Dispatched);
    assert_eq!(
        fixture.money(&placed.order),
        Some(provider::Status::Captured)
    );
}

#[tokio::test]
async fn a_cancelled_order_leaves_no_money_and_no_stock_behind() {
    let fixture = Fixture::open(LONG).await;
    let placed = fixture.place(order()).await;

    cancel_order(&fixture.shop, &placed).await.unwrap().unwrap();
    cancel_order(&fixture.shop, &placed).await.unwrap().unwrap();
    send_due(&fixture.shop).await.unwrap();

    assert_eq!(fixture.record(&placed).await.status(), Status::Cancelled);
    assert_eq!(fixture.money(&placed.order), Some(provider::Status::Voided));
    assert_eq!(fixture.reserved().await, 0);
    assert_eq!(dispatch_due(&fixture.shop).await.unwrap(), 0);
}

#[tokio::test]
async fn either_the_dispatch_or_the_cancellation_wins() {
    let fixture = Fixture::open(Duration::ZERO).await;
    for _ in 0..20 {
        let placed = fixture.place(order()).await;
        let (dispatched, cancelled) = tokio::join!(
            dispatch_due(&fixture.shop),
            cancel_order(&fixture.shop, &placed)
        );
        let (dispatched, cancelled) = (dispatched.unwrap(), cancelled.unwrap());
        // A cancellation that holds the row makes the dispatch skip it, not wait for it.
        assert_ne!(dispatched == 1, cancelled.is_ok());

        send_due(&fixture.shop).await.unwrap();
        let record = fixture.record(&placed).await;
        assert!(record.facts.has(Fact::CancelRequested));
        let expected = match cancelled {
            Ok(()) => (Status::Cancelled, provider::Status::Voided),
            Err(_) => (Status::Dispatched, provider::Status::Captured),
        };
        assert_eq!(
            (record.status(), fixture.money(&placed.order).unwrap()),
            expected
        );
    }
}
