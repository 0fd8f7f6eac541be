use axum::Router;
use axum::routing::any;
use chassis::config::Serving;
use chassis::{Running, launch};
use gateway::Settings;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use shop_testing::Keys;
use tokio_util::sync::CancellationToken;

/// The gateway, with the services behind it, and a customer's token.
pub(crate) struct Fixture {
    pub(crate) running: Running,
    pub(crate) token: String,
    _services: Vec<Running>,
}

impl Fixture {
    /// In front of an auth service that answers `auth`, and an order service with these routes.
    pub(crate) async fn before(orders: Router) -> Fixture {
        let auth = serve(Router::new().route("/auth/{*rest}", any(async || "auth"))).await;
        let orders = serve(orders).await;
        let gateway = Fixture::open([auth.url(), orders.url()], |_| {}).await;
        Fixture {
            _services: vec![auth, orders],
            ..gateway
        }
    }

    /// In front of the auth and the order service at these URLs.
    pub(crate) async fn open(
        [auth, orders]: [String; 2],
        change: impl FnOnce(&mut Settings),
    ) -> Fixture {
        let keys = Keys::generate();
        let token = keys.token();
        let mut settings = Settings {
            serving: Serving::on_free_port(),
            token_key: keys.verifying,
            auth_service_url: auth.parse().unwrap(),
            order_service_url: orders.parse().unwrap(),
            concurrency_limit: 10,
        };
        change(&mut settings);
        let serving = settings.serving.clone();
        let start = |context| gateway::start(settings, context);
        let running = launch("gateway", serving, CancellationToken::new(), start);
        Fixture {
            running: running.await.unwrap(),
            token,
            _services: vec![],
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = Client::new().request(method, self.running.url() + path);
        request.bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }
}

pub(crate) async fn serve(routes: Router) -> Running {
    let stop = CancellationToken::new();
    launch("service", Serving::on_free_port(), stop, async |_| {
        Ok(routes)
    })
    .await
    .unwrap()
}

pub(crate) async fn text(response: Response) -> String {
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

/// The detail of a problem document, after a check that the answer is one.
pub(crate) async fn problem(response: Response, status: u16) -> String {
    assert_eq!(response.status(), status);
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status);
    problem["detail"].as_str().unwrap().to_owned()
}
