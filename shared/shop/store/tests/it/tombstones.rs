//! A tombstone and a payment have the same key, so only one of them is inserted.

use super::*;

#[tokio::test]
async fn an_order_has_a_payment_or_a_tombstone_and_the_first_stays() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let (paid, orphan) = (shop.order(&[(0, 1)]), shop.order(&[(0, 1)]));

    let new = payments::insert(&mut db, [(&paid, Payment::Authorized)]);
    assert_eq!(new.await.unwrap(), [paid.id].into());
    let late = payments::insert_tombstone(&mut db, paid.id).await;
    assert!(!late.unwrap());

    let early = payments::insert_tombstone(&mut db, orphan.id).await;
    assert!(early.unwrap());
    let again = payments::insert_tombstone(&mut db, orphan.id).await;
    assert!(!again.unwrap());
    let late = payments::insert(&mut db, [(&orphan, Payment::Authorized)]);
    assert_eq!(late.await.unwrap(), [].into());
    let due = payments::due(&mut db, 10).await.unwrap();
    assert_eq!(due, [(orphan.id, Payment::VoidDue)]);
}

#[tokio::test]
async fn an_open_transaction_holds_its_order_and_no_other() {
    let shop = Shop::open().await;
    let (mut one, mut two) = (shop.connect().await, shop.connect().await);
    let (open, other) = (shop.order(&[(0, 1)]), shop.order(&[(0, 1)]));
    let mut placing = one.begin().await.unwrap();
    payments::insert(&mut placing, [(&open, Payment::Authorized)])
        .await
        .unwrap();

    let mut tx = two.begin().await.unwrap();
    let held = payments::insert_tombstone(&mut tx, open.id).await;
    assert!(payments::is_held(&held.unwrap_err()));
    tx.rollback().await.unwrap();

    let mut tx = two.begin().await.unwrap();
    let free = payments::insert_tombstone(&mut tx, other.id).await;
    assert!(free.unwrap());
    tx.rollback().await.unwrap();
    placing.rollback().await.unwrap();
    let free = payments::insert_tombstone(&mut two, open.id).await;
    assert!(free.unwrap());
}
