//! Payments.

use super::*;

#[tokio::test]
async fn an_order_has_one_payment_and_what_is_due_is_found() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let (order, other) = (shop.order(&[(0, 1)]), shop.order(&[(0, 1)]));

    let new = payments::insert(&mut db, [(&order, Payment::Authorized)]);
    assert_eq!(new.await.unwrap(), [order.id].into());
    let again = payments::insert(&mut db, [(&order, Payment::Declined)]);
    assert_eq!(again.await.unwrap(), [].into());
    assert_eq!(payments::due(&mut db, 10).await.unwrap(), []);

    let payment = payments::lock(&mut db, [order.id]).await.unwrap()[&order.id];
    payments::save(&mut db, [(order.id, payment.capture().unwrap())])
        .await
        .unwrap();
    let due = [(order.id, Payment::CaptureDue)];
    assert_eq!(payments::due(&mut db, 10).await.unwrap(), due);

    let stale = (order.id, Payment::VoidDue, Payment::Voided);
    payments::finish(&mut db, [stale]).await.unwrap();
    assert_eq!(payments::due(&mut db, 10).await.unwrap(), due);
    let captured = (order.id, Payment::CaptureDue, Payment::Captured);
    payments::finish(&mut db, [captured]).await.unwrap();
    assert_eq!(payments::due(&mut db, 10).await.unwrap(), []);
    assert_eq!(
        payments::lock(&mut db, [order.id, other.id]).await.unwrap(),
        [(order.id, Payment::Captured)].into()
    );

    let existing = payments::existing(&mut db, &[other.id, order.id])
        .await
        .unwrap();
    assert_eq!(existing, [order.id]);
}

#[tokio::test]
async fn a_payment_that_is_postponed_makes_room_for_the_next() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let (first, second) = (shop.order(&[(0, 1)]), shop.order(&[(0, 1)]));
    for order in [&first, &second] {
        let due = payments::insert(&mut db, [(order, Payment::CaptureDue)]);
        due.await.unwrap();
    }
    let due = payments::due(&mut db, 1).await.unwrap();
    assert_eq!(due, [(first.id, Payment::CaptureDue)]);

    payments::postpone(&mut db, [first.id]).await.unwrap();

    let due = payments::due(&mut db, 1).await.unwrap();
    assert_eq!(due, [(second.id, Payment::CaptureDue)]);
}
