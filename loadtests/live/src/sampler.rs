//! The sampler: reads the state of both sides four times per second, off the measured path.

mod flows;
mod processes;
mod queues;
mod tables;

use std::sync::Arc;
use std::time::Duration;

use harness::deployment::wiring::{component, entry_package};
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, timeout};

use self::flows::{Calls, Flows};
use self::processes::{Meter, PostgresMeter};
use self::tables::Tables;
use crate::audit::audit;
use crate::clock::now_ms;
use crate::events::Events;
use crate::load::Load;
use crate::operator::PartState;
use crate::outside::Outside;
use crate::side::Side;
use crate::spans::Spans;

/// The time between two ticks.
pub(crate) const INTERVAL: Duration = Duration::from_millis(250);
/// A part that is paused or dead gives no figures for this tick.
const TIMEOUT: Duration = Duration::from_millis(200);

/// Publishes a tick for both sides until the program ends.
pub(crate) async fn sample(
    events: Events,
    sides: Vec<Arc<Side>>,
    load: Arc<Load>,
    spans: Spans,
    http: reqwest::Client,
) {
    let mut samplers: Vec<SideSampler> = sides.iter().map(SideSampler::new).collect();
    let (mut own, mut postgres) = (Meter::default(), PostgresMeter::default());
    let mut had_faults = false;
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        for order in load.collect() {
            events.publish("order", &order);
        }
        let postgres_cores = postgres_pid(&sides).map_or(0.0, |pid| postgres.read(pid));
        let both = samplers
            .iter_mut()
            .map(|sampler| sampler.tick(&http, &events, &spans, postgres_cores));
        let arms = futures::future::join_all(both).await;
        let arms: serde_json::Map<String, Value> = arms.into_iter().collect();
        let faults: Vec<Value> = sides.iter().flat_map(|side| faults(side)).collect();
        if had_faults && faults.is_empty() {
            let (events, sides, load) = (events.clone(), sides.clone(), Arc::clone(&load));
            tokio::spawn(async move { audit(&events, &sides, &load).await });
        }
        had_faults = !faults.is_empty();
        let tick = json!({
            "at_ms": now_ms(),
            "arms": arms,
            "load": load.state(),
            "faults": faults,
            "cost": { "cpu": own.read(std::process::id()) },
            "dropped": spans.dropped(),
        });
        events.publish("tick", &tick);
    }
}

/// One server has the databases of both sides.
fn postgres_pid(sides: &[Arc<Side>]) -> Option<u32> {
    let parts = sides.first()?.board.parts();
    let postgres = parts.iter().find(|part| part.name == "postgres");
    postgres.map(|part| part.pid)
}

fn faults(side: &Side) -> Vec<Value> {
    let faults = side.board.faults().into_iter().map(|fault| {
        json!({
            "id": fault.id, "arm": side.code(), "part": fault.part, "since_ms": fault.since_ms,
        })
    });
    faults.collect()
}

/// What is remembered from tick to tick of one side.
struct SideSampler {
    side: Arc<Side>,
    meter: Meter,
    flows: Flows,
    calls: Calls,
    outside: Outside,
    tables: Tables,
}

impl SideSampler {
    fn new(side: &Arc<Side>) -> SideSampler {
        SideSampler {
            side: Arc::clone(side),
            meter: Meter::default(),
            flows: Flows::default(),
            calls: Calls::default(),
            outside: Outside::default(),
            tables: Tables::new(side),
        }
    }

    async fn tick(
        &mut self,
        http: &reqwest::Client,
        events: &Events,
        spans: &Spans,
        postgres_cores: f64,
    ) -> (String, Value) {
        let parts = self.side.board.parts();
        self.take_news(spans, &parts);
        let sqs = parts.iter().find(|part| part.name == "sqs");
        let sqs = sqs.and_then(|part| part.url.clone());
        let queues = async {
            let url = sqs?;
            let read = timeout(TIMEOUT, queues::read(http, &url));
            read.await.ok().flatten()
        };
        let (side, flows, tables) = (&self.side, &mut self.flows, &mut self.tables);
        let (queues, mut flows, tables) = tokio::join!(
            queues,
            flows.read(http, &parts, TIMEOUT),
            tables.read(side, &mut self.outside, TIMEOUT),
        );
        for order in tables.changed {
            events.publish("order", &order.event(side.code()));
        }
        let figures = side.book.tick();
        self.calls.count_orders(figures.accepted, figures.traced);
        flows.extend(self.calls.take());
        let tick = json!({
            "processes": self.meter.processes(&parts, postgres_cores, &tables.connections),
            "queues": queues.unwrap_or_default(),
            "outboxes": tables.outboxes,
            "flows": flows,
            "orders": figures.orders(),
            "latency_ms": figures.latency_ms(),
            "backlog": side.book.totals().pending,
        });
        (side.code().to_owned(), tick)
    }

    /// Takes what the spans of this side show. Replicas of a service share its name.
    fn take_news(&mut self, spans: &Spans, parts: &[PartState]) {
        for part in parts {
            let service = component(&part.name);
            let news = spans.news(service);
            self.calls.add(service, news.calls);
            if service == entry_package(self.side.arm) {
                self.outside.take(news.requests, &self.side.book);
            }
        }
    }
}
