//! One transaction that hangs with the stock of a product.

use std::time::Duration;

use futures::future::join_all;
use sandbox::testing::until;

use crate::shop::{BOTH, Kind, Shop, id_of};

#[tokio::test]
async fn a_held_product_does_not_block_the_others() {
    for kind in BOTH {
        let shop = Shop::start(kind, 8, Duration::from_secs(10)).await;
        let token = shop.register("ada@example.org").await.unwrap();
        let mut holder = shop.database.connect().await.unwrap();
        let hold = "begin; update stock set reserved = reserved where sku = 'product-00000'";
        sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();

        let held = (0..24).map(|n| shop.order(&token, 0, &format!("held-{n}")).send());
        let others = async {
            let waiting = "select count(*) from pg_locks where not granted";
            until("an order waits", async || shop.count(waiting).await > 0).await;
            let mut placed = vec![];
            for n in 1..10 {
                let read = shop.status(&format!("/products/product-{n:05}")).await;
                assert_eq!(read, 200, "{kind:?}: products are read");
                let order = shop.order(&token, n, &format!("other-{n}")).send().await;
                placed.push(id_of(order.unwrap()).await);
            }
            for order in placed {
                shop.dispatched(order).await;
            }
        };
        let (held, ()) = tokio::join!(join_all(held), others);
        for answer in held {
            let answer = answer.unwrap();
            let again = answer.headers().contains_key("retry-after");
            match kind {
                Kind::Monolith => assert_eq!((answer.status().as_u16(), again), (503, true)),
                // Its stock is reserved later.
                Kind::Services => assert_eq!(answer.status(), 201),
            }
        }

        sqlx::raw_sql("rollback")
            .execute(&mut holder)
            .await
            .unwrap();
        let order = id_of(shop.order(&token, 0, "after").send().await.unwrap()).await;
        shop.dispatched(order).await;
    }
}
