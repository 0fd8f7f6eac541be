//! When facts happened, and when they were recorded.

use sqlx::types::time::OffsetDateTime;

use super::*;

async fn history(db: &mut PgConnection, order: &Order) -> Vec<Fact> {
    let known = orders::history(db, order.id).await.unwrap();
    known.iter().map(|known| known.fact).collect()
}

#[tokio::test]
async fn a_history_is_in_the_order_in_which_facts_happened() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let order = shop.placed(&mut db).await;
    let at = |seconds: i64| OffsetDateTime::from_unix_timestamp(1_700_000_000 + seconds).unwrap();
    let heard = [
        (Fact::OrderPlaced, at(0)),
        (Fact::ShipmentScheduled, at(3)),
        (Fact::StockReserved, at(2)),
        (Fact::PaymentAuthorized, at(1)),
    ];
    for (fact, happened_at) in heard {
        let fact = (order.id, fact, happened_at);
        orders::record_at(&mut db, [fact]).await.unwrap();
    }

    let happened = [
        Fact::OrderPlaced,
        Fact::PaymentAuthorized,
        Fact::StockReserved,
        Fact::ShipmentScheduled,
    ];
    assert_eq!(history(&mut db, &order).await, happened);
    let known = orders::history(&mut db, order.id).await.unwrap();
    for (n, known) in known.iter().enumerate() {
        assert_eq!(known.happened_at, at(n as i64));
        assert!(known.recorded_at > known.happened_at);
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
    orders::record(&mut db, cancelled.map(|fact| (order.id, fact)))
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
    let known = orders::history(&mut db, order.id).await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].happened_at, known[0].recorded_at);
}
