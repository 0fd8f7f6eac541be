//! When facts happened, and when they were recorded.

use sqlx::types::time::OffsetDateTime;

use super::*;

async fn history(db: &mut PgConnection, order: &Order) -> Vec<Fact> {
    let records = facts::history(db, order.id).await.unwrap();
    records.iter().map(|record| record.fact).collect()
}

#[tokio::test]
async fn a_history_is_in_the_order_in_which_facts_happened() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let order = shop.placed(&mut db).await;
    let at = |seconds: i64| OffsetDateTime::from_unix_timestamp(1_700_000_000 + seconds).unwrap();
    let received = [
        (Fact::OrderPlaced, at(0)),
        (Fact::ShipmentScheduled, at(3)),
        (Fact::StockReserved, at(2)),
        (Fact::PaymentAuthorized, at(1)),
    ];
    for (fact, happened_at) in received {
        let fact = (order.id, fact, happened_at);
        facts::record_at(&mut db, [fact]).await.unwrap();
    }

    let happened = [
        Fact::OrderPlaced,
        Fact::PaymentAuthorized,
        Fact::StockReserved,
        Fact::ShipmentScheduled,
    ];
    assert_eq!(history(&mut db, &order).await, happened);
    let records = facts::history(&mut db, order.id).await.unwrap();
    for (n, record) in records.iter().enumerate() {
        assert_eq!(record.happened_at, at(n as i64));
        assert!(record.recorded_at > record.happened_at);
    }
}

#[tokio::test]
async fn what_happens_together_is_in_the_order_of_causes() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let order = shop.order(&[(0, 1)]);
    // Neither of these is in alphabetical order.
    let placed = [
        Fact::StockRejected,
        Fact::PaymentAuthorized,
        Fact::OrderPlaced,
    ];
    orders::insert(&mut db, order.clone(), &key("first"), &placed)
        .await
        .unwrap();
    let cancelled = [Fact::CancelRefused, Fact::CancelRequested];
    facts::record(&mut db, cancelled.map(|fact| (order.id, fact)))
        .await
        .unwrap();

    let causes = [
        Fact::OrderPlaced,
        Fact::PaymentAuthorized,
        Fact::StockRejected,
        Fact::CancelRequested,
        Fact::CancelRefused,
    ];
    assert_eq!(history(&mut db, &order).await, causes);
}

#[tokio::test]
async fn what_an_older_version_has_recorded_happened_when_it_was_recorded() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let order = shop.placed(&mut db).await;
    sqlx::query("insert into order_facts (order_id, fact) values ($1, 'order_placed')")
        .bind(order.id.0)
        .execute(&mut db)
        .await
        .unwrap();
    let records = facts::history(&mut db, order.id).await.unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].happened_at, records[0].recorded_at);
}
