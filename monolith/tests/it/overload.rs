//! An order that the shop cannot place is refused before the provider authorizes its payment.
// Nothing cancels a test, so it may begin as sqlx does.
#![allow(clippy::disallowed_methods)]

use chassis::Running;
use chassis::config::{Database, Serving};
use futures::{StreamExt, stream};
use monolith::Settings;
use payment_provider as provider;
use reqwest::{Client, Response, StatusCode};
use shop_testing::{Keys, order_body};
use sqlx::Connection;
use tokio_util::sync::CancellationToken;

use crate::fixture::{Fixture, LONG};

/// The whole process, on the fixture's database.
struct Process {
    running: Running,
    token: String,
}

impl Process {
    async fn start(fixture: &Fixture, connections: u32) -> Process {
        let keys = Keys::generate();
        let token = keys.token();
        let settings = Settings {
            serving: Serving::on_free_port(),
            database: Database {
                database_pool_size: connections,
                ..Database::new(fixture.url())
            },
            token_key: keys.verifying,
            signing: keys.signing,
            payment_provider_url: fixture.provider.url(),
            cancellation_window_ms: 600_000,
            sweep_age_ms: 60_000,
            orders_per_connection: 1,
        };
        let serving = settings.serving.clone();
        let start = |context| monolith::start(settings, context);
        let running = chassis::launch("monolith", serving, CancellationToken::new(), start);
        Process {
            running: running.await.unwrap(),
            token,
        }
    }

    async fn post(&self, n: usize) -> Response {
        Client::new()
            .post(format!("{}/orders", self.running.url()))
            .bearer_auth(&self.token)
            .header("idempotency-key", n.to_string())
            .json(&order_body("product-00000", 1))
            .send()
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn an_order_that_is_shed_has_no_authorization() {
    let fixture = Fixture::open(LONG).await;
    let process = Process::start(&fixture, 2).await;
    // Every order that has a connection waits for the stock with it.
    let mut other = fixture.connect().await;
    let mut busy = other.begin().await.unwrap();
    sqlx::query("lock table stock in exclusive mode")
        .execute(&mut *busy)
        .await
        .unwrap();

    let answers = stream::iter(0..12).map(|n| process.post(n));
    let mut answers = answers.buffer_unordered(12);
    for _ in 2..12 {
        let refused = answers.next().await.unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.headers().contains_key("retry-after"));
    }
    let ledger = fixture.provider.ledger();
    assert!(ledger.len() <= 2, "{ledger:?}");

    busy.rollback().await.unwrap();
    while let Some(placed) = answers.next().await {
        assert_eq!(placed.status(), StatusCode::CREATED);
    }
    let authorized = fixture.provider.ledger();
    let authorized = authorized
        .iter()
        .filter(|entry| entry.status == provider::Status::Authorized);
    assert_eq!(authorized.count(), 2);
}
