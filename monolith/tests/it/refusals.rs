//! A call that the provider refuses for good ends in a state that people see, and is not repeated.

use std::time::Duration;

use domain::Payment;
use monolith::dispatch::dispatch_due;
use monolith::payment_due::send_due;
use monolith::sweep::sweep;

use crate::fixture::{Fixture, LONG, order};

#[tokio::test]
async fn a_capture_that_is_refused_for_good_ends_and_is_not_sent_again() {
    let fixture = Fixture::open(Duration::ZERO).await;
    let placed = fixture.place(order()).await;
    dispatch_due(&fixture.shop).await.unwrap();
    // Behind our back: a person at the provider, or the end of the authorization.
    fixture.shop.provider.void(placed.order.id).await.unwrap();

    send_due(&fixture.shop).await.unwrap();

    assert_eq!(fixture.payment(&placed.order).await, Some(Payment::Refused));
    assert_eq!(send_due(&fixture.shop).await.unwrap(), 0);
    let due = "select count(*) from payments where state like '%_due'";
    assert_eq!(fixture.count(due).await, 0);
}

#[tokio::test]
async fn a_void_that_is_refused_for_good_does_not_hold_up_other_orphans() {
    let fixture = Fixture::open(LONG).await;
    let (captured, orphan) = (order(), order());
    for order in [&captured, &orphan] {
        fixture.shop.provider.authorize(order).await.unwrap();
    }
    assert_eq!(sweep(&fixture.shop, Duration::ZERO).await.unwrap(), 2);
    fixture.shop.provider.capture(captured.id).await.unwrap();

    send_due(&fixture.shop).await.unwrap();

    assert_eq!(fixture.payment(&captured).await, Some(Payment::Refused));
    assert_eq!(fixture.payment(&orphan).await, Some(Payment::Voided));
}

#[tokio::test]
async fn a_provider_that_fails_for_now_is_called_again() {
    let fixture = Fixture::open(Duration::ZERO).await;
    let placed = fixture.place(order()).await;
    dispatch_due(&fixture.shop).await.unwrap();
    fixture.fails(1.0);
    send_due(&fixture.shop).await.unwrap();
    let payment = fixture.payment(&placed.order).await;
    assert_eq!(payment, Some(Payment::CaptureDue));

    fixture.fails(0.0);
    assert_eq!(send_due(&fixture.shop).await.unwrap(), 1);
    let payment = fixture.payment(&placed.order).await;
    assert_eq!(payment, Some(Payment::Captured));
}
