//! A run against something that is running already: containers, a cluster, AWS.
//!
//! It is measured from outside. What became of each order is asked of the shop itself, by the
//! history of facts with their times; without its databases nothing can be audited, and the
//! verdict is withheld.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, bail};
use contracts::http::HistoryEntry;
use futures::future::join_all;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::one_run::{LEAD, slots, void, wall_ms};
use super::settling::{self, Timing};
use crate::audit::Books;
use crate::audit::books::OrderEntry;
use crate::load::recorder::Accepted;
use crate::load::{Attack, Outcome, Pace, Recorder, attack};
use crate::plan::{Planned, Settings};
use crate::results::{Audit, Run};

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
}

#[derive(Deserialize)]
struct Registered {
    access_token: String,
}

impl Target {
    /// Registers customers of our own, and checks that the shop has the seeded products.
    ///
    /// # Errors
    /// When nobody answers, or it is another shop.
    pub async fn open(url: &str, customers: usize) -> anyhow::Result<Target> {
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
        let mut tokens = vec![];
        for _ in 0..customers {
            let email = format!("load-{}@example.com", Uuid::now_v7());
            let account = json!({ "email": email, "password": "correct horse battery" });
            let answer = http
                .post(format!("{url}/auth/register"))
                .json(&account)
                .send()
                .await?;
            let answer = answer
                .error_for_status()
                .context("cannot register a customer")?;
            tokens.push(answer.json::<Registered>().await?.access_token);
        }
        Ok(Target {
            url: url.to_owned(),
            http,
            tokens,
        })
    }

    pub async fn run(&self, settings: &Settings, planned: &Planned) -> anyhow::Result<Run> {
        let length = settings.warm_up + settings.duration;
        let rate = planned.rate();
        let begin = Instant::now() + LEAD;
        let begin_ms = wall_ms()? + LEAD.as_secs_f64() * 1_000.0;
        let slots = slots(settings, planned, rate);
        let offered = slots.len() as u64;
        let sent = Arc::new(Attack {
            base_url: self.url.clone(),
            scenario: planned.scenario,
            // The key of an order must be new to a shop that has seen us before.
            seed: settings.seed ^ begin_ms as u64,
            products: settings.products,
            last_orders: self.tokens.iter().map(|_| Mutex::default()).collect(),
            tokens: self.tokens.clone(),
            pace: Pace::open(slots, begin),
            recorder: Recorder::default(),
        });
        attack(Arc::clone(&sent), (rate * 6.0) as usize + 20, length).await?;
        let outcomes = sent.recorder.take();

        let (warm_up, objective) = (settings.warm_up, settings.objective);
        let books = self.ask(&outcomes).await?;
        let mut run = Run {
            arm: planned.label.clone(),
            scenario: planned.scenario.code().to_owned(),
            model: planned.model.name().to_owned(),
            rate_per_s: rate,
            pair: planned.pair,
            position: planned.position,
            replicas: planned.replicas,
            duration_s: settings.duration.as_secs_f64(),
            offered,
            audit: Audit {
                checks: vec![],
                not_run: Some(NO_AUDIT.to_owned()),
            },
            ..Run::default()
        };
        settling::note(
            &mut run,
            &outcomes,
            &books,
            Timing {
                begin_ms,
                warm_up,
                length,
                objective,
            },
        );
        run.void = void(&run, super::drain::Left::default());
        Ok(run)
    }

    /// What the shop says of each accepted order, once it is settled or the limit is over.
    async fn ask(&self, outcomes: &[Outcome]) -> anyhow::Result<Books> {
        let mut open: Vec<Accepted> = outcomes.iter().filter_map(|one| one.order).collect();
        let deadline = Instant::now() + SETTLE_LIMIT;
        let mut books = Books::default();
        while !open.is_empty() {
            for some in open.chunks(ASKERS) {
                let asked = some.iter().map(|order| self.history(*order));
                for (order, entry) in some.iter().zip(join_all(asked).await) {
                    books.orders.insert(order.id, entry?);
                }
            }
            open.retain(|order| books.orders[&order.id].settled_at_ms().is_none());
            if open.is_empty() || Instant::now() > deadline {
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
        let history: Vec<HistoryEntry> = answer.json().await?;
        let facts = history.into_iter().map(|entry| {
            let at_ms = entry.at.unix_timestamp_nanos() as f64 / 1e6;
            (entry.fact, at_ms)
        });
        Ok(OrderEntry {
            total_minor: 0,
            lines: [].into(),
            placed_at_ms: 0.0,
            facts: facts.collect(),
        })
    }
}

const NO_AUDIT: &str = "its databases were not within reach, so the verdict is withheld";
