//! All services as a process, over SQS, with a collector of spans beside it.
#![allow(clippy::unwrap_used)]

#[path = "it/lost_queues.rs"]
mod lost_queues;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::{Json, Router, routing::post};
use chassis::auth::KeyPair;
use reqwest::Client;
use sandbox::testing;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use store::{catalogue, inventory, seed};

/// What OpenTelemetry's collector would be sent.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

#[derive(Clone, Debug)]
struct Span {
    name: String,
    trace: String,
    id: String,
    parent: String,
    links: usize,
}

impl Collector {
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/v1/traces", post(collect));
        let serving = axum::serve(listener, routes.with_state(self.clone()));
        tokio::spawn(serving.into_future());
        url
    }

    fn of(&self, trace: &str) -> Vec<Span> {
        let spans = self.0.lock().unwrap();
        spans
            .iter()
            .filter(|span| span.trace == trace)
            .cloned()
            .collect()
    }
}

async fn collect(State(collector): State<Collector>, Json(document): Json<Value>) -> Json<Value> {
    let resource = &document["resourceSpans"][0];
    let service = &resource["resource"]["attributes"][0]["value"]["stringValue"];
    assert_eq!(service, "all-in-one");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let spans = resource["scopeSpans"][0]["spans"].as_array().unwrap();
    let spans = spans.iter().map(|span| Span {
        name: text(&span["name"]),
        trace: text(&span["traceId"]),
        id: text(&span["spanId"]),
        parent: text(&span["parentSpanId"]),
        links: span["links"].as_array().unwrap().len(),
    });
    collector.0.lock().unwrap().extend(spans);
    Json(json!({}))
}

/// A process that ends with its test.
struct Shop {
    process: Child,
    url: String,
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Shop {
    fn start(settings: &[(&str, &str)]) -> Shop {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut command = Command::new(env!("CARGO_BIN_EXE_all-in-one"));
        command.env("LISTEN_ADDR", address.to_string());
        Shop {
            process: command.envs(settings.iter().copied()).spawn().unwrap(),
            url: format!("http://{address}"),
        }
    }
}

/// Waits until `condition` is there, for up to a minute.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, condition: impl Fn() -> F) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(Instant::now() < deadline, "gave up waiting until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn one_trace_spans_the_whole_order() {
    let (database, sqs) = (testing::database("traced").await, testing::sqs().await);
    let (provider, keys) = (
        payment_provider::testing::provider().await,
        KeyPair::generate(),
    );
    let collector = Collector::default();
    let shop = Shop::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.listen().await),
        ("DATABASE_URL", &database.url),
        ("SQS_ENDPOINT_URL", &sqs.endpoint),
        ("QUEUE_PREFIX", &sqs.prefix),
        ("PAYMENT_PROVIDER_URL", &provider.url()),
        ("CANCELLATION_WINDOW_MS", "1000"),
        ("AUTH_PUBLIC_KEY", keys.public.expose()),
        ("AUTH_PRIVATE_KEY", keys.private.expose()),
    ]);
    let http = Client::new();
    let get = async |path: &str| http.get(format!("{}{path}", shop.url)).send().await.ok();
    until("it is ready", async || {
        get("/readyz").await.filter(|a| a.status() == 200)
    })
    .await;
    let mut db = PgConnection::connect(&database.url).await.unwrap();
    let products = seed::products(1);
    inventory::restock(&mut db, seed::deliveries(&products))
        .await
        .unwrap();
    catalogue::offer(&mut db, &products).await.unwrap();
    let account = json!({ "email": "ada@example.org", "password": "correct horse" });
    let registered = http
        .post(format!("{}/auth/register", shop.url))
        .json(&account);
    let registered: Value = registered.send().await.unwrap().json().await.unwrap();
    let token = registered["access_token"].as_str().unwrap();

    // The customer's own span, of which the shop knows nothing but this.
    let (trace, customer) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let order = json!({
        "lines": [{ "sku": "product-00000", "quantity": 1 }],
        "payment_method": "tok_ok",
    });
    let placed = http
        .post(format!("{}/orders", shop.url))
        .bearer_auth(token)
        .header("traceparent", format!("00-{trace}-{customer}-01"))
        .header("idempotency-key", "once")
        .json(&order);
    let placed: Value = placed.send().await.unwrap().json().await.unwrap();
    let order = format!("{}/orders/{}", shop.url, placed["id"].as_str().unwrap());
    until("it is dispatched", async || {
        let found = http.get(&order).bearer_auth(token).send().await.ok()?;
        let found: Value = found.json().await.ok()?;
        (found["status"] == "dispatched").then_some(())
    })
    .await;

    let handled = [
        "POST /orders",
        "process payment-events",
        "process inventory-events",
        "process shipping-events",
        "process shipping-dispatch",
        "process order-events",
    ];
    let spans = until("all of it is exported", async || {
        let spans = collector.of(trace);
        let has = |name: &str| spans.iter().any(|span| span.name == name);
        // The last of it: that it was dispatched is told to payment and to the order.
        let told = spans
            .iter()
            .filter(|span| span.name == "process order-events")
            .count()
            == 4;
        (handled.into_iter().all(has) && told).then_some(spans)
    })
    .await;

    // It is one tree: every span has its parent in the trace, up to the customer's.
    let ids: BTreeSet<&str> = spans.iter().map(|span| &*span.id).collect();
    assert_eq!(ids.len(), spans.len(), "no id twice");
    for span in &spans {
        let known = span.parent == customer || ids.contains(&*span.parent);
        assert!(known, "the parent of {span:?} is nowhere in {spans:#?}");
    }
    // And each event goes from the handler that told of it to the handler that was told.
    let by_id: BTreeMap<&str, &Span> = spans.iter().map(|span| (&*span.id, span)).collect();
    let way = |last: &str| {
        let mut span = *spans
            .iter()
            .find(|span| span.name == last)
            .as_ref()
            .unwrap();
        let mut names = vec![&*span.name];
        while let Some(parent) = by_id.get(&*span.parent) {
            names.push(&parent.name);
            span = parent;
        }
        names.reverse();
        names.join(" > ")
    };
    assert_eq!(
        way("process shipping-dispatch"),
        "POST /orders > create payment-events > process payment-events > \
         create inventory-events > process inventory-events > create shipping-events > \
         process shipping-events > create shipping-dispatch > process shipping-dispatch"
    );
    let sends: Vec<_> = spans
        .iter()
        .filter(|span| span.name.starts_with("send "))
        .collect();
    assert!(
        !sends.is_empty() && sends.iter().all(|send| send.links > 0),
        "{sends:?}"
    );
}
