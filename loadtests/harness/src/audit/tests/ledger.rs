//! Differences between the ledger and the shop that break no promise.

use domain::Payment;
use uuid::Uuid;

use super::super::{LedgerEntry, Snapshot, audit};
use super::{CANCELLED, CONFIRMED, broken, sent, shop, snapshot};

/// A customer may cancel before the payment is authorized. The provider may also have authorized it
/// in a call whose answer was lost: the void ends that, and the next call is declined.
#[tokio::test]
async fn an_order_that_was_voided_before_it_was_declined_moved_no_money() {
    let database = sandbox::testing::database("audit").await;
    let mut connection = database.connect().await.unwrap();
    shop(&mut connection).await;
    let mut snapshot = snapshot(&mut connection).await;
    snapshot.payments.get_mut(&CANCELLED).unwrap().state = Payment::Declined;
    let passes =
        |snapshot: &Snapshot| broken(&audit(snapshot, &[CONFIRMED].map(sent), 0)).is_empty();
    assert!(passes(&snapshot));
    snapshot.ledger[2].authorization = None;
    assert!(passes(&snapshot));
    snapshot.ledger[2].status = "authorized".to_owned();
    assert!(
        !passes(&snapshot),
        "the provider holds money that the shop has no record of"
    );
}

#[tokio::test]
async fn an_authorization_without_an_order_is_allowed_only_where_orders_failed() {
    let database = sandbox::testing::database("audit").await;
    let mut connection = database.connect().await.unwrap();
    shop(&mut connection).await;
    let mut snapshot = snapshot(&mut connection).await;
    let orphan = LedgerEntry {
        order_id: Uuid::from_u128(9),
        ..snapshot.ledger[0].clone()
    };
    snapshot.ledger.push(orphan);
    let passes = |failed| broken(&audit(&snapshot, &[CONFIRMED].map(sent), failed)).is_empty();
    assert!(!passes(0));
    assert!(passes(1));
}

#[tokio::test]
async fn a_tombstone_of_an_order_that_was_voided_first_holds_nothing() {
    let database = sandbox::testing::database("audit").await;
    let mut connection = database.connect().await.unwrap();
    shop(&mut connection).await;
    let order = domain::OrderId(Uuid::from_u128(9));
    store::payments::insert_tombstone(&mut connection, order)
        .await
        .unwrap();
    let mut snapshot = snapshot(&mut connection).await;
    snapshot.ledger.push(LedgerEntry {
        order_id: order.0,
        status: "voided".to_owned(),
        ..snapshot.ledger[0].clone()
    });
    let passes =
        |snapshot: &Snapshot| broken(&audit(snapshot, &[CONFIRMED].map(sent), 0)).is_empty();
    assert!(!passes(&snapshot), "the provider has not voided it yet");
    snapshot.payments.get_mut(&order.0).unwrap().state = Payment::Voided;
    assert!(passes(&snapshot));
    snapshot.payments.get_mut(&order.0).unwrap().amount_minor = 1_000;
    assert!(!passes(&snapshot), "an order is lost");
}
