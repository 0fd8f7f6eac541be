//! The store's functions on a real Postgres, a database a test.
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
use store::{Context, catalogue, inventory, orders, payments, seed, shipping};

#[path = "it/accounts.rs"]
mod accounts;
#[path = "it/history.rs"]
mod history;
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
    fn order(&self, wanted: &[(usize, i64)]) -> Order {
        let line = |(n, quantity): &(usize, i64)| Line {
            sku: self.products[*n].sku.clone(),
            quantity: Quantity::new(*quantity).unwrap(),
            unit_price: self.products[*n].unit_price,
        };
        let lines = Lines::new(wanted.iter().map(line).collect()).unwrap();
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
async fn an_order_is_read_back_as_it_was_placed() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let order = shop.order(&[(2, 3), (0, 1)]);

    let placed = orders::insert(&mut db, order.clone(), &key("a"), &[Fact::OrderPlaced])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(placed.order, order);
    assert_eq!(placed.facts, Facts::none().with(Fact::OrderPlaced));

    let known = orders::find(&mut db, order.id).await.unwrap();
    assert_eq!(known.as_ref(), Some(&placed));
    let all = orders::find_all(&mut db, [OrderId::new(), order.id]).await;
    assert_eq!(all.unwrap(), [placed]);
    assert_eq!(orders::find(&mut db, OrderId::new()).await.unwrap(), None);
}

#[tokio::test]
async fn the_same_key_places_one_order_of_a_customer() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let first = shop.order(&[(0, 1)]);
    let again = Order {
        id: OrderId::new(),
        ..first.clone()
    };
    let of_another = shop.order(&[(0, 1)]);

    assert!(
        orders::insert(&mut db, first.clone(), &key("k"), &[])
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        orders::insert(&mut db, again.clone(), &key("k"), &[])
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        orders::insert(&mut db, of_another.clone(), &key("k"), &[])
            .await
            .unwrap()
            .is_some()
    );

    let found = orders::find_by_key(&mut db, first.customer, "k")
        .await
        .unwrap();
    assert_eq!(found, Some((first.id, key("k").request)));
    assert_eq!(orders::find(&mut db, again.id).await.unwrap(), None);
}

#[tokio::test]
async fn of_two_orders_under_one_key_at_the_same_time_one_is_placed() {
    let shop = Shop::open().await;
    let (mut one, mut two) = (shop.connect().await, shop.connect().await);
    let first = shop.order(&[(0, 1)]);
    let second = Order {
        id: OrderId::new(),
        ..first.clone()
    };
    let idempotency = key("k");

    let mut tx = one.begin().await.unwrap();
    assert!(
        orders::insert(&mut tx, first.clone(), &idempotency, &[])
            .await
            .unwrap()
            .is_some()
    );
    let (waited, ()) = tokio::join!(
        orders::insert(&mut two, second.clone(), &idempotency, &[]),
        async {
            tx.commit().await.unwrap();
        }
    );
    assert_eq!(waited.unwrap(), None);
}

#[tokio::test]
async fn a_fact_is_known_from_when_it_was_first_heard() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let order = shop.placed(&mut db).await;
    let known = [
        (order.id, Fact::OrderPlaced),
        (order.id, Fact::PaymentAuthorized),
    ];

    orders::record(&mut db, known).await.unwrap();
    let once = orders::history(&mut db, order.id).await.unwrap();
    orders::record(&mut db, known.into_iter().rev())
        .await
        .unwrap();
    let twice = orders::history(&mut db, order.id).await.unwrap();

    assert_eq!(once, twice);
    assert_eq!(once.len(), 2);
}

#[tokio::test]
async fn a_status_follows_from_the_recorded_facts() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let order = shop.placed(&mut db).await;
    let facts = [Fact::OrderPlaced, Fact::PaymentDeclined];
    orders::record(&mut db, facts.map(|fact| (order.id, fact)))
        .await
        .unwrap();
    let known = orders::find(&mut db, order.id).await.unwrap().unwrap();
    assert_eq!(known.status(), Status::Cancelled);
}

#[tokio::test]
async fn orders_are_listed_newest_first_and_page_by_page() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let customer = CustomerId::new();
    let mut placed = vec![];
    for n in 0..5 {
        let order = Order {
            customer,
            ..shop.order(&[(0, 1)])
        };
        placed.insert(0, order.id);
        orders::insert(&mut db, order, &key(&n.to_string()), &[])
            .await
            .unwrap();
    }
    shop.placed(&mut db).await;

    let mut seen = vec![];
    let mut after = None;
    loop {
        let page = orders::list(&mut db, customer, after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.order.id);
        seen.extend(page.iter().map(|known| known.order.id));
    }
    assert_eq!(seen, placed);
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

    // An order that is there twice, as two events in one batch are about it.
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

    let known = payments::known(&mut db, &[other.id, order.id])
        .await
        .unwrap();
    assert_eq!(known, [order.id]);
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
async fn a_word_that_is_not_known_is_an_error_and_no_guess() {
    let shop = Shop::open().await;
    let mut db = shop.connect().await;
    let order = shop.placed(&mut db).await;
    sqlx::query("insert into order_facts (order_id, fact) values ($1, 'order_lost')")
        .bind(order.id.0)
        .execute(&mut db)
        .await
        .unwrap();
    let error = orders::find(&mut db, order.id).await.unwrap_err();
    assert!(error.to_string().contains("order_lost"), "{error}");
}

#[tokio::test]
async fn a_context_runs_in_a_database_of_its_own() {
    for context in Context::ALL {
        let database = testing::database("context").await;
        let mut db = connect(&database).await;
        context.migrations().run(&mut db).await.unwrap();
    }
}
