//! The monolith's promises, with a real Postgres and a provider that can misbehave.
// Nothing cancels a test, so it may begin as sqlx does.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::time::Duration;

use chassis::auth::{KeyPair, TokenIssuer, TokenVerifier};
use chassis::config::{TokenKey, TokenSigning};
use contracts::http::TOKEN_ISSUER;
use domain::{
    CustomerId, Fact, Line, Lines, Order, Payment, PaymentMethod, Product, Quantity, Status,
};
use monolith::admission::Admission;
use monolith::cancel_order::cancel_order;
use monolith::dispatch::dispatch_due;
use monolith::every::Wake;
use monolith::payment_due::send_due;
use monolith::place_order::place_order;
use monolith::product_limit::ProductLimit;
use monolith::sweep::sweep;
use monolith::{Error, Shop};
use payment_provider as provider;
use sandbox::postgres::Lease;
use sandbox::testing;
use sqlx::types::JsonValue;
use sqlx::{Connection, PgConnection, PgPool};
use store::orders::{Idempotency, OrderRecord};
use store::{Context, catalogue, inventory, orders, payments, seed};
use storefront::Provider;

#[path = "it/late_commits.rs"]
mod late_commits;
#[path = "it/overload.rs"]
mod overload;
#[path = "it/refusals.rs"]
mod refusals;

/// The shop without its HTTP face, on a database and with a provider of its own.
struct Fixture {
    shop: Shop,
    products: Vec<Product>,
    provider: provider::Provider,
    database: Lease,
}

impl Fixture {
    async fn open(window: Duration) -> Fixture {
        let database = testing::database("monolith").await;
        let provider = payment_provider::testing::provider().await;
        let keys = KeyPair::generate();
        let signing = TokenSigning {
            auth_private_key: keys.private,
            auth_token_life_s: 60,
        };
        let shop = Shop {
            db: PgPool::connect(&database.url).await.unwrap(),
            provider: Provider::new(&provider.url()).unwrap(),
            tokens: TokenIssuer::new(&signing, TOKEN_ISSUER).unwrap(),
            verifier: TokenVerifier::new(
                &TokenKey {
                    auth_public_key: keys.public,
                },
                TOKEN_ISSUER,
            )
            .unwrap(),
            admission: Admission::new(1, 8),
            payment_due: Wake::default(),
            product_limit: ProductLimit::new(10),
            cancellation_window: window,
        };
        for context in Context::ALL {
            context.migrations().run(&shop.db).await.unwrap();
        }
        let products = seed::products(2);
        let mut db = database::lend(&shop.db).await.unwrap();
        catalogue::offer(&mut db, &products).await.unwrap();
        inventory::restock(&mut db, seed::deliveries(&products))
            .await
            .unwrap();
        drop(db);
        Fixture {
            shop,
            products,
            provider,
            database,
        }
    }

    fn order(&self, n: usize, payment_method: &str) -> Order {
        let line = Line {
            sku: self.products[n].sku.clone(),
            quantity: Quantity::new(2).unwrap(),
            unit_price: self.products[n].unit_price,
        };
        let method = PaymentMethod::parse(payment_method).unwrap();
        Order::place(CustomerId::new(), Lines::new(vec![line]).unwrap(), method).unwrap()
    }

    async fn place(&self, order: Order) -> OrderRecord {
        place_order(&self.shop, order, &key("once"))
            .await
            .unwrap()
            .unwrap()
    }

    fn url(&self) -> &str {
        &self.database.url
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(self.url()).await.unwrap()
    }

    /// Has the provider fail at this share of the requests.
    fn fails(&self, error_rate: f64) {
        self.provider.set_behaviour(provider::Behaviour {
            error_rate,
            ..provider::Behaviour::default()
        });
    }

    async fn known(&self, placed: &OrderRecord) -> OrderRecord {
        let mut db = database::lend(&self.shop.db).await.unwrap();
        orders::find(&mut db, placed.order.id)
            .await
            .unwrap()
            .unwrap()
    }

    /// Waits until the order is there: its COMMIT has come.
    async fn becomes_known(&self, order: &Order) {
        let mut db = self.connect().await;
        let waiting = async {
            while orders::find(&mut db, order.id).await.unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        waited.expect("the order never came");
    }

    /// The order's payment as the shop's tables have it.
    async fn payment(&self, order: &Order) -> Option<Payment> {
        let mut db = self.connect().await;
        let found = payments::lock(&mut db, [order.id]).await.unwrap();
        found.get(&order.id).copied()
    }

    /// How the provider's books have the order's money.
    fn money(&self, order: &Order) -> Option<provider::Status> {
        let entries = self.provider.ledger();
        entries
            .iter()
            .find(|entry| entry.order_id == order.id.0)
            .map(|entry| entry.status)
    }

    /// Waits until the provider's books have the order's money so: it is given back beside the
    /// answer to the customer.
    async fn money_becomes(&self, order: &Order, status: provider::Status) {
        let waiting = async {
            while self.money(order) != Some(status) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        waited.unwrap_or_else(|_| panic!("the money is {:?}", self.money(order)));
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&self.shop.db)
            .await
            .unwrap()
    }
}

fn key(key: &str) -> Idempotency {
    Idempotency {
        key: key.to_owned(),
        request: JsonValue::Null,
    }
}

const LONG: Duration = Duration::from_secs(600);

#[tokio::test]
async fn a_confirmed_order_has_its_money_its_stock_and_its_shipment() {
    let fixture = Fixture::open(LONG).await;
    let placed = fixture.place(fixture.order(0, "tok_ok")).await;

    assert_eq!(placed.status(), Status::Confirmed);
    assert_eq!(fixture.known(&placed).await, placed);
    assert_eq!(
        fixture.money(&placed.order),
        Some(provider::Status::Authorized)
    );
    let reserved = fixture
        .count("select sum(reserved)::bigint from stock")
        .await;
    assert_eq!(reserved, 2);
    assert_eq!(fixture.count("select count(*) from shipments").await, 1);
}

#[tokio::test]
async fn a_declined_order_takes_nothing() {
    let fixture = Fixture::open(LONG).await;
    let placed = fixture.place(fixture.order(0, "tok_declined")).await;

    assert_eq!(placed.status(), Status::Cancelled);
    assert_eq!(
        fixture.money(&placed.order),
        Some(provider::Status::Declined)
    );
    let reserved = fixture
        .count("select sum(reserved)::bigint from stock")
        .await;
    assert_eq!(reserved, 0);
    assert_eq!(fixture.count("select count(*) from shipments").await, 0);
}

#[tokio::test]
async fn what_is_out_of_stock_is_not_paid_for() {
    let fixture = Fixture::open(LONG).await;
    let sold_out = fixture.products.len() - 1;
    let placed = fixture.place(fixture.order(sold_out, "tok_ok")).await;
    assert_eq!(placed.status(), Status::Cancelled);
    assert_eq!(
        fixture.money(&placed.order),
        Some(provider::Status::Authorized)
    );

    assert_eq!(send_due(&fixture.shop).await.unwrap(), 1);
    assert_eq!(fixture.money(&placed.order), Some(provider::Status::Voided));
    assert_eq!(send_due(&fixture.shop).await.unwrap(), 0);
}

#[tokio::test]
async fn the_loser_of_two_requests_with_one_key_gives_its_money_back() {
    let fixture = Fixture::open(LONG).await;
    let first = fixture.place(fixture.order(0, "tok_ok")).await;
    let customer = first.order.customer;
    let second = Order {
        customer,
        ..fixture.order(0, "tok_ok")
    };

    let lost = place_order(&fixture.shop, second.clone(), &key("once"))
        .await
        .unwrap();

    assert_eq!(lost, None);
    assert_eq!(
        fixture.money(&first.order),
        Some(provider::Status::Authorized)
    );
    fixture
        .money_becomes(&second, provider::Status::Voided)
        .await;
    assert_eq!(fixture.count("select count(*) from orders").await, 1);
}

#[tokio::test]
async fn an_authorization_that_no_order_owns_is_swept_and_no_other() {
    let fixture = Fixture::open(LONG).await;
    let owned = fixture.place(fixture.order(0, "tok_ok")).await;
    // As if the process had died between the provider's answer and the commit.
    let orphan = fixture.order(0, "tok_ok");
    fixture.shop.provider.authorize(&orphan).await.unwrap();

    assert_eq!(sweep(&fixture.shop, LONG).await.unwrap(), 0);
    assert_eq!(fixture.money(&orphan), Some(provider::Status::Authorized));
    assert_eq!(sweep(&fixture.shop, Duration::ZERO).await.unwrap(), 1);
    send_due(&fixture.shop).await.unwrap();
    assert_eq!(fixture.money(&orphan), Some(provider::Status::Voided));
    assert_eq!(
        fixture.money(&owned.order),
        Some(provider::Status::Authorized)
    );
}

#[tokio::test]
async fn a_failed_transaction_gives_the_money_back_and_leaves_nothing() {
    let fixture = Fixture::open(LONG).await;
    sqlx::query("drop table shipments")
        .execute(&fixture.shop.db)
        .await
        .unwrap();
    let order = fixture.order(0, "tok_ok");

    let failed = place_order(&fixture.shop, order.clone(), &key("once")).await;

    assert!(matches!(failed, Err(Error::Database(_))));
    fixture
        .money_becomes(&order, provider::Status::Voided)
        .await;
    assert_eq!(fixture.count("select count(*) from orders").await, 0);
    assert_eq!(
        fixture
            .count("select sum(reserved)::bigint from stock")
            .await,
        0
    );
}

#[tokio::test]
async fn a_provider_that_fails_leaves_no_order_and_keeps_no_money() {
    let fixture = Fixture::open(LONG).await;
    fixture.fails(1.0);

    let order = fixture.order(0, "tok_ok");
    let refused = place_order(&fixture.shop, order.clone(), &key("once")).await;
    fixture.fails(0.0);

    assert!(matches!(refused, Err(Error::Provider(_))));
    assert_eq!(fixture.count("select count(*) from orders").await, 0);
    // One of the attempts may have done its work before it failed.
    fixture
        .money_becomes(&order, provider::Status::Voided)
        .await;
}

#[tokio::test]
async fn what_is_due_is_dispatched_and_captured_once() {
    let fixture = Fixture::open(Duration::ZERO).await;
    let placed = fixture.place(fixture.order(0, "tok_ok")).await;

    // Two replicas look at the same time: one of them gets the row.
    let (one, two) = tokio::join!(dispatch_due(&fixture.shop), dispatch_due(&fixture.shop));
    assert_eq!(one.unwrap() + two.unwrap(), 1);
    send_due(&fixture.shop).await.unwrap();

    assert_eq!(fixture.known(&placed).await.status(), Status::Dispatched);
    assert_eq!(
        fixture.money(&placed.order),
        Some(provider::Status::Captured)
    );
}

#[tokio::test]
async fn a_cancelled_order_leaves_no_money_and_no_stock_behind() {
    let fixture = Fixture::open(LONG).await;
    let placed = fixture.place(fixture.order(0, "tok_ok")).await;

    cancel_order(&fixture.shop, &placed).await.unwrap().unwrap();
    cancel_order(&fixture.shop, &placed).await.unwrap().unwrap();
    send_due(&fixture.shop).await.unwrap();

    assert_eq!(fixture.known(&placed).await.status(), Status::Cancelled);
    assert_eq!(fixture.money(&placed.order), Some(provider::Status::Voided));
    let reserved = fixture
        .count("select sum(reserved)::bigint from stock")
        .await;
    assert_eq!(reserved, 0);
    assert_eq!(dispatch_due(&fixture.shop).await.unwrap(), 0);
}

#[tokio::test]
async fn either_the_dispatch_or_the_cancellation_wins() {
    let fixture = Fixture::open(Duration::ZERO).await;
    for _ in 0..20 {
        let placed = fixture.place(fixture.order(0, "tok_ok")).await;
        let (dispatched, cancelled) = tokio::join!(
            dispatch_due(&fixture.shop),
            cancel_order(&fixture.shop, &placed)
        );
        let (dispatched, cancelled) = (dispatched.unwrap(), cancelled.unwrap());
        // A cancellation that holds the row makes the dispatch skip it, not wait for it.
        assert_ne!(dispatched == 1, cancelled.is_ok());

        send_due(&fixture.shop).await.unwrap();
        let known = fixture.known(&placed).await;
        assert!(known.facts.has(Fact::CancelRequested));
        let expected = match cancelled {
            Ok(()) => (Status::Cancelled, provider::Status::Voided),
            Err(_) => (Status::Dispatched, provider::Status::Captured),
        };
        assert_eq!(
            (known.status(), fixture.money(&placed.order).unwrap()),
            expected
        );
    }
}
