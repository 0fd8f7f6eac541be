//! Orders reach their end although the queues lose every message.

use std::time::Duration;

use messaging::{Settings, Sqs, dead_letters};
use payment_provider::Provider;
use reqwest::Client;
use sandbox::postgres::Lease;
use sandbox::testing::{self, count};
use serde_json::{Value, json};
use shop_testing::Keys;
use sqlx::PgConnection;
use sqs_local::SqsLocal;
use store::seed;

use crate::{Shop, ready, register};

const ORDERS: usize = 80;

/// Each of these counts what breaks a promise once nothing moves any more.
const PROMISES: [(&str, &str); 7] = [
    (
        "orders without an end",
        "select count(*) from orders where not exists (
             select from order_facts where order_id = id and fact in
             ('dispatched', 'shipment_cancelled', 'payment_declined', 'stock_rejected'))",
    ),
    (
        "requests to cancel without an answer",
        "select count(*) from order_facts as request
         where fact = 'cancel_requested' and not exists (
             select from order_facts as answer
             where answer.order_id = request.order_id
               and answer.fact in ('shipment_cancelled', 'cancel_refused'))",
    ),
    (
        "money that is neither captured nor voided",
        "select count(*) from payments
         where state not in ('captured', 'declined', 'voided', 'refunded')",
    ),
    (
        "dispatched orders that are not paid, and paid ones that are not dispatched",
        "select count(*) from payments full join shipments using (order_id)
         where (payments.state is not distinct from 'captured')
            <> (shipments.state is not distinct from 'dispatched')",
    ),
    (
        "stock that is held for no parcel, and parcels without stock",
        "select count(*) from reservations full join shipments using (order_id)
         where (reservations.state is not distinct from 'held')
            <> (shipments.state is not distinct from 'dispatched')",
    ),
    (
        "products whose pieces do not add up",
        "select count(*) from stock where reserved <> (
             select coalesce(sum(quantities[1]), 0) from reservations
             where state = 'held' and skus[1] = stock.sku)",
    ),
    (
        "orders with facts that contradict each other",
        "select count(*) from order_facts as one join order_facts as other using (order_id)
         where (one.fact, other.fact) in (
             ('dispatched', 'shipment_cancelled'), ('payment_authorized', 'payment_declined'),
             ('stock_reserved', 'stock_rejected'), ('shipment_scheduled', 'stock_rejected'),
             ('shipment_cancelled', 'cancel_refused'))",
    ),
];

struct Fixture {
    shop: Shop,
    server: SqsLocal,
    http: Client,
    token: String,
    db: PgConnection,
    _database: Lease,
    _provider: Provider,
}

impl Fixture {
    /// Everything is overdue soon, and no order expires.
    async fn open() -> Fixture {
        let (database, provider) = (
            testing::database("lost").await,
            payment_provider::testing::provider().await,
        );
        let server = SqsLocal::start("127.0.0.1:0").await.unwrap();
        let keys = Keys::generate();
        let [public, private] = keys.variables();
        let settings = [
            ("DATABASE_URL", &*database.url),
            ("SQS_ENDPOINT_URL", &server.endpoint()),
            ("PAYMENT_PROVIDER_URL", &provider.url()),
            public,
            private,
            ("CANCELLATION_WINDOW_MS", "1000"),
            ("ORDER_EXPIRY_MS", "600000"),
            ("ORDER_UNSETTLED_MS", "500"),
            ("CANCEL_UNANSWERED_MS", "300"),
            ("ORDER_UNDISPATCHED_MS", "3000"),
            ("PAYMENT_UNANSWERED_MS", "2500"),
            ("DISPATCH_LATE_MS", "300"),
            ("CANCELLED_AGAIN_MS", "1000"),
        ];
        let shop = ready(&settings, &database).await;
        Fixture {
            token: register(&shop).await,
            shop,
            server,
            http: Client::new(),
            db: database.connect().await.unwrap(),
            _database: database,
            _provider: provider,
        }
    }

    /// Every tenth order is for what is sold out, every seventh is declined, and every fifth is
    /// cancelled.
    async fn order(&self, n: usize) {
        let sku = if n.is_multiple_of(10) {
            seed::SOLD_OUT
        } else {
            "product-00000"
        };
        let method = if n.is_multiple_of(7) {
            "tok_declined"
        } else {
            "tok_ok"
        };
        let order = json!({
            "lines": [{ "sku": sku, "quantity": 1 }],
            "payment_method": method,
        });
        let placing = self.http.post(format!("{}/orders", self.shop.url));
        let placing = placing.header("idempotency-key", n.to_string());
        let placed = placing.bearer_auth(&self.token).json(&order).send().await;
        let placed = placed.unwrap().error_for_status().unwrap();
        let placed: Value = placed.json().await.unwrap();
        if n % 5 == 3 {
            let id = placed["id"].as_str().unwrap();
            let cancelling = self
                .http
                .post(format!("{}/orders/{id}/cancel", self.shop.url));
            cancelling.bearer_auth(&self.token).send().await.unwrap();
        }
    }

    async fn purge(&self) {
        let settings = Settings::endpoint(self.server.endpoint());
        let sqs = Sqs::connect(&settings).await.unwrap();
        for queue in self.server.control().queues() {
            dead_letters::purge(&sqs, &queue.name).await.unwrap();
        }
    }

    async fn broken(&mut self) -> Vec<(&'static str, i64)> {
        let mut broken = vec![];
        for (promise, sql) in PROMISES {
            broken.push((promise, count(&mut self.db, sql).await));
        }
        broken.retain(|(_, count)| *count > 0);
        broken
    }
}

#[tokio::test]
async fn every_order_reaches_its_end_though_the_queues_are_emptied_and_lost() {
    let mut fixture = Fixture::open().await;
    for n in 0..ORDERS {
        fixture.order(n).await;
        match n {
            20 => fixture.purge().await,
            40 | 60 => fixture.server.control().reset(),
            _ => {}
        }
    }

    let deadline = std::time::Instant::now() + Duration::from_secs(120);
    loop {
        let broken = fixture.broken().await;
        if broken.is_empty() {
            break;
        }
        let in_time = std::time::Instant::now() < deadline;
        assert!(in_time, "gave up on {broken:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    let sql = "select count(*) from shipments where state = 'dispatched'";
    let dispatched = count(&mut fixture.db, sql).await;
    let kept = (0..ORDERS)
        .filter(|n| !n.is_multiple_of(10) && !n.is_multiple_of(7) && n % 5 != 3)
        .count();
    assert!(
        dispatched >= kept as i64,
        "{dispatched} of {kept} orders that were not cancelled are dispatched"
    );
}
