//! The shops under test.

use std::path::Path;
use std::time::Duration;

use analysis::model::Arm;
use contracts::http::ProductPage;
use harness::deployment::binaries::Binaries;
use harness::deployment::infrastructure::{ExternalQueues, Servers};
use harness::deployment::{Deployment, DeploymentSpec, Infrastructure};
use reqwest::{Client, Method, RequestBuilder};
use sandbox::{Server, Storage, testing};
use tokio::sync::OnceCell;

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
}

/// All shops under test, one after another. A failure shows which one it was.
pub(crate) async fn shops() -> impl Iterator<Item = Shop> {
    // A failure is kept too: a shop that did not start is not tried again for every test.
    static SHOPS: OnceCell<anyhow::Result<Shops>> = OnceCell::const_new();
    let shops = SHOPS.get_or_init(Shops::open).await;
    let shops = shops.as_ref().unwrap_or_else(|error| panic!("{error:#}"));
    // A client belongs to the runtime of its test.
    let http = Client::new();
    shops.addresses.iter().map(move |(name, url, admin_url)| {
        println!("at the {name} ({url})");
        Shop {
            url: url.clone(),
            admin_url: admin_url.clone(),
            http: http.clone(),
        }
    })
}

struct Shops {
    addresses: Vec<(&'static str, String, String)>,
    // Everything that was started for the tests ends with them.
    _started: Option<(Infrastructure, Vec<Deployment>)>,
}

impl Shops {
    async fn open() -> anyhow::Result<Shops> {
        match std::env::var("ACCEPTANCE_BASE_URLS") {
            Ok(urls) => Ok(Shops::external(&urls)),
            Err(_) => Shops::start().await,
        }
    }

    /// There are as many `ACCEPTANCE_ADMIN_URLS` as base addresses.
    fn external(urls: &str) -> Shops {
        let trimmed = |url: &str| url.trim().trim_end_matches('/').to_owned();
        let admin_urls = std::env::var("ACCEPTANCE_ADMIN_URLS");
        let admin_urls = admin_urls.as_deref().unwrap_or(urls).split(',');
        Shops {
            addresses: urls
                .split(',')
                .zip(admin_urls)
                .map(|(url, admin_url)| ("external shop", trimmed(url), trimmed(admin_url)))
                .collect(),
            _started: None,
        }
    }

    /// Both architectures, each as the processes of a deployment. Servers that run already are
    /// used, and others are started.
    async fn start() -> anyhow::Result<Shops> {
        let arms = [Arm::Monolith, Arm::Services];
        let binaries = Binaries::build(&arms)?;
        let logs = Path::new(env!("CARGO_TARGET_TMPDIR")).join("acceptance");
        let given = testing::options().await;
        let server = match &given.database_url {
            Some(url) => Server::external(url).await?,
            None => Server::start(Storage::Disk).await?,
        };
        let mut infrastructure = Infrastructure::on(Servers::Shared(server), binaries, logs)?;
        infrastructure.queues = given.sqs_endpoint_url.map(|endpoint| ExternalQueues {
            endpoint,
            prefix: format!("acceptance{}-", std::process::id()),
        });

        let (mut addresses, mut deployments) = (vec![], vec![]);
        for arm in arms {
            let deployment = Deployment::start(&infrastructure, &spec(arm)).await?;
            let url = deployment.base_urls[0].clone();
            addresses.push((arm.title(), url.clone(), url));
            deployments.push(deployment);
        }
        Ok(Shops {
            addresses,
            _started: Some((infrastructure, deployments)),
        })
    }
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
        seed: 1,
        slowdown: None,
        drills: false,
        first_port: None,
        collector: None,
    }
}

impl Shop {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
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
