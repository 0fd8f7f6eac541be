//! Both arms with their page, and a client of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use analysis::model::{Arm, ArmName};
use futures::StreamExt as _;
use harness::deployment::binaries::Binaries;
use harness::deployment::infrastructure::Servers;
use harness::deployment::{Deployment, DeploymentSpec, Infrastructure};
use live::{Page, Receiver, Started};
use reqwest::Method;
use sandbox::{Server, Storage};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

/// How long a test waits for what it expects.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Fixture {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) http: reqwest::Client,
    page: Page,
    infrastructure: Arc<Infrastructure>,
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
        let binaries = Binaries::build(&[Arm::Monolith, Arm::Services]).unwrap();
        let logs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("live");
        let server = Servers::Shared(Server::start(Storage::Memory).await.unwrap());
        let infrastructure = Infrastructure::on(server, binaries, logs).unwrap();
        let infrastructure = Arc::new(infrastructure);
        let receiver = Receiver::start().await.unwrap();
        let mut started = vec![];
        for arm in [Arm::Monolith, Arm::Services] {
            let spec = spec(arm, &receiver.endpoint);
            let deployment = Deployment::start(&infrastructure, &spec).await.unwrap();
            let name = ArmName::from(arm);
            started.push(Started {
                name,
                spec,
                deployment,
            });
        }
        let page = Page::start(&infrastructure, receiver, started, 0, |_| {})
            .await
            .unwrap();
        Fixture {
            url: page.address.split("/#").next().unwrap().to_owned(),
            token: page.token.clone(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            page,
            infrastructure,
        }
    }

    pub(crate) async fn stop(self) {
        for deployment in self.page.stop().await.unwrap() {
            deployment.remove(&self.infrastructure).await.unwrap();
        }
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

    /// Reads the stream until an event of this kind, from its beginning on, is as expected.
    pub(crate) async fn until(&self, kind: &str, is: impl Fn(&Value) -> bool) {
        // An order is an event that may have come already. A tick is about now.
        let after = (kind == "order").then_some(0);
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

fn spec(arm: Arm, collector: &str) -> DeploymentSpec {
    DeploymentSpec {
        arm,
        baseline: false,
        name: arm.code().to_owned(),
        replicas: 1,
        entry_gateway: false,
        products: 100,
        provider_latency_ms: 0,
        sqs_arguments: vec![],
        cancellation_window: Duration::from_secs(60),
        order_expiry: Duration::from_secs(900),
        overdue: None,
        seed: 1,
        slowdown: None,
        drill: None,
        first_port: None,
        collector: Some(collector.to_owned()),
    }
}
