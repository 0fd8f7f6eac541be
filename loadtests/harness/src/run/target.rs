//! A target: a shop that runs already, such as containers, a cluster or AWS.
//!
//! It is measured from outside. With the addresses of its databases, ledger and queues it is
//! audited as every run is, and its times are those of the databases. Without them the harness
//! reads each order over HTTP, nothing is audited, and the verdict is withheld.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use analysis::model::LoadModel;
use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::meter::Usage;
use super::phases::wall_ms;
use super::subject::{Access, Endpoint, Subject};
use crate::audit::Sources;

/// How long a target may take, after the load, to finish what it has accepted. It has a
/// cancellation window of its own.
const DRAIN_LIMIT: Duration = Duration::from_secs(120);

/// A shop at an address.
#[derive(Debug)]
pub struct Target {
    url: String,
    http: reqwest::Client,
    tokens: Vec<String>,
    /// What its audit reads, or what is missing for an audit.
    sources: Result<Sources, String>,
}

#[derive(Deserialize)]
struct Registered {
    access_token: String,
}

impl Target {
    /// Registers new customers, and checks that the shop has the seeded products and that
    /// everything the audit reads can be read.
    ///
    /// # Errors
    /// When nothing answers, or it is another shop.
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
        let product = product.with_context(|| format!("nothing answers at {url}"))?;
        if !product.status().is_success() {
            bail!("{url} has no product-00000: is this the shop, and are its databases seeded?");
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
}

impl Subject for Target {
    /// The prefix is new for each run: a shop that was load-tested before would treat repeated keys
    /// as retries.
    fn endpoint(&self) -> Endpoint {
        Endpoint {
            base_urls: vec![self.url.clone()],
            tokens: self.tokens.clone(),
            key_prefix: Uuid::now_v7().to_string(),
        }
    }

    /// Orders that existed before the run are excluded. Orders that other customers place during it
    /// are included.
    async fn access(&self) -> anyhow::Result<Access> {
        match &self.sources {
            Ok(sources) => {
                let mut sources = sources.clone();
                sources.exclude_existing().await?;
                let clock_ahead_ms = clock_ahead_ms(&sources).await?;
                Ok(Access::Databases {
                    sources,
                    clock_ahead_ms,
                })
            }
            Err(missing) => Ok(Access::HttpOnly {
                missing: missing.clone(),
            }),
        }
    }

    fn drain_limit(&self, _: LoadModel) -> Duration {
        DRAIN_LIMIT
    }

    fn usage(&self, _: &[u32]) -> anyhow::Result<Option<Usage>> {
        Ok(None)
    }

    fn peak_memory(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }
}

/// How far the clock of the orders' database is ahead of ours. It takes the quickest of ten
/// queries, whose error is at most half its round trip.
async fn clock_ahead_ms(sources: &Sources) -> anyhow::Result<f64> {
    let mut orders = sources.connect("orders").await?;
    let mut best = (f64::INFINITY, 0.0);
    for _ in 0..10 {
        let (sent, ours) = (Instant::now(), wall_ms()?);
        let now = "select extract(epoch from clock_timestamp())::float8 * 1000";
        let theirs: f64 = sqlx::query_scalar(now).fetch_one(&mut orders).await?;
        let round_trip = sent.elapsed().as_secs_f64() * 1_000.0;
        if round_trip < best.0 {
            best = (round_trip, theirs - ours - round_trip / 2.0);
        }
    }
    Ok(best.1)
}
