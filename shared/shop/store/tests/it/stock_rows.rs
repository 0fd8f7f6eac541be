//! Stock levels and reservations.

use super::*;

#[tokio::test]
async fn stock_moves_between_available_and_reserved() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let order = shop.order(&[(0, 4), (1, 1)]);

    let mut stock = inventory::lock(&mut db, &order.lines).await.unwrap();
    assert_eq!(stock.reserve(&order), Reservation::Held);
    inventory::save(&mut db, &stock).await.unwrap();
    assert_eq!(shop.level(&mut db, 0).await, (6, 4));
    assert_eq!(shop.level(&mut db, 1).await, (9, 1));
    assert_eq!(shop.level(&mut db, 2).await, (10, 0));

    let mut stock = inventory::lock_orders(&mut db, [&order]).await.unwrap();
    stock.release(&order);
    inventory::save(&mut db, &stock).await.unwrap();
    assert_eq!(shop.level(&mut db, 0).await, (10, 0));
}

#[tokio::test]
async fn the_schema_refuses_negative_stock() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let sold = sqlx::query("update stock set available = available - 11")
        .execute(&mut db)
        .await;
    let error = sold.unwrap_err();
    let constraint = error
        .as_database_error()
        .and_then(|error| error.constraint());
    assert_eq!(constraint, Some("stock_never_negative"));
}

#[tokio::test]
async fn orders_of_the_same_products_never_wait_in_a_circle() {
    let shop = Shop::open().await;
    let (one, two) = (shop.order(&[(0, 1), (1, 1)]), shop.order(&[(1, 1), (0, 1)]));

    let reserve = async |order: &Order| {
        let mut db = shop.connect().await;
        for _ in 0..50 {
            let mut tx = db.begin().await.unwrap();
            let mut stock = inventory::lock(&mut tx, &order.lines).await.unwrap();
            assert_eq!(stock.reserve(order), Reservation::Held);
            stock.release(order);
            inventory::save(&mut tx, &stock).await.unwrap();
            tx.commit().await.unwrap();
        }
    };
    tokio::join!(reserve(&one), reserve(&two));
    assert_eq!(shop.level(&mut shop.connect().await, 0).await, (10, 0));
}

#[tokio::test]
async fn an_order_has_one_reservation_of_its_lines() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let (order, other) = (shop.order(&[(0, 1), (2, 3)]), shop.order(&[(1, 11)]));

    // One order twice, as when two events in a batch are about it.
    let orders = [&order, &order, &other];
    let mut stock = inventory::lock_orders(&mut db, orders).await.unwrap();
    for order in orders {
        stock.reserve(order);
    }
    inventory::save(&mut db, &stock).await.unwrap();
    let mut stock = inventory::lock_orders(&mut db, [&order]).await.unwrap();
    stock.release(&order);
    inventory::save(&mut db, &stock).await.unwrap();

    let mut found = inventory::lock_orders(&mut db, orders).await.unwrap();
    assert_eq!(found.reserve(&order), Reservation::Released);
    assert_eq!(found.reserve(&other), Reservation::Rejected);
    assert_eq!(found.decided().count(), 0, "both were decided before");
    let sql = "select skus, quantities from reservations where order_id = $1";
    let lines: (Vec<String>, Vec<i32>) = sqlx::query_as(sql)
        .bind(order.id.0)
        .fetch_one(&mut db)
        .await
        .unwrap();
    let skus = [0, 2].map(|n| shop.products[n].sku.to_string());
    assert_eq!(lines, (skus.to_vec(), vec![1, 3]));
}
