//! The sequence in which rows are locked.
// Nothing cancels a test, so it may begin as sqlx does.
#![allow(clippy::disallowed_methods)]

use contracts::Event;
use domain::{Fact, Order};
use sandbox::testing::until;
use shop_testing::order;
use sqlx::Connection;
use store::shipping;

use crate::fixture::{Fixture, SHIPPING};

#[tokio::test]
async fn cancellations_that_come_together_lock_their_shipments_as_a_dispatch_does() {
    let shipping = Fixture::open().await;
    let (lower, higher) = (order("product-00000", 1), order("product-00000", 1));
    assert!(lower.id < higher.id);
    for order in [&lower, &higher] {
        shipping.receive(Fact::StockReserved, order).await.unwrap();
    }
    // A dispatch that has begun with the lower one.
    let mut other = shipping.database.connect().await;
    let mut dispatching = other.begin().await.unwrap();
    shipping::lock(&mut dispatching, [lower.id]).await.unwrap();

    let cancel = |order: &Order| Event::new(Fact::CancelRequested, order.clone());
    let events = vec![cancel(&higher), cancel(&lower)];
    let mut watch = shipping.database.connect().await;
    let cancelling = async {
        shipping.database.handle(&SHIPPING, events).await.unwrap();
    };
    let dispatch = async {
        let waits = "select exists (select from pg_locks where not granted)";
        let is_waiting = async || {
            let waits = sqlx::query_scalar(waits).fetch_one(&mut watch);
            waits.await.unwrap()
        };
        until("the cancellations wait", is_waiting).await;
        // Held by the cancellations, this would be a circle.
        shipping::lock(&mut dispatching, [higher.id]).await.unwrap();
        dispatching.commit().await.unwrap();
    };
    tokio::join!(cancelling, dispatch);
}
