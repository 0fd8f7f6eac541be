//! Requests that are dropped while they begin a transaction.

use std::time::Duration;

use futures::future::join_all;
use sandbox::testing::until;

use crate::shop::{BOTH, CONNECTIONS, Kind, Shop, count, id_of};

#[tokio::test]
async fn clients_that_leave_while_begin_waits_lose_no_answered_write() {
    for kind in BOTH {
        let shop = Shop::start(kind, CONNECTIONS, Duration::from_secs(10)).await;
        dropped_while_begin_waits(kind, shop, Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn requests_that_time_out_while_begin_waits_lose_no_answered_write() {
    for kind in BOTH {
        let shop = Shop::start(kind, CONNECTIONS, Duration::from_secs(1)).await;
        dropped_while_begin_waits(kind, shop, Duration::from_secs(60)).await;
    }
}

/// Four orders whose `begin` is answered 2 s late, and whose clients wait for `client_timeout`.
async fn dropped_while_begin_waits(kind: Kind, shop: Shop, client_timeout: Duration) {
    let token = shop.register("first@example.org").await.unwrap();
    shop.proxy.delay_answer("begin", Duration::from_secs(2));
    let places = (0..CONNECTIONS as usize).map(|n| {
        let order = shop.order(&token, n, &n.to_string());
        order.timeout(client_timeout).send()
    });
    for answer in join_all(places).await {
        let answered = answer.map(|answer| answer.status().as_u16());
        assert!(!matches!(answered, Ok(201)), "{kind:?}: {answered:?}");
    }
    // They come to nothing by and by, and then all is well again.
    until("all begins are answered", async || shop.proxy.held() == 0).await;
    shop.proxy.heal();
    until("no transaction is open", async || {
        shop.in_transaction().await == 0
    })
    .await;

    let mut customers = 1;
    for n in 0..20 {
        let email = format!("{n}@example.org");
        customers += i64::from(shop.register(&email).await.is_some());
    }
    assert_eq!(customers, 21, "{kind:?}: all are registered");
    let order = id_of(shop.order(&token, 9, "after").send().await.unwrap()).await;
    shop.dispatched(order).await;
    let (database, _proxy) = shop.stop().await;
    let kept = count(&database, "select count(*) from customers").await;
    assert_eq!(
        kept, customers,
        "{kind:?}: acknowledged, and gone after a stop"
    );
}
