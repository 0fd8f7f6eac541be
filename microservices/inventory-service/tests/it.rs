//! Inventory's handling of each event, on a real Postgres.
// Nothing cancels a test, so it may begin as sqlx does.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use contracts::Event;
use domain::{
    CustomerId, Fact, Line, Lines, Order, PaymentMethod, Product, Quantity, Stock, StockLevel,
};
use inventory_service::handlers::Inventory;
use messaging::{BatchHandler, Outbox};
use sandbox::postgres::Lease;
use sandbox::testing;
use sqlx::{Connection, PgConnection};
use store::{inventory, seed};

struct Fixture {
    db: PgConnection,
    outbox: Outbox,
    products: Vec<Product>,
    _database: Lease,
}

impl Fixture {
    /// Ten pieces of the first product, none of the last.
    async fn open() -> Fixture {
        let database = testing::database("inventory").await;
        let mut db = PgConnection::connect(&database.url).await.unwrap();
        store::Context::Inventory
            .migrations()
            .run(&mut db)
            .await
            .unwrap();
        messaging::migrations().run(&mut db).await.unwrap();
        let products = seed::products(1);
        inventory::restock(&mut db, [(&products[0].sku, 10)])
            .await
            .unwrap();
        Fixture {
            outbox: Outbox::new(&database.pool().await.unwrap()),
            db,
            products,
            _database: database,
        }
    }

    fn order(&self, product: usize, quantity: i64) -> Order {
        order(&self.products[product], quantity)
    }

    async fn hear(&mut self, fact: Fact, order: &Order) {
        let mut tx = self.outbox.begin().await.unwrap();
        let events = vec![Event::new(fact, order.clone())];
        messaging::handle_batch(&Inventory, &mut tx, events)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    async fn level(&mut self) -> (i64, i64) {
        let sql = "select available, reserved from stock";
        sqlx::query_as(sql).fetch_one(&mut self.db).await.unwrap()
    }

    /// The facts that were told, each with its queue.
    async fn told(&mut self) -> Vec<(String, String)> {
        let sql = "select body::jsonb ->> 'fact' as fact, queue from outbox order by position";
        sqlx::query_as(sql).fetch_all(&mut self.db).await.unwrap()
    }
}

fn order(product: &Product, quantity: i64) -> Order {
    let line = Line {
        sku: product.sku.clone(),
        quantity: Quantity::new(quantity).unwrap(),
        unit_price: product.unit_price,
    };
    let method = PaymentMethod::parse("tok_ok").unwrap();
    Order::place(CustomerId::new(), Lines::new(vec![line]).unwrap(), method).unwrap()
}

fn told(fact: &str, queues: &[&str]) -> Vec<(String, String)> {
    queues
        .iter()
        .map(|queue| (fact.to_owned(), (*queue).to_owned()))
        .collect()
}

/// Decisions need no database: here two orders of one batch want the last pieces.
#[test]
fn of_two_orders_for_the_last_pieces_the_first_is_reserved() {
    let product = seed::products(1).remove(0);
    let level = StockLevel {
        available: 4,
        reserved: 0,
    };
    let mut stock: Stock = [(product.sku.clone(), level)].into_iter().collect();
    let mut decide = |order: &Order| {
        let paid = Event::new(Fact::PaymentAuthorized, order.clone());
        let decided = Inventory.decide(&mut stock, paid).unwrap();
        decided.map(|event| event.fact)
    };
    let (first, second) = (order(&product, 3), order(&product, 3));

    assert_eq!(decide(&first), Some(Fact::StockReserved));
    assert_eq!(decide(&second), Some(Fact::StockRejected));
    assert_eq!(decide(&first), Some(Fact::StockReserved), "decided once");
}

#[tokio::test]
async fn a_paid_order_is_reserved_and_told_of() {
    let mut inventory = Fixture::open().await;
    let order = inventory.order(0, 3);

    inventory.hear(Fact::PaymentAuthorized, &order).await;

    assert_eq!(inventory.level().await, (7, 3));
    let expected = told("stock_reserved", &["shipping-events", "order-events"]);
    assert_eq!(inventory.told().await, expected);
}

#[tokio::test]
async fn an_event_that_comes_twice_reserves_once_and_is_answered_twice() {
    let mut inventory = Fixture::open().await;
    let order = inventory.order(0, 3);

    inventory.hear(Fact::PaymentAuthorized, &order).await;
    inventory.hear(Fact::PaymentAuthorized, &order).await;

    assert_eq!(inventory.level().await, (7, 3));
    let answer = told("stock_reserved", &["shipping-events", "order-events"]);
    assert_eq!(inventory.told().await, [answer.clone(), answer].concat());
}

#[tokio::test]
async fn what_is_out_of_stock_is_rejected() {
    let mut inventory = Fixture::open().await;
    let (too_many, never_stocked) = (inventory.order(0, 11), inventory.order(1, 1));

    inventory.hear(Fact::PaymentAuthorized, &too_many).await;
    inventory
        .hear(Fact::PaymentAuthorized, &never_stocked)
        .await;

    assert_eq!(inventory.level().await, (10, 0));
    let rejected = told("stock_rejected", &["order-events", "payment-events"]);
    assert_eq!(
        inventory.told().await,
        [rejected.clone(), rejected].concat()
    );
}

#[tokio::test]
async fn a_rejected_order_that_comes_again_is_rejected_though_there_is_stock_now() {
    let mut inventory = Fixture::open().await;
    let too_many = inventory.order(0, 11);
    inventory.hear(Fact::PaymentAuthorized, &too_many).await;
    let delivery = [(&inventory.products[0].sku, 10)];
    inventory::restock(&mut inventory.db, delivery)
        .await
        .unwrap();

    inventory.hear(Fact::PaymentAuthorized, &too_many).await;

    assert_eq!(inventory.level().await, (20, 0));
    let rejected = told("stock_rejected", &["order-events", "payment-events"]);
    let both = [rejected.clone(), rejected].concat();
    assert_eq!(inventory.told().await, both);
}

#[tokio::test]
async fn a_cancelled_order_puts_its_stock_back_once() {
    let mut inventory = Fixture::open().await;
    let (kept, cancelled) = (inventory.order(0, 1), inventory.order(0, 3));
    inventory.hear(Fact::PaymentAuthorized, &kept).await;
    inventory.hear(Fact::PaymentAuthorized, &cancelled).await;

    inventory.hear(Fact::ShipmentCancelled, &cancelled).await;
    inventory.hear(Fact::ShipmentCancelled, &cancelled).await;

    assert_eq!(inventory.level().await, (9, 1));
}

#[tokio::test]
async fn an_order_that_was_cancelled_first_takes_nothing() {
    let mut inventory = Fixture::open().await;
    let order = inventory.order(0, 3);

    inventory.hear(Fact::ShipmentCancelled, &order).await;
    inventory.hear(Fact::PaymentAuthorized, &order).await;

    assert_eq!(inventory.level().await, (10, 0));
    assert_eq!(inventory.told().await, []);
}
