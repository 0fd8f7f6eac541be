//! A client of the page.

use std::time::Duration;

use futures::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::shops::Shops;

/// How long a test waits for what it expects.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Fixture {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) http: reqwest::Client,
    shops: Shops,
}

/// An event of the stream.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: Option<u64>,
    pub(crate) kind: String,
    pub(crate) data: Value,
}

impl Fixture {
    pub(crate) async fn start() -> Fixture {
        let shops = Shops::start("live").await.unwrap();
        Fixture {
            url: shops.page.address.split("/#").next().unwrap().to_owned(),
            token: shops.page.token.clone(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            shops,
        }
    }

    pub(crate) async fn stop(self) {
        self.shops.stop().await.unwrap();
    }

    /// A call that succeeds.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> Value {
        let request = self.http.request(method, format!("{}{path}", self.url));
        let request = request.header("x-twofold-token", &self.token).json(&body);
        let answer = request.send().await.unwrap();
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Places an order at both sides. Returns the arm and the id of each that was accepted.
    pub(crate) async fn place(&self) -> Vec<(String, String)> {
        let order = json!({
            "arms": ["A0", "A3"], "sku": "product-00001", "quantity": 1, "payment_method": "tok_ok",
        });
        let placed = self.call(Method::POST, "/api/orders", order).await;
        let orders = placed["orders"].as_array().unwrap().iter();
        let text = |order: &Value, key: &str| order[key].as_str().map(str::to_owned);
        orders
            .filter_map(|order| Some((text(order, "arm")?, text(order, "id")?)))
            .collect()
    }

    /// Places an order at one side as a customer who knows nothing of the page. Returns its id.
    pub(crate) async fn place_outside(&self, arm: &str) -> String {
        let setup = self.call(Method::GET, "/api/setup", json!({})).await;
        let mut arms = setup["arms"].as_array().unwrap().iter();
        let shop = arms.find(|one| one["name"] == arm).unwrap()["url"]
            .as_str()
            .unwrap();
        let customer = json!({ "email": "ada@example.org", "password": "correct horse" });
        let registered = self
            .http
            .post(format!("{shop}/auth/register"))
            .json(&customer);
        let registered: Value = registered.send().await.unwrap().json().await.unwrap();
        let order = json!({
            "lines": [{ "sku": "product-00001", "quantity": 1 }], "payment_method": "tok_ok",
        });
        let placed = self
            .http
            .post(format!("{shop}/orders"))
            .bearer_auth(registered["access_token"].as_str().unwrap())
            .header("idempotency-key", "1")
            .json(&order);
        let placed: Value = placed.send().await.unwrap().json().await.unwrap();
        placed["id"].as_str().unwrap().to_owned()
    }

    /// Asks again and again until the answer is as expected.
    pub(crate) async fn eventually(&self, path: &str, is: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let answer = self.call(Method::GET, path, json!({})).await;
            if is(&answer) {
                return answer;
            }
            assert!(started.elapsed() < LIMIT, "{path} still answers {answer:#}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until an event of this kind from now on is as expected.
    pub(crate) async fn until(&self, kind: &str, is: impl FnMut(&Value) -> bool) {
        self.read(None, kind, is).await;
    }

    /// Waits until an event of this kind is as expected. It may have come already.
    pub(crate) async fn ever(&self, kind: &str, is: impl FnMut(&Value) -> bool) {
        self.read(Some(0), kind, is).await;
    }

    async fn read(&self, after: Option<u64>, kind: &str, mut is: impl FnMut(&Value) -> bool) {
        let mut last = None;
        let mut events = self.events(after).await;
        let found = async {
            while let Some(event) = events.next().await {
                if event.kind == kind {
                    if is(&event.data) {
                        return;
                    }
                    last = Some(event.data);
                }
            }
        };
        let found = timeout(LIMIT, found).await;
        assert!(found.is_ok(), "the last {kind} was {last:#?}");
    }

    /// The first events after this one.
    pub(crate) async fn events_after(&self, last: Option<u64>, count: usize) -> Vec<Event> {
        let events = self.events(last).await.take(count).collect();
        timeout(LIMIT, events).await.unwrap()
    }

    async fn events(
        &self,
        last: Option<u64>,
    ) -> std::pin::Pin<Box<dyn futures::Stream<Item = Event> + Send>> {
        let url = format!("{}/api/stream?token={}", self.url, self.token);
        let mut request = self.http.get(url);
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success());
        let read = (answer, String::new());
        let events = futures::stream::unfold(read, |(mut answer, mut text)| async move {
            loop {
                if let Some((event, rest)) = text.split_once("\n\n") {
                    let (event, rest) = (parse(event), rest.to_owned());
                    text = rest;
                    match event {
                        Some(event) => return Some((event, (answer, text))),
                        None => continue,
                    }
                }
                let chunk = answer.chunk().await.ok()??;
                text += &String::from_utf8_lossy(&chunk);
            }
        });
        Box::pin(events)
    }
}

/// `None` for a comment, which keeps the connection alive.
fn parse(event: &str) -> Option<Event> {
    let field = |name: &str| {
        let mut lines = event.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    Some(Event {
        id: field("id").and_then(|id| id.parse().ok()),
        kind: field("event")?.to_owned(),
        data: serde_json::from_str(field("data")?).ok()?,
    })
}
