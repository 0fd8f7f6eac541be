//! The shop without its HTTP API, on a database and with a provider of its own.

use std::time::Duration;

use domain::{Order, Payment};
use monolith::Shop;
use monolith::admission::Admission;
use monolith::every::Wake;
use monolith::place_order::place_order;
use monolith::product_limit::ProductLimit;
use payment_provider as provider;
use sandbox::postgres::Lease;
use sandbox::testing::{until, until_eq};
use shop_testing::{Keys, migrated, offer};
use sqlx::types::JsonValue;
use sqlx::{PgConnection, PgPool};
use store::orders::{self, Idempotency, OrderRecord};
use store::{Context, payments};
use storefront::Provider;

pub(crate) struct Fixture {
    pub(crate) shop: Shop,
    pub(crate) provider: provider::Provider,
    database: Lease,
}

/// A cancellation window that no test outlasts.
pub(crate) const LONG: Duration = Duration::from_secs(600);

impl Fixture {
    /// Two products, and one that is sold out.
    pub(crate) async fn open(cancellation_window: Duration) -> Fixture {
        let database = migrated("monolith", Context::ALL).await;
        let provider = payment_provider::testing::provider().await;
        offer(&mut database.connect().await.unwrap(), 2).await;
        let keys = Keys::generate();
        let shop = Shop {
            db: PgPool::connect(&database.url).await.unwrap(),
            provider: Provider::new(&provider.url()).unwrap(),
            tokens: keys.issuer(),
            verifier: keys.verifier(),
            admission: Admission::new(1, 8),
            payment_due: Wake::default(),
            product_limit: ProductLimit::new(10),
            cancellation_window,
        };
        Fixture {
            shop,
            provider,
            database,
        }
    }

    pub(crate) async fn place(&self, order: Order) -> OrderRecord {
        place_order(&self.shop, order, &key("once"))
            .await
            .unwrap()
            .unwrap()
    }

    pub(crate) fn url(&self) -> &str {
        &self.database.url
    }

    pub(crate) async fn connect(&self) -> PgConnection {
        self.database.connect().await.unwrap()
    }

    /// Makes the provider fail at this share of the requests.
    pub(crate) fn fails(&self, error_rate: f64) {
        self.provider.set_behaviour(provider::Behaviour {
            error_rate,
            ..provider::Behaviour::default()
        });
    }

    /// The order as the shop's tables have it.
    pub(crate) async fn record(&self, placed: &OrderRecord) -> OrderRecord {
        let mut db = self.connect().await;
        let found = orders::find(&mut db, placed.order.id).await;
        found.unwrap().unwrap()
    }

    pub(crate) async fn until_committed(&self, order: &Order) {
        let mut db = self.connect().await;
        let is_found = async || orders::find(&mut db, order.id).await.unwrap().is_some();
        until("the order is committed", is_found).await;
    }

    /// The order's payment as the shop's tables have it.
    pub(crate) async fn payment(&self, order: &Order) -> Option<Payment> {
        let mut db = self.connect().await;
        let found = payments::lock(&mut db, [order.id]).await.unwrap();
        found.get(&order.id).copied()
    }

    /// The order's payment as the provider's ledger has it.
    pub(crate) fn money(&self, order: &Order) -> Option<provider::Status> {
        let entries = self.provider.ledger();
        let entry = entries.iter().find(|entry| entry.order_id == order.id.0);
        entry.map(|entry| entry.status)
    }

    /// Waits for the provider's ledger: a payment is voided after the customer has the answer.
    pub(crate) async fn until_money_is(&self, order: &Order, status: provider::Status) {
        until_eq("the money", async || self.money(order), Some(status)).await;
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sandbox::testing::count(&mut self.connect().await, sql).await
    }

    /// The pieces that are reserved, of all products.
    pub(crate) async fn reserved(&self) -> i64 {
        self.count("select sum(reserved)::bigint from stock").await
    }
}

/// What is ordered in most tests.
pub(crate) fn order() -> Order {
    shop_testing::order("product-00000", 2)
}

pub(crate) fn key(key: &str) -> Idempotency {
    Idempotency {
        key: key.to_owned(),
        request: JsonValue::Null,
    }
}
