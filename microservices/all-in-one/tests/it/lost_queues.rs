//! What becomes of orders when the queues lose everything that is in them.

use std::time::Duration;

use chassis::auth::KeyPair;
use messaging::{Settings, Sqs, dead_letters};
use payment_provider::Provider;
use reqwest::Client;
use sandbox::postgres::Lease;
use sandbox::testing;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use sqs_local::SqsLocal;
use store::{catalogue, inventory, seed};

use crate::{Shop, until};

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
        "wishes to cancel without an answer",
        "select count(*) from order_facts as asked
         where fact = 'cancel_requested' and not exists (
             select from order_facts as answer
             where answer.order_id = asked.order_id
               and answer.fact in ('shipment_cancelled', 'cancel_refused'))",
    ),
    (
        "money that is neither taken nor given back",
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

struct World {
    shop: Shop,
    server: SqsLocal,
    http: Client,
    token: String,
    db: PgConnection,
    _database: Lease,
    _provider: Provider,
}

impl World {
    /// Everything is overdue soon, and no order expires.
    async fn open() -> World {
        let (database, provider) = (
            testing::database("lost").await,
            payment_provider::testing::provider().await,
        );
        let (server, keys) = (
            SqsLocal::start("127.0.0.1:0").await.unwrap(),
            KeyPair::generate(),
        );
        let shop = Shop::start(&[
            ("DATABASE_URL", &database.url),
            ("SQS_ENDPOINT_URL", &server.endpoint()),
            ("PAYMENT_PROVIDER_URL", &provider.url()),
            ("AUTH_PUBLIC_KEY", keys.public.expose()),
            ("AUTH_PRIVATE_KEY", keys.private.expose()),
            ("CANCELLATION_WINDOW_MS", "1000"),
            ("ORDER_EXPIRY_MS", "600000"),
            ("ORDER_UNSETTLED_MS", "500"),
            ("CANCEL_UNANSWERED_MS", "300"),
            ("ORDER_UNDISPATCHED_MS", "3000"),
            ("PAYMENT_UNANSWERED_MS", "2500"),
            ("DISPATCH_LATE_MS", "300"),
            ("CANCELLED_AGAIN_MS", "1000"),
        ]);
        let http = Client::new();
        until("it is ready", async || {
            let ready = http.get(format!("{}/readyz", shop.url)).send().await;
            ready.ok().filter(|answer| answer.status() == 200)
        })
        .await;
        let mut db = PgConnection::connect(&database.url).await.unwrap();
        let products = seed::products(1);
        let deliveries = seed::deliveries(&products);
        inventory::restock(&mut db, deliveries).await.unwrap();
        catalogue::offer(&mut db, &products).await.unwrap();
        let account = json!({ "email": "ada@example.org", "password": "correct horse" });
        let registering = http.post(format!("{}/auth/register", shop.url));
        let registered = registering.json(&account).send().await.unwrap();
        let registered: Value = registered.json().await.unwrap();
        World {
            token: registered["access_token"].as_str().unwrap().to_owned(),
            shop,
            server,
            http,
            db,
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
            let count: i64 = sqlx::query_scalar(sql)
                .fetch_one(&mut self.db)
                .await
                .unwrap();
            broken.push((promise, count));
        }
        broken.retain(|(_, count)| *count > 0);
        broken
    }
}

#[tokio::test]
async fn every_order_reaches_its_end_though_the_queues_are_emptied_and_lost() {
    let mut world = World::open().await;
    for n in 0..ORDERS {
        world.order(n).await;
        match n {
            20 => world.purge().await,
            40 | 60 => world.server.control().reset(),
            _ => {}
        }
    }

    let deadline = std::time::Instant::now() + Duration::from_secs(120);
    loop {
        let broken = world.broken().await;
        if broken.is_empty() {
            break;
        }
        let in_time = std::time::Instant::now() < deadline;
        assert!(in_time, "gave up on {broken:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    let sql = "select count(*) from shipments where state = 'dispatched'";
    let dispatched: i64 = sqlx::query_scalar(sql)
        .fetch_one(&mut world.db)
        .await
        .unwrap();
    let wanted = (0..ORDERS)
        .filter(|n| !n.is_multiple_of(10) && !n.is_multiple_of(7) && n % 5 != 3)
        .count();
    assert!(
        dispatched >= wanted as i64,
        "{dispatched} of {wanted} orders that nobody cancelled are dispatched"
    );
}
