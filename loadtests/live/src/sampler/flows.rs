//! The messages that have moved since the last tick, exactly, from the counters of the processes.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures::future::join_all;
use harness::deployment::wiring::component;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::metrics::{Counters, counters, since};
use crate::operator::{PartState, State};

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
