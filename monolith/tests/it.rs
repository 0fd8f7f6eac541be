//! The monolith's promises, with a real Postgres and a provider that can fail.
#![allow(clippy::unwrap_used)]

#[path = "it/ends.rs"]
mod ends;
#[path = "it/fixture.rs"]
mod fixture;
#[path = "it/late_commits.rs"]
mod late_commits;
#[path = "it/overload.rs"]
mod overload;
#[path = "it/refusals.rs"]
mod refusals;

use std::time::Duration;

use domain::{Order, Status};
use monolith::Error;
use monolith::payment_due::send_due;
use monolith::place_order::place_order;
use monolith::sweep::sweep;
use payment_provider as provider;
use shop_testing::order_paid_with;
use store::seed;

use crate::fixture::{Fixture, LONG, key, order};

#[tokio::test]
async fn a_confirmed_order_has_its_money_its_stock_and_its_shipment() {
    let fixture = Fixture::open(LONG).await;
    let placed = fixture.place(order()).await;

    assert_eq!(placed.status(), Status::Confirmed);
    assert_eq!(fixture.record(&placed).await, placed);
    assert_eq!(
        fixture.money(&placed.order),
        Some(provider::Status::Authorized)
    );
    assert_eq!(fixture.reserved().await, 2);
    assert_eq!(fixture.count("select count(*) from shipments").await, 1);
}

#[tokio::test]
async fn a_declined_order_takes_nothing() {
    let fixture = Fixture::open(LONG).await;
    let placed = fixture
        .place(order_paid_with("tok_declined", "product-00000", 2))
        .await;

    assert_eq!(placed.status(), Status::Cancelled);
    assert_eq!(
        fixture.money(&placed.order),
        Some(provider::Status::Declined)
    );
    assert_eq!(fixture.reserved().await, 0);
    assert_eq!(fixture.count("select count(*) from shipments").await, 0);
}

#[tokio::test]
async fn what_is_out_of_stock_is_not_paid_for() {
    let fixture = Fixture::open(LONG).await;
    let placed = fixture.place(shop_testing::order(seed::SOLD_OUT, 2)).await;
    assert_eq!(placed.status(), Status::Cancelled);
    assert_eq!(
        fixture.money(&placed.order),
        Some(provider::Status::Authorized)
    );

    assert_eq!(send_due(&fixture.shop).await.unwrap(), 1);
    assert_eq!(fixture.money(&placed.order), Some(provider::Status::Voided));
    assert_eq!(send_due(&fixture.shop).await.unwrap(), 0);
}

#[tokio::test]
async fn the_loser_of_two_requests_with_one_key_voids_its_payment() {
    let fixture = Fixture::open(LONG).await;
    let first = fixture.place(order()).await;
    let customer = first.order.customer;
    let second = Order {
        customer,
        ..order()
    };

    let lost = place_order(&fixture.shop, second.clone(), &key("once"))
        .await
        .unwrap();

    assert_eq!(lost, None);
    assert_eq!(
        fixture.money(&first.order),
        Some(provider::Status::Authorized)
    );
    fixture
        .until_money_is(&second, provider::Status::Voided)
        .await;
    assert_eq!(fixture.count("select count(*) from orders").await, 1);
}

#[tokio::test]
async fn an_authorization_that_no_order_owns_is_swept_and_no_other() {
    let fixture = Fixture::open(LONG).await;
    let owned = fixture.place(order()).await;
    // As if the process had died between the provider's answer and the commit.
    let orphan = order();
    fixture.shop.provider.authorize(&orphan).await.unwrap();

    assert_eq!(sweep(&fixture.shop, LONG).await.unwrap(), 0);
    assert_eq!(fixture.money(&orphan), Some(provider::Status::Authorized));
    assert_eq!(sweep(&fixture.shop, Duration::ZERO).await.unwrap(), 1);
    send_due(&fixture.shop).await.unwrap();
    assert_eq!(fixture.money(&orphan), Some(provider::Status::Voided));
    assert_eq!(
        fixture.money(&owned.order),
        Some(provider::Status::Authorized)
    );
}

#[tokio::test]
async fn a_failed_transaction_voids_the_payment_and_leaves_nothing() {
    let fixture = Fixture::open(LONG).await;
    sqlx::query("drop table shipments")
        .execute(&fixture.shop.db)
        .await
        .unwrap();
    let order = order();

    let failed = place_order(&fixture.shop, order.clone(), &key("once")).await;

    assert!(matches!(failed, Err(Error::Database(_))));
    fixture
        .until_money_is(&order, provider::Status::Voided)
        .await;
    assert_eq!(fixture.count("select count(*) from orders").await, 0);
    assert_eq!(fixture.reserved().await, 0);
}

#[tokio::test]
async fn a_provider_that_fails_leaves_no_order_and_keeps_no_money() {
    let fixture = Fixture::open(LONG).await;
    fixture.fails(1.0);

    let order = order();
    let refused = place_order(&fixture.shop, order.clone(), &key("once")).await;
    fixture.fails(0.0);

    assert!(matches!(refused, Err(Error::Provider(_))));
    assert_eq!(fixture.count("select count(*) from orders").await, 0);
    // One of the attempts may have done its work before it failed.
    fixture
        .until_money_is(&order, provider::Status::Voided)
        .await;
}
