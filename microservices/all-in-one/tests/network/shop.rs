//! A shop of either architecture, with a proxy between it and its database.

use std::process::{Child, Command};
use std::time::Duration;

use chassis::Running;
use chassis::config::{Database, Serving};
use payment_provider::Provider;
use reqwest::{Client, RequestBuilder, StatusCode};
use sandbox::PostgresProxy;
use sandbox::postgres::Lease;
use sandbox::testing::{self, until};
use serde_json::{Value, json};
use shop_testing::{Keys, offer, order_body};
use sqlx::AssertSqlSafe;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) const PRODUCTS: usize = 20;
pub(crate) const CONNECTIONS: u32 = 4;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Monolith,
    Services,
}

pub(crate) const BOTH: [Kind; 2] = [Kind::Monolith, Kind::Services];

pub(crate) struct Shop {
    pub(crate) proxy: PostgresProxy,
    pub(crate) database: Lease,
    pub(crate) http: Client,
    pub(crate) url: String,
    process: Process,
    pub(crate) provider: Provider,
}

/// Ends with its test.
struct Program(Child);

enum Process {
    Monolith(Running),
    Services(Program),
}

impl Shop {
    /// Starts it, with this many connections per pool and this time limit of a request.
    pub(crate) async fn start(kind: Kind, connections: u32, request: Duration) -> Shop {
        let database = testing::database("network").await;
        let proxy = PostgresProxy::start(&database.url).await.unwrap();
        let provider = payment_provider::testing::provider().await;
        let request_ms = request.as_millis() as u64;
        let (process, url) = match kind {
            Kind::Monolith => monolith(&proxy, &provider, connections, request_ms).await,
            Kind::Services => services(&proxy, &provider, connections, request_ms),
        };
        let shop = Shop {
            proxy,
            database,
            http: Client::new(),
            url,
            process,
            provider,
        };
        until("it is ready", async || shop.status("/readyz").await == 200).await;
        offer(&mut shop.database.connect().await.unwrap(), PRODUCTS).await;
        shop
    }

    /// As on SIGTERM.
    pub(crate) async fn stop(self) -> (Lease, PostgresProxy) {
        match self.process {
            Process::Monolith(running) => running.stop().await.unwrap(),
            Process::Services(mut program) => {
                let pid = program.0.id().to_string();
                let sent = Command::new("kill").args(["-TERM", &pid]).status();
                assert!(sent.unwrap().success());
                let ended = async || program.0.try_wait().unwrap().is_some();
                until("it has stopped", ended).await;
            }
        }
        (self.database, self.proxy)
    }

    /// The token of a new customer, if the shop registers it.
    pub(crate) async fn register(&self, email: &str) -> Option<String> {
        let account = json!({ "email": email, "password": "correct horse" });
        let registering = self.http.post(format!("{}/auth/register", self.url));
        let answer = registering.json(&account).send().await.ok()?;
        if answer.status() != StatusCode::CREATED {
            return None;
        }
        let token: Value = answer.json().await.ok()?;
        Some(token["access_token"].as_str().unwrap().to_owned())
    }

    /// An order of one piece, under a key.
    pub(crate) fn order(&self, token: &str, product: usize, key: &str) -> RequestBuilder {
        let request = self.http.post(format!("{}/orders", self.url));
        let request = request.bearer_auth(token).header("idempotency-key", key);
        request.json(&order_body(&format!("product-{product:05}"), 1))
    }

    /// The status of a `GET`, or 0 without an answer.
    pub(crate) async fn status(&self, path: &str) -> u16 {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await;
        answer.map_or(0, |answer| answer.status().as_u16())
    }

    /// Waits until the order is dispatched, by the facts in the database.
    pub(crate) async fn dispatched(&self, order: Uuid) {
        let shipped = format!(
            "select count(*) from order_facts where fact = 'dispatched' and order_id = '{order}'"
        );
        until("it is dispatched", async || self.count(&shipped).await == 1).await;
    }

    /// Counts without the proxy.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        count(&self.database, sql).await
    }

    pub(crate) async fn in_transaction(&self) -> i64 {
        self.count(IN_TRANSACTION).await
    }
}

/// Connections that have waited within a transaction for longer than any of the shop does.
const IN_TRANSACTION: &str = "
    select count(*) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
      and state like 'idle in transaction%' and state_change < now() - interval '500 ms'";

impl Drop for Program {
    fn drop(&mut self) {
        let _ = (self.0.kill(), self.0.wait());
    }
}

pub(crate) async fn count(database: &Lease, sql: &str) -> i64 {
    let mut direct = database.connect().await.unwrap();
    let count = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
    count.fetch_one(&mut direct).await.unwrap()
}

/// The id that an answer of 201 has.
pub(crate) async fn id_of(answer: reqwest::Response) -> Uuid {
    assert_eq!(answer.status(), StatusCode::CREATED);
    let order: Value = answer.json().await.unwrap();
    order["id"].as_str().unwrap().parse().unwrap()
}

async fn monolith(
    proxy: &PostgresProxy,
    provider: &Provider,
    connections: u32,
    request_timeout_ms: u64,
) -> (Process, String) {
    let keys = Keys::generate();
    let settings = monolith::Settings {
        serving: Serving {
            request_timeout_ms,
            ..Serving::on_free_port()
        },
        database: Database {
            database_pool_size: connections,
            ..Database::new(proxy.url())
        },
        token_key: keys.verifying,
        signing: keys.signing,
        payment_provider_url: provider.url(),
        cancellation_window_ms: 500,
        sweep_age_ms: 60_000,
        orders_per_connection: 64,
    };
    let (serving, stop) = (settings.serving.clone(), CancellationToken::new());
    let start = |context| monolith::start(settings, context);
    let running = chassis::launch("monolith", serving, stop, start);
    let running = running.await.unwrap();
    let url = running.url();
    (Process::Monolith(running), url)
}

fn services(
    proxy: &PostgresProxy,
    provider: &Provider,
    connections: u32,
    request_timeout_ms: u64,
) -> (Process, String) {
    let keys = Keys::generate();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let child = Command::new(env!("CARGO_BIN_EXE_all-in-one"))
        .env("LISTEN_ADDR", &address)
        .env("QUEUE_KIND", "local")
        .env("DATABASE_URL", proxy.url())
        // The process divides them among five pools.
        .env("DATABASE_POOL_SIZE", (connections * 5).to_string())
        .env("REQUEST_TIMEOUT_MS", request_timeout_ms.to_string())
        .env("PAYMENT_PROVIDER_URL", provider.url())
        .env("CANCELLATION_WINDOW_MS", "500")
        .envs(keys.variables())
        .spawn();
    (
        Process::Services(Program(child.unwrap())),
        format!("http://{address}"),
    )
}
