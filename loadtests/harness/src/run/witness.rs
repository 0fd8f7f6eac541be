//! The witness of a run: it reads the state of the orders, in the databases or over HTTP.

use std::time::{Duration, Instant};

use anyhow::Context;
use contracts::http::HistoryEntry;
use futures::future::join_all;
use uuid::Uuid;

use super::drain::{Backlog, DrainMonitor};
use super::meter::Counters;
use super::phases::Load;
use super::subject::{Access, Endpoint};
use crate::audit::snapshot::OrderEntry;
use crate::audit::{Snapshot, Sources};
use crate::load::recorder::Accepted;
use crate::measure::postgres::Meter;

/// Reads what a run did, as far as its shop can be read.
pub(super) enum Witness<'a> {
    Databases(Box<DatabaseWitness<'a>>),
    Http(Box<HttpWitness>),
}

/// The end of a load.
pub(super) struct Drained {
    pub(super) after: Duration,
    pub(super) backlog: Backlog,
}

/// Reads the databases, the ledger and the queues.
pub(super) struct DatabaseWitness<'a> {
    sources: &'a Sources,
    monitor: DrainMonitor<'a>,
    meter: Meter,
}

/// Reads the shop over HTTP, order by order.
pub(super) struct HttpWitness {
    http: reqwest::Client,
    endpoint: Endpoint,
    /// The orders of the last load.
    snapshot: Snapshot,
}

impl<'a> Witness<'a> {
    pub(super) async fn open(
        access: &'a Access,
        endpoint: &Endpoint,
    ) -> anyhow::Result<Witness<'a>> {
        match access {
            Access::Databases { sources, .. } => {
                let mut monitor = DrainMonitor::start(sources).await?;
                let mut meter = Meter::open(sources).await?;
                monitor.backends.extend(meter.backends().await?);
                Ok(Witness::Databases(Box::new(DatabaseWitness {
                    sources,
                    monitor,
                    meter,
                })))
            }
            Access::HttpOnly { .. } => Ok(Witness::Http(Box::new(HttpWitness {
                http: reqwest::Client::builder().timeout(TIMEOUT).build()?,
                endpoint: endpoint.clone(),
                snapshot: Snapshot::default(),
            }))),
        }
    }

    /// Process ids of the Postgres backends that serve the harness.
    pub(super) fn own_backends(&self) -> &[u32] {
        match self {
            Witness::Databases(one) => &one.monitor.backends,
            Witness::Http(_) => &[],
        }
    }

    /// Waits after a load until no work is left, or until the limit.
    pub(super) async fn drain(&mut self, limit: Duration, load: &Load) -> anyhow::Result<Drained> {
        let (after, backlog) = match self {
            Witness::Databases(one) => one.monitor.drain(limit).await?,
            Witness::Http(one) => {
                one.poll_orders(load).await?;
                (Duration::ZERO, Backlog::default())
            }
        };
        Ok(Drained { after, backlog })
    }

    /// The id of the newest order. Over HTTP the witness only sees orders of the last load, so the
    /// smallest possible id is enough.
    pub(super) async fn newest_order(&self) -> anyhow::Result<Uuid> {
        match self {
            Witness::Databases(one) => one.sources.last_order().await,
            Witness::Http(_) => Ok(Uuid::nil()),
        }
    }

    pub(super) async fn counters(&mut self) -> anyhow::Result<Option<Counters>> {
        let Witness::Databases(one) = self else {
            return Ok(None);
        };
        let postgres = one.meter.read().await?;
        let sqs_calls = match &one.sources.queues {
            Some(queues) => queues.calls().await,
            None => None,
        };
        Ok(Some(Counters {
            postgres,
            sqs_calls,
            own_statements: one.monitor.statements,
            statements_per_reading: one.meter.own_statements(),
        }))
    }

    /// Whether there is a queue server whose calls should be counted.
    pub(super) fn has_queues(&self) -> bool {
        match self {
            Witness::Databases(one) => one.sources.queues.is_some(),
            Witness::Http(_) => false,
        }
    }

    /// All rows that the orders have left.
    pub(super) async fn snapshot(&mut self) -> anyhow::Result<Snapshot> {
        match self {
            Witness::Databases(one) => {
                let mut snapshot = one.sources.read().await?;
                snapshot.outboxes = one.monitor.outboxes().await?.into_iter().collect();
                Ok(snapshot)
            }
            Witness::Http(one) => Ok(std::mem::take(&mut one.snapshot)),
        }
    }
}

const TIMEOUT: Duration = Duration::from_secs(20);
/// How long orders may take to settle where they can only be read over HTTP.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Requests at a time. More of them would be a load of their own.
const CONCURRENT_REQUESTS: usize = 8;

impl HttpWitness {
    /// Polls the facts of each accepted order until all are settled, or until the limit.
    async fn poll_orders(&mut self, load: &Load) -> anyhow::Result<()> {
        let mut open: Vec<Accepted> = load.outcomes.iter().filter_map(|one| one.order).collect();
        let started = Instant::now();
        let mut snapshot = Snapshot::default();
        while !open.is_empty() {
            for some in open.chunks(CONCURRENT_REQUESTS) {
                let answers = join_all(some.iter().map(|order| self.history(*order))).await;
                for (order, entry) in some.iter().zip(answers) {
                    snapshot.orders.insert(order.id, entry?);
                }
            }
            open.retain(|order| snapshot.orders[&order.id].settled_at_ms().is_none());
            if open.is_empty() || started.elapsed() > SETTLE_LIMIT {
                break;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        self.snapshot = snapshot;
        Ok(())
    }

    async fn history(&self, order: Accepted) -> anyhow::Result<OrderEntry> {
        let base_url = &self.endpoint.base_urls[0];
        let url = format!("{base_url}/orders/{}/history", order.id);
        let token = &self.endpoint.tokens[order.customer];
        let answer = self.http.get(&url).bearer_auth(token).send().await?;
        let answer = answer
            .error_for_status()
            .context("an accepted order cannot be read")?;
        let history: Vec<HistoryEntry> = strict_json::from_slice(&answer.bytes().await?)?;
        let facts = history.into_iter().map(|entry| {
            let at_ms = entry.at.unix_timestamp_nanos() as f64 / 1e6;
            (entry.fact, at_ms)
        });
        Ok(OrderEntry {
            total_minor: 0,
            lines: [].into(),
            facts: facts.collect(),
        })
    }
}
