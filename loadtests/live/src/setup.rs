//! What does not change while the page is open: the parts of both sides and their arrows.

use std::sync::Arc;

use contracts::topology::{SUBSCRIPTIONS, Settings, queues};
use harness::deployment::wiring::{component, entry_package};
use serde_json::{Value, json};

use crate::load::SCENARIOS;
use crate::sampler::INTERVAL;
use crate::side::{Side, database_of};

/// Products that the page offers.
const PRODUCTS: usize = 20;
/// A product that the seed offers without stock.
const SOLD_OUT: &str = "sold-out";

pub(crate) fn setup(sides: &[Arc<Side>], window: Settings) -> Value {
    let products = (0..PRODUCTS).map(|n| format!("product-{n:05}"));
    let products: Vec<String> = products.chain([SOLD_OUT.to_owned()]).collect();
    let scenarios = SCENARIOS.map(|(name, _)| json!({ "name": name }));
    json!({
        "arms": sides.iter().map(|side| arm(side, window)).collect::<Vec<_>>(),
        "scenarios": scenarios,
        "products": products,
        "payment_methods": ["tok_ok", "tok_declined"],
        "poll_ms": INTERVAL.as_millis() as u64,
        "version": env!("CARGO_PKG_VERSION"),
    })
}

fn arm(side: &Side, window: Settings) -> Value {
    let parts = side.board.parts();
    let parts: Vec<Value> = parts
        .iter()
        .map(|part| self::part(side, &part.name))
        .collect();
    let databases: Vec<&str> = side.databases().into_iter().map(|(name, _)| name).collect();
    let of_databases = databases
        .iter()
        .map(|name| json!({ "name": name, "kind": "database", "database": null }));
    json!({
        "name": side.code(),
        "phrase": side.phrase,
        "url": side.url(),
        "parts": parts.into_iter().chain(of_databases).collect::<Vec<_>>(),
        "databases": databases,
        "queues": match side.arm.uses_sqs() {
            true => all_queues(window),
            false => vec![],
        },
    })
}

fn part(side: &Side, name: &str) -> Value {
    let kind = match component(name) {
        "provider" => "provider",
        "sqs" => "queue_server",
        "postgres" => "database",
        package if package == entry_package(side.arm) => "entry",
        _ => "service",
    };
    json!({ "name": name, "kind": kind, "database": database_of(name) })
}

/// The queues with those who send to them and the one who reads them.
fn all_queues(window: Settings) -> Vec<Value> {
    let service = |name: &str| format!("{name}-service");
    let show = |queue: &contracts::topology::Queue| {
        let rows = SUBSCRIPTIONS.iter();
        let rows = rows.filter(|row| row.queues().any(|name| name == queue.name));
        let mut senders: Vec<String> = rows.map(|row| service(row.sent_by)).collect();
        if senders.is_empty() {
            // The order service sends it to itself, with a delay.
            senders.push(service(queue.read_by()));
        }
        senders.sort();
        senders.dedup();
        json!({
            "name": queue.name,
            "read_by": service(queue.read_by()),
            "senders": senders,
            "delay_s": queue.delay.as_secs(),
            "dead_letters": format!("{}-dlq", queue.name),
        })
    };
    queues(window).iter().map(show).collect()
}
