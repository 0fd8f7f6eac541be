use sandbox::postgres::Lease;
use sandbox::testing;
use sqlx::PgConnection;
use store::{Context, catalogue, inventory, seed};

/// A fresh database with the tables of these contexts.
pub async fn migrated(name: &str, contexts: impl IntoIterator<Item = Context>) -> Lease {
    let database = testing::database(name).await;
    let mut db = database.connect().await.unwrap();
    for context in contexts {
        context.migrations().run(&mut db).await.unwrap();
    }
    database
}

/// Offers `count` products with full shelves, and one that is sold out.
pub async fn offer(db: &mut PgConnection, count: usize) {
    let products = seed::products(count);
    catalogue::offer(db, &products).await.unwrap();
    let deliveries = seed::deliveries(&products);
    inventory::restock(db, deliveries).await.unwrap();
}
