//! All services as one process, over SQS, with a collector of spans.
#![allow(clippy::unwrap_used)]

#[path = "it/lost_queues.rs"]
mod lost_queues;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::{Json, Router, routing::post};
use reqwest::Client;
use sandbox::postgres::Lease;
use sandbox::testing::{self, until, until_some};
use serde_json::{Value, json};
use shop_testing::{Keys, offer, order_body};

/// The spans that an OpenTelemetry collector would receive.
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

/// Starts the shop with these settings, and returns when it is ready, with two products to order.
async fn ready(settings: &[(&str, &str)], database: &Lease) -> Shop {
    let shop = Shop::start(settings);
    until("it is ready", async || {
        let ready = reqwest::get(format!("{}/readyz", shop.url)).await;
        ready.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
    offer(&mut database.connect().await.unwrap(), 1).await;
    shop
}

/// The token of a new customer.
async fn register(shop: &Shop) -> String {
    let account = json!({ "email": "ada@example.org", "password": "correct horse" });
    let registering = Client::new().post(format!("{}/auth/register", shop.url));
    let registered = registering.json(&account).send().await.unwrap();
    let registered: Value = registered.json().await.unwrap();
    registered["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_trace_spans_the_whole_order() {
    let (database, sqs) = (testing::database("traced").await, testing::sqs().await);
    let provider = payment_provider::testing::provider().await;
    let (keys, collector) = (Keys::generate(), Collector::default());
    let [public, private] = keys.variables();
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.listen().await),
        ("DATABASE_URL", &database.url),
        ("SQS_ENDPOINT_URL", &sqs.endpoint),
        ("QUEUE_PREFIX", &sqs.prefix),
        ("PAYMENT_PROVIDER_URL", &provider.url()),
        ("CANCELLATION_WINDOW_MS", "1000"),
        public,
        private,
    ];
    let shop = ready(&settings, &database).await;
    let (http, token) = (Client::new(), register(&shop).await);

    // The customer's own span, of which the shop knows only these ids.
    let (trace, customer) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let placed = http
        .post(format!("{}/orders", shop.url))
        .bearer_auth(&token)
        .header("traceparent", format!("00-{trace}-{customer}-01"))
        .header("idempotency-key", "once")
        .json(&order_body("product-00000", 1));
    let placed: Value = placed.send().await.unwrap().json().await.unwrap();
    let order = format!("{}/orders/{}", shop.url, placed["id"].as_str().unwrap());
    until("it is dispatched", async || {
        let found = http.get(&order).bearer_auth(&token).send().await.unwrap();
        found.json::<Value>().await.unwrap()["status"] == "dispatched"
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
    let spans = until_some("all of it is exported", async || {
        let spans = collector.of(trace);
        let has = |name: &str| spans.iter().any(|span| span.name == name);
        // The last two events of four to the order service are about the dispatch.
        let all_events = spans
            .iter()
            .filter(|span| span.name == "process order-events")
            .count()
            == 4;
        (handled.into_iter().all(has) && all_events).then_some(spans)
    })
    .await;

    // It is one tree: every span has its parent in the trace, up to the customer's.
    let ids: BTreeSet<&str> = spans.iter().map(|span| &*span.id).collect();
    assert_eq!(ids.len(), spans.len(), "no id twice");
    for span in &spans {
        let has_parent = span.parent == customer || ids.contains(&*span.parent);
        assert!(has_parent, "the parent of {span:?} is not in {spans:#?}");
    }
    // And each event goes from the handler that published it to the handler that received it.
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
