//! The shops under test.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use analysis::model::Arm;
use contracts::http::ProductPage;
use harness::deployment::binaries::Binaries;
use harness::deployment::infrastructure::{ExternalQueues, Servers};
use harness::deployment::{Deployment, DeploymentSpec, Infrastructure};
use reqwest::{Client, Method, RequestBuilder};
use sandbox::{Server, Storage, testing};
use tokio::sync::{OnceCell, RwLock, RwLockWriteGuard};

use crate::answer::Answer;
use crate::customer::Customer;

/// A product that the seed offers without stock.
pub(crate) const SOLD_OUT: &str = "sold-out";

/// Long enough for a test to cancel in time on a busy machine, and short enough to wait for.
const CANCELLATION_WINDOW: Duration = Duration::from_secs(3);

/// One architecture, at its entry address.
pub(crate) struct Shop {
    url: String,
    /// Where `/metrics` and `/readyz` are: the same address, unless operators have their own.
    admin_url: String,
    http: Client,
    pub(crate) started: Option<Started>,
}

/// What these tests know of a shop that they started.
#[derive(Clone)]
pub(crate) struct Started {
    pub(crate) infrastructure: Arc<Infrastructure>,
    pub(crate) deployment: Arc<Deployment>,
}

/// Tests share the shops, except the test that needs them alone.
static IN_USE: RwLock<()> = RwLock::const_new(());

/// All shops under test, one after another. A failure shows which one it was.
pub(crate) async fn shops() -> impl Iterator<Item = Shop> {
    let in_use = IN_USE.read().await;
    // The iterator keeps the lock until its loop ends.
    all_shops().await.inspect(move |_| {
        let _ = &in_use;
    })
}

/// All shops under test, while no other test uses them.
pub(crate) async fn shops_alone() -> (RwLockWriteGuard<'static, ()>, Vec<Shop>) {
    let alone = IN_USE.write().await;
    (alone, all_shops().await.collect())
}

async fn all_shops() -> impl Iterator<Item = Shop> {
    // A failure is kept too: a shop that did not start is not tried again for every test.
    static SHOPS: OnceCell<anyhow::Result<Vec<Place>>> = OnceCell::const_new();
    let places = SHOPS.get_or_init(|| async {
        match external_places() {
            Some(places) => Ok(places),
            None => start("acceptance", None).await,
        }
    });
    let places = places.await.as_ref();
    reached(places.unwrap_or_else(|error| panic!("{error:#}")))
}

/// Both architectures, started for one test that needs its own. `None` if the shops under test are
/// elsewhere.
pub(crate) async fn own_shops(name: &str, log_filter: &'static str) -> Option<Vec<Shop>> {
    if external_places().is_some() {
        return None;
    }
    let places = start(name, Some(log_filter)).await;
    let places = places.unwrap_or_else(|error| panic!("{error:#}"));
    Some(reached(&places).collect())
}

/// The address of a shop, and what ends with the tests.
struct Place {
    name: &'static str,
    url: String,
    admin_url: String,
    started: Option<Started>,
}

/// A client belongs to the runtime of its test.
fn reached(places: &[Place]) -> impl Iterator<Item = Shop> {
    let http = Client::new();
    places.iter().map(move |place| {
        println!("at the {} ({})", place.name, place.url);
        Shop {
            url: place.url.clone(),
            admin_url: place.admin_url.clone(),
            http: http.clone(),
            started: place.started.clone(),
        }
    })
}

/// The shops at `ACCEPTANCE_BASE_URLS`. There are as many `ACCEPTANCE_ADMIN_URLS`.
fn external_places() -> Option<Vec<Place>> {
    let urls = std::env::var("ACCEPTANCE_BASE_URLS").ok()?;
    let trimmed = |url: &str| url.trim().trim_end_matches('/').to_owned();
    let admin_urls = std::env::var("ACCEPTANCE_ADMIN_URLS");
    let admin_urls = admin_urls.as_ref().unwrap_or(&urls).split(',');
    let places = urls
        .split(',')
        .zip(admin_urls)
        .map(|(url, admin_url)| Place {
            name: "external shop",
            url: trimmed(url),
            admin_url: trimmed(admin_url),
            started: None,
        });
    Some(places.collect())
}

/// Starts both architectures, each as the processes of a deployment. Servers that run already are
/// used, and others are started.
async fn start(name: &str, log_filter: Option<&'static str>) -> anyhow::Result<Vec<Place>> {
    let arms = [Arm::Monolith, Arm::Services];
    let binaries = Binaries::build(&arms)?;
    let logs = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let given = testing::options().await;
    let server = match &given.database_url {
        Some(url) => Server::external(url).await?,
        None => Server::start(Storage::Disk).await?,
    };
    let mut infrastructure = Infrastructure::on(Servers::Shared(server), binaries, logs)?;
    infrastructure.log_filter = log_filter;
    infrastructure.queues = given.sqs_endpoint_url.map(|endpoint| ExternalQueues {
        endpoint,
        prefix: format!("{name}{}-", std::process::id()),
    });

    let infrastructure = Arc::new(infrastructure);
    let mut places = vec![];
    for arm in arms {
        let deployment = Deployment::start(&infrastructure, &spec(arm)).await?;
        let url = deployment.base_urls[0].clone();
        places.push(Place {
            name: arm.title(),
            url: url.clone(),
            admin_url: url,
            started: Some(Started {
                infrastructure: infrastructure.clone(),
                deployment: Arc::new(deployment),
            }),
        });
    }
    Ok(places)
}

fn spec(arm: Arm) -> DeploymentSpec {
    DeploymentSpec {
        arm,
        baseline: false,
        name: arm.code().to_owned(),
        replicas: 1,
        entry_gateway: false,
        products: 100,
        provider_latency_ms: 0,
        sqs_arguments: vec![],
        cancellation_window: CANCELLATION_WINDOW,
        order_expiry: Duration::from_secs(600),
        overdue: None,
        drill: None,
        seed: 1,
        slowdown: None,
        first_port: None,
        collector: None,
    }
}

impl Shop {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// The host and port, for requests that no HTTP client would send.
    pub(crate) fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    /// The same at the address for operators.
    pub(crate) async fn get_admin(&self, path: &str) -> Answer {
        Answer::to(self.http.get(format!("{}{path}", self.admin_url))).await
    }

    /// A new customer with an account and no orders.
    pub(crate) async fn customer(&self) -> Customer {
        Customer::register(&self.http, &self.url).await
    }

    /// A customer who has signed in.
    pub(crate) fn customer_with(&self, token: &str) -> Customer {
        Customer::signed_in(&self.http, &self.url, token)
    }

    /// The SKU of a product that is in stock.
    pub(crate) async fn product(&self) -> String {
        let page: ProductPage = self.get("/products?limit=2").await.is(200).read();
        let product = page
            .items
            .into_iter()
            .find(|product| product.sku != SOLD_OUT);
        product.unwrap().sku
    }
}
