//! A run against something that is running already: containers, a cluster, AWS.
//!
//! It is measured from outside. With the addresses of its databases, ledger and queues it is
//! audited as every run is, and its times are the databases' own. Without them what became of each
//! order is asked of the shop itself, nothing is audited, and the verdict is withheld.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use contracts::http::HistoryEntry;
use futures::future::join_all;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::drain::{Left, Watch};
use super::loading::{Door, Phase, load, wall_ms};
use super::meter::calls_between;
use super::one_run::{audited, blank, void};
use super::settling;
use crate::audit::books::OrderEntry;
use crate::audit::{Books, Sources};
use crate::load::Outcome;
use crate::load::recorder::Accepted;
use crate::measure::postgres::{self, Meter};
use crate::plan::{Planned, Settings};
use crate::results::{Audit, Run};

/// How long a target may take, after the load, to finish what it has accepted: its cancellation
/// window is its own.
const DRAIN_LIMIT: Duration = Duration::from_secs(120);
const SETTLE_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(500);
/// Questions at a time, so that asking is no load of its own.
const ASKERS: usize = 8;

/// An architecture at an address.
#[derive(Debug)]
pub struct Target {
    pub url: String,
    http: reqwest::Client,
    tokens: Vec<String>,
    /// What its audit reads, or what is missing for one.
    sources: Result<Sources, String>,
}

#[derive(Deserialize)]
struct Registered {
    access_token: String,
}

impl Target {
    /// Registers customers of our own, and checks that the shop has the seeded products and that
    /// everything the audit reads can be read.
    ///
    /// # Errors
    /// When nobody answers, or it is another shop.
    pub async fn open(
        url: &str,
        customers: usize,
        sources: Result<Sources, String>,
    ) -> anyhow::Result<Target> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .build()?;
        let product = http
            .get(format!("{url}/products/product-00000"))
            .send()
            .await;
        let product = product.with_context(|| format!("nobody answers at {url}"))?;
        if !product.status().is_success() {
            bail!("{url} has no product-00000: seed it as its deployment says");
        }
        if let Ok(sources) = &sources {
            let read = sources.read().await;
            read.with_context(|| format!("{url} cannot be audited"))?;
        }
        let mut target = Target {
            url: url.to_owned(),
            http,
            tokens: vec![],
            sources,
        };
        for _ in 0..customers {
            let token = target.register().await?;
            target.tokens.push(token);
        }
        Ok(target)
    }

    async fn register(&self) -> anyhow::Result<String> {
        let email = format!("load-{}@example.com", Uuid::now_v7());
        let account = json!({ "email": email, "password": "correct horse battery" });
        let request = self.http.post(format!("{}/auth/register", self.url));
        let answer = request.json(&account).send().await?.error_for_status();
        let answer = answer.context("cannot register a customer")?;
        let registered: Registered = strict_json::from_slice(&answer.bytes().await?)?;
        Ok(registered.access_token)
    }

    pub async fn run(&self, settings: &Settings, planned: &Planned) -> anyhow::Result<Run> {
        let mut run = blank(settings, planned);
        let door = Door {
            base_urls: vec![self.url.clone()],
            tokens: self.tokens.clone(),
            // The key of an order must be new to a shop that has seen us before.
            keys: Uuid::now_v7().to_string(),
        };
        match &self.sources {
            Ok(sources) => {
                let planned = (settings, planned);
                self.audited(sources, planned, &door, &mut run).await?;
            }
            Err(missing) => {
                let warm_up = load(settings, planned, &door, Phase::WarmUp).await?;
                self.ask(&warm_up.outcomes).await?;
                let load = load(settings, planned, &door, Phase::Measured).await?;
                let books = self.ask(&load.outcomes).await?;
                let objective = settings.objective;
                settling::note(&mut run, &load, &books, Uuid::nil(), objective);
                run.audit.not_run = Some(format!("{missing}, so the verdict is withheld"));
                run.void = void(&run, Left::default());
            }
        }
        Ok(run)
    }

    /// What was there before the run is none of it, and other customers' orders during it are.
    async fn audited(
        &self,
        sources: &Sources,
        (settings, planned): (&Settings, &Planned),
        door: &Door,
        run: &mut Run,
    ) -> anyhow::Result<()> {
        let mut sources = sources.clone();
        sources.begin_here().await?;
        let ahead_ms = clock_ahead_ms(&sources).await?;
        let mut watch = Watch::start(&sources).await?;
        let mut meter = Meter::open(&sources).await?;
        let warm_up = load(settings, planned, door, Phase::WarmUp).await?;
        let (_, cold) = watch.drain(DRAIN_LIMIT).await?;
        let since = sources.last_order().await?;

        let asked = watch.statements;
        let (before, calls_before) = (meter.read().await?, calls(&sources).await);
        let mut measured = load(settings, planned, door, Phase::Measured).await?;
        let (drained, left) = watch.drain(DRAIN_LIMIT).await?;
        let (after, calls_after) = (meter.read().await?, calls(&sources).await);
        let ours = watch.statements - asked + meter.own_statements();

        let mut books = sources.read().await?;
        books.outboxes = watch.outboxes().await?.into_iter().collect();
        measured.begin_ms += ahead_ms;
        run.drain_ms = drained.as_secs_f64() * 1_000.0;
        run.sqs_calls = calls_between(&calls_before, &calls_after);
        run.postgres = postgres::between(&before, &after, ours);
        settling::note(run, &measured, &books, since, settings.objective);
        run.audit = Audit {
            checks: audited(&books, &warm_up, &measured),
            not_run: None,
        };
        run.void = void(run, if left.is_nothing() { cold } else { left });
        Ok(())
    }

    /// What the shop says of each accepted order, once it is settled or the limit is over.
    async fn ask(&self, outcomes: &[Outcome]) -> anyhow::Result<Books> {
        let mut open: Vec<Accepted> = outcomes.iter().filter_map(|one| one.order).collect();
        let started = Instant::now();
        let mut books = Books::default();
        while !open.is_empty() {
            for some in open.chunks(ASKERS) {
                let asked = some.iter().map(|order| self.history(*order));
                for (order, entry) in some.iter().zip(join_all(asked).await) {
                    books.orders.insert(order.id, entry?);
                }
            }
            open.retain(|order| books.orders[&order.id].settled_at_ms().is_none());
            if open.is_empty() || started.elapsed() > SETTLE_LIMIT {
                break;
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(books)
    }

    async fn history(&self, order: Accepted) -> anyhow::Result<OrderEntry> {
        let url = format!("{}/orders/{}/history", self.url, order.id);
        let token = &self.tokens[order.customer];
        let answer = self.http.get(&url).bearer_auth(token).send().await?;
        let answer = answer
            .error_for_status()
            .context("an accepted order cannot be seen")?;
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

/// Empty where the queue server counts nothing.
async fn calls(sources: &Sources) -> BTreeMap<String, u64> {
    match &sources.queues {
        Some(queues) => queues.calls().await.unwrap_or_default(),
        None => BTreeMap::new(),
    }
}

/// How far the clock of the orders' database is ahead of ours, by the quickest of some questions:
/// half its way is what the answer may be wrong by.
async fn clock_ahead_ms(sources: &Sources) -> anyhow::Result<f64> {
    let mut orders = sources.connect("orders").await?;
    let mut best = (f64::INFINITY, 0.0);
    for _ in 0..10 {
        let (asked, ours) = (Instant::now(), wall_ms()?);
        let now = "select extract(epoch from clock_timestamp())::float8 * 1000";
        let theirs: f64 = sqlx::query_scalar(now).fetch_one(&mut orders).await?;
        let way = asked.elapsed().as_secs_f64() * 1_000.0;
        if way < best.0 {
            best = (way, theirs - ours - way / 2.0);
        }
    }
    Ok(best.1)
}
