//! What the shop cannot place it refuses before the provider is asked for money.

use chassis::Running;
use chassis::config::{Database, Serving};
use contracts::http::TOKEN_ISSUER;
use futures::{StreamExt, stream};
use monolith::Settings;
use reqwest::{Client, Response, StatusCode};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;

/// The whole process, on the fixture's database.
struct Door {
    running: Running,
    token: String,
}

impl Door {
    async fn open(fixture: &Fixture, connections: u32) -> Door {
        let keys = KeyPair::generate();
        let signing = TokenSigning {
            auth_private_key: keys.private,
            auth_token_life_s: 60,
        };
        let issuer = TokenIssuer::new(&signing, TOKEN_ISSUER).unwrap();
        let settings = Settings {
            serving: Serving::on_free_port(),
            database: Database {
                database_pool_size: connections,
                ..Database::new(fixture.url())
            },
            token_key: TokenKey {
                auth_public_key: keys.public,
            },
            signing,
            payment_provider_url: fixture.provider.url(),
            cancellation_window_ms: 600_000,
            sweep_age_ms: 60_000,
            orders_per_connection: 1,
        };
        let serving = settings.serving.clone();
        let start = |context| monolith::start(settings, context);
        let running = chassis::launch("monolith", serving, CancellationToken::new(), start);
        Door {
            running: running.await.unwrap(),
            token: issuer.issue(CustomerId::new().0).unwrap(),
        }
    }

    async fn post(&self, n: usize) -> Response {
        let body = json!({
            "lines": [{ "sku": "product-00000", "quantity": 1 }],
            "payment_method": "tok_ok",
        });
        Client::new()
            .post(format!("{}/orders", self.running.url()))
            .bearer_auth(&self.token)
            .header("idempotency-key", n.to_string())
            .json(&body)
            .send()
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn an_order_that_is_shed_has_no_authorization() {
    let fixture = Fixture::open(LONG).await;
    let door = Door::open(&fixture, 2).await;
    // Every order that has a connection waits for the stock with it.
    let mut other = fixture.connect().await;
    let mut busy = other.begin().await.unwrap();
    sqlx::query("lock table stock in exclusive mode")
        .execute(&mut *busy)
        .await
        .unwrap();

    let answers = stream::iter(0..12).map(|n| door.post(n));
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
