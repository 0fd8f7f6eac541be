use auth_service::Settings;
use chassis::auth::TokenVerifier;
use chassis::config::{Database, Serving};
use chassis::{Running, launch};
use reqwest::{Client, Response};
use sandbox::postgres::Lease;
use sandbox::testing;
use serde_json::json;
use shop_testing::Keys;
use tokio_util::sync::CancellationToken;

/// The auth service in this process, with a database of its own.
pub(crate) struct Service {
    pub(crate) running: Running,
    pub(crate) tokens: TokenVerifier,
    pub(crate) database: Lease,
}

impl Service {
    pub(crate) async fn start() -> Service {
        let (database, keys) = (testing::database("auth").await, Keys::generate());
        let tokens = keys.verifier();
        let settings = Settings {
            serving: Serving::on_free_port(),
            database: Database::new(&database.url),
            signing: keys.signing,
        };
        let serving = settings.serving.clone();
        let start = |context| auth_service::start(settings, context);
        let running = launch("auth-service", serving, CancellationToken::new(), start);
        Service {
            running: running.await.unwrap(),
            tokens,
            database,
        }
    }

    pub(crate) async fn post(&self, path: &str, email: &str, password: &str) -> Response {
        let body = json!({"email": email, "password": password});
        let request = Client::new().post(self.running.url() + path).json(&body);
        request.send().await.unwrap()
    }

    pub(crate) async fn register(&self, email: &str, password: &str) -> Response {
        self.post("/auth/register", email, password).await
    }

    pub(crate) async fn login(&self, email: &str, password: &str) -> Response {
        self.post("/auth/login", email, password).await
    }
}
