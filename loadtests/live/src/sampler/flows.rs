//! What has moved since the last tick: messages, exactly, from the counters of the processes, and
//! calls to databases and to the payment provider, estimated from the traced orders.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures::future::join_all;
use harness::deployment::wiring::component;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::metrics::{Counters, counters, since};
use crate::operator::{PartState, State};

/// Ticks over which the calls of a service are spread, since it exports its spans once per second.
const SPREAD: f64 = 4.0;
/// How much of the past counts in the estimate from tick to tick: some seconds of it.
const MEMORY: f64 = 0.95;

/// The counters of the last tick by process.
#[derive(Default)]
pub(super) struct Flows(HashMap<String, Counters>);

impl Flows {
    pub(super) async fn read(
        &mut self,
        http: &reqwest::Client,
        parts: &[PartState],
        limit: Duration,
    ) -> Vec<Value> {
        let counted = parts.iter().filter(|part| {
            let has_counters = !["provider", "sqs", "postgres"].contains(&part.name.as_str());
            has_counters && part.state == State::Up
        });
        let readings = counted.filter_map(|part| Some((part, part.url.clone()?)));
        let readings = readings.map(|(part, url)| async move {
            let request = async {
                let answer = http.get(format!("{url}/metrics")).send().await?;
                answer.text().await
            };
            let text = timeout(limit, request).await.ok()?.ok()?;
            Some((part.name.clone(), counters(&text)))
        });
        let mut flows: BTreeMap<(String, String), u64> = BTreeMap::new();
        for (name, now) in join_all(readings).await.into_iter().flatten() {
            let before = self.0.insert(name.clone(), now.clone());
            // What happened before the page began is no flow.
            let Some(before) = before else { continue };
            let service = component(&name).to_owned();
            let mut add = |from: &str, to: &str, count: u64| {
                *flows.entry((from.to_owned(), to.to_owned())).or_default() += count;
            };
            for (queue, count) in &now.sent {
                let earlier = before.sent.get(queue).copied().unwrap_or(0);
                add(&service, queue, since(*count, earlier));
            }
            for (queue, count) in &now.received {
                let earlier = before.received.get(queue).copied().unwrap_or(0);
                add(queue, &service, since(*count, earlier));
            }
            let from = match service.as_str() {
                "order-service" => "gateway",
                _ => "customer",
            };
            add(from, &service, since(now.requests, before.requests));
        }
        let moved = flows.into_iter().filter(|(_, count)| *count > 0);
        moved
            .map(|((from, to), count)| json!({ "from": from, "to": to, "count": count }))
            .collect()
    }
}

/// Calls by caller and callee.
#[derive(Default)]
pub(super) struct Calls {
    /// Those that the page has not been sent.
    waiting: BTreeMap<(String, &'static str), f64>,
    /// Recent orders, and those of them that are traced.
    accepted: f64,
    traced: f64,
}

impl Calls {
    pub(super) fn count_orders(&mut self, accepted: u64, traced: u64) {
        self.accepted = self.accepted * MEMORY + accepted as f64;
        self.traced = self.traced * MEMORY + traced as f64;
    }

    /// Adds the calls that the spans of a service show.
    pub(super) fn add(&mut self, service: &str, calls: BTreeMap<&'static str, u64>) {
        let orders_per_trace = (self.accepted / self.traced.max(1.0)).max(1.0);
        for (callee, count) in calls {
            let calls = self.waiting.entry((service.to_owned(), callee));
            *calls.or_default() += count as f64 * orders_per_trace;
        }
    }

    /// The calls of this tick.
    pub(super) fn take(&mut self) -> Vec<Value> {
        let mut flows = vec![];
        for ((from, to), waiting) in &mut self.waiting {
            let count = (*waiting / SPREAD).ceil().min(waiting.floor());
            if count > 0.0 {
                *waiting -= count;
                flows.push(json!({ "from": from, "to": to, "count": count as u64 }));
            }
        }
        flows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_estimated_from_the_traced_orders_and_spread_over_the_ticks() {
        let check = |accepted, traced, expected| {
            let mut calls = Calls::default();
            calls.count_orders(accepted, traced);
            calls.add("payment-service", [("provider", 10)].into());
            let ticks: Vec<u64> = (0..20)
                .flat_map(|_| calls.take())
                .map(|flow| flow["count"].as_u64().unwrap())
                .collect();
            assert!(ticks.len() > 3, "{ticks:?}");
            assert_eq!(ticks.iter().sum::<u64>(), expected, "{ticks:?}");
        };
        check(10, 10, 10);
        check(75, 3, 250);
        check(0, 0, 10);
    }
}
