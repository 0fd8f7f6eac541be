//! The store's functions on a real Postgres, with one database per test.
// Nothing cancels a test, so it may begin as sqlx does.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::time::Duration;

use domain::{
    CustomerId, Fact, Facts, Line, Lines, Order, OrderId, Payment, PaymentMethod, Product,
    Quantity, Reservation, Shipment, Sku, Status,
};
use sandbox::postgres::Lease;
use sandbox::testing;
use sqlx::types::JsonValue;
use sqlx::{Connection, PgConnection};
use store::orders::Idempotency;
use store::{Context, catalogue, facts, inventory, orders, payments, seed, shipping};

#[path = "it/accounts.rs"]
mod accounts;
#[path = "it/history.rs"]
mod history;
#[path = "it/order_rows.rs"]
mod order_rows;
#[path = "it/payment_rows.rs"]
mod payment_rows;
#[path = "it/stock_rows.rs"]
mod stock_rows;
#[path = "it/tombstones.rs"]
mod tombstones;

const WINDOW: Duration = Duration::from_secs(60);

/// A database with the tables of every context and three products, 10 pieces of each.
struct Shop {
    database: Lease,
    products: Vec<Product>,
}

impl Shop {
    async fn open() -> Shop {
        let database = testing::database("store").await;
        let mut db = connect(&database).await;
        for context in Context::ALL {
            context.migrations().run(&mut db).await.unwrap();
        }
        let products = seed::products(3);
        catalogue::offer(&mut db, &products).await.unwrap();
        let shelf = products.iter().map(|product| (&product.sku, 10));
        inventory::restock(&mut db, shelf).await.unwrap();
        Shop { database, products }
    }

    async fn connect(&self) -> PgConnection {
        connect(&self.database).await
    }

    /// An order of these products, by number, each with a quantity.
    fn order(&self, items: &[(usize, i64)]) -> Order {
        let line = |(n, quantity): &(usize, i64)| Line {
            sku: self.products[*n].sku.clone(),
            quantity: Quantity::new(*quantity).unwrap(),
            unit_price: self.products[*n].unit_price,
        };
        let lines = Lines::new(items.iter().map(line).collect()).unwrap();
        Order::place(
            CustomerId::new(),
            lines,
            PaymentMethod::parse("tok_ok").unwrap(),
        )
        .unwrap()
    }

    async fn placed(&self, db: &mut PgConnection) -> Order {
        let order = self.order(&[(0, 1)]);
        orders::insert(db, order.clone(), &key("first"), &[])
            .await
            .unwrap()
            .unwrap();
        order
    }

    async fn level(&self, db: &mut PgConnection, n: usize) -> (i64, i64) {
        let sku = self.products[n].sku.as_str();
        sqlx::query_as("select available, reserved from stock where sku = $1")
            .bind(sku)
            .fetch_one(db)
            .await
            .unwrap()
    }
}

async fn connect(database: &Lease) -> PgConnection {
    PgConnection::connect(&database.url).await.unwrap()
}

fn key(key: &str) -> Idempotency {
    Idempotency {
        key: key.to_owned(),
        request: JsonValue::String(key.to_owned()),
    }
}

#[tokio::test]
async fn products_are_listed_found_and_repriced() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let [first, second, ..] = &shop.products[..] else {
        panic!()
    };

    let page = catalogue::list(&mut db, Some(&first.sku), 1).await.unwrap();
    assert_eq!(page, std::slice::from_ref(second));

    let unknown = Sku::parse("unheard-of").unwrap();
    let found = catalogue::find(&mut db, [&unknown, &first.sku])
        .await
        .unwrap();
    assert_eq!(found, std::slice::from_ref(first));

    let unit_price = first.unit_price.plus(first.unit_price).unwrap();
    let dearer = Product {
        unit_price,
        ..first.clone()
    };
    catalogue::offer(&mut db, std::slice::from_ref(&dearer))
        .await
        .unwrap();
    assert_eq!(
        catalogue::find(&mut db, [&first.sku]).await.unwrap(),
        [dearer]
    );
}

#[tokio::test]
async fn a_shipment_is_due_when_its_window_has_ended_and_to_one_replica() {
    let shop = Shop::open().await;
    let (mut one, mut two) = (shop.connect().await, shop.connect().await);
    let (now, later) = (OrderId::new(), OrderId::new());
    for (order, window) in [(now, Duration::ZERO), (later, WINDOW)] {
        let new = shipping::insert(&mut one, [order], Shipment::Scheduled, window);
        assert_eq!(new.await.unwrap(), [order].into());
    }
    let again = shipping::insert(&mut one, [now], Shipment::Cancelled, WINDOW);
    assert_eq!(again.await.unwrap(), [].into());

    let mut tx = one.begin().await.unwrap();
    let due = [(now, Shipment::Scheduled)].into();
    assert_eq!(shipping::lock_due(&mut tx, 10).await.unwrap(), due);
    let none = [].into();
    assert_eq!(shipping::lock_due(&mut two, 10).await.unwrap(), none);
    shipping::save(&mut tx, [(now, Shipment::Dispatched)])
        .await
        .unwrap();
    tx.commit().await.unwrap();

    assert_eq!(shipping::lock_due(&mut two, 10).await.unwrap(), none);
    assert_eq!(
        shipping::lock(&mut two, [now]).await.unwrap(),
        [(now, Shipment::Dispatched)].into()
    );
}

#[tokio::test]
async fn a_context_runs_in_a_database_of_its_own() {
    for context in Context::ALL {
        let database = testing::database("context").await;
        let mut db = connect(&database).await;
        context.migrations().run(&mut db).await.unwrap();
    }
}
