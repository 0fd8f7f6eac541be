//! The sampler: reads the state of both sides four times per second, off the measured path.

mod flows;
mod processes;
mod queues;
mod tables;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, timeout};

use self::flows::Flows;
use self::processes::Meter;
use self::tables::Tables;
use crate::clock::now_ms;
use crate::events::Events;
use crate::load::Load;
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
    let mut own = Meter::default();
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        for order in load.collect() {
            events.publish("order", &order);
        }
        let both = samplers
            .iter_mut()
            .map(|sampler| sampler.tick(&http, &events));
        let arms = futures::future::join_all(both).await;
        let arms: serde_json::Map<String, Value> = arms.into_iter().collect();
        let faults = sides.iter().flat_map(|side| {
            let faults = side.board.faults().into_iter();
            faults.map(|fault| {
                json!({
                    "id": fault.id, "arm": side.code(), "part": fault.part,
                    "since_ms": fault.since_ms,
                })
            })
        });
        let tick = json!({
            "at_ms": now_ms(),
            "arms": arms,
            "load": load.state(),
            "faults": faults.collect::<Vec<_>>(),
            "cost": { "cpu": own.read([std::process::id()])[0] },
            "dropped": spans.dropped(),
        });
        events.publish("tick", &tick);
    }
}

/// What is remembered from tick to tick of one side.
struct SideSampler {
    side: Arc<Side>,
    meter: Meter,
    flows: Flows,
    tables: Tables,
}

impl SideSampler {
    fn new(side: &Arc<Side>) -> SideSampler {
        SideSampler {
            side: Arc::clone(side),
            meter: Meter::default(),
            flows: Flows::default(),
            tables: Tables::new(side),
        }
    }

    async fn tick(&mut self, http: &reqwest::Client, events: &Events) -> (String, Value) {
        let parts = self.side.board.parts();
        let sqs = parts.iter().find(|part| part.name == "sqs");
        let sqs = sqs.and_then(|part| part.url.clone());
        let queues = async {
            match sqs {
                Some(url) => timeout(TIMEOUT, queues::read(http, &url))
                    .await
                    .ok()
                    .flatten(),
                None => None,
            }
        };
        let (side, flows, tables) = (&self.side, &mut self.flows, &mut self.tables);
        let (queues, flows, tables) = tokio::join!(
            queues,
            flows.read(http, &parts, TIMEOUT),
            tables.read(&side.book, TIMEOUT),
        );
        for order in tables.changed {
            events.publish("order", &order.event(side.code()));
        }
        let (orders, latency_ms, backlog) = side.book.tick();
        let tick = json!({
            "processes": self.meter.processes(&parts, &tables.connections),
            "queues": queues.unwrap_or_default(),
            "outboxes": tables.outboxes,
            "flows": flows,
            "orders": orders,
            "latency_ms": latency_ms,
            "backlog": backlog,
        });
        (side.code().to_owned(), tick)
    }
}
