//! The server of the page: it starts the operators, the sampler and the receiver of spans.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use analysis::model::ArmName;
use anyhow::Context as _;
use axum::middleware;
use domain::CustomerId;
use harness::audit::sources::Delayed;
use harness::deployment::{Deployment, DeploymentSpec, Infrastructure};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::api;
use crate::events::Events;
use crate::guard::{Guard, only_our_page};
use crate::load::Load;
use crate::operator::{Board, Operator};
use crate::orders::Book;
use crate::sampler::sample;
use crate::side::Side;
use crate::spans::Spans;
use crate::state::Live;

/// Customers of each side. The first one places the orders by hand.
const CUSTOMERS: usize = 50;

/// A receiver of spans that listens already, so that the arms can be started with its address.
pub struct Receiver {
    pub endpoint: String,
    spans: Spans,
    serving: JoinHandle<()>,
}

/// An arm that was started for the page.
pub struct Started {
    pub name: ArmName,
    pub spec: DeploymentSpec,
    pub deployment: Deployment,
}

/// The running page. [`Page::stop`] ends it.
pub struct Page {
    /// The address to open, with the token that controls need.
    pub address: String,
    pub token: String,
    operators: Vec<JoinHandle<Deployment>>,
    tasks: Vec<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Receiver {
    /// Listens on a free port of loopback.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> anyhow::Result<Receiver> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let spans = Spans::default();
        let router = spans.router();
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Receiver {
            endpoint,
            spans,
            serving,
        })
    }
}

impl Page {
    /// Serves the page on this port of loopback, or on a free one if it is taken. `report` prints a
    /// line when a process has died.
    ///
    /// # Errors
    /// When no port is free, or the key of the tokens cannot sign.
    pub async fn start(
        infrastructure: &Arc<Infrastructure>,
        receiver: Receiver,
        started: Vec<Started>,
        port: u16,
        report: fn(&str),
    ) -> anyhow::Result<Page> {
        let (events, stop) = (Events::new(), CancellationToken::new());
        let first = started.first().context("there is no arm to show")?;
        let window = contracts::topology::Settings {
            cancellation_window: first.spec.cancellation_window,
        };
        let (mut sides, mut operators) = (vec![], vec![]);
        for started in started {
            let (side, operator) = operate(infrastructure, started, &events, report, &stop)?;
            sides.push(Arc::new(side));
            operators.push(operator);
        }
        let http = reqwest::Client::builder().no_proxy();
        let live = Arc::new(Live {
            load: Arc::new(Load::new(events.clone(), &sides)),
            events,
            sides,
            spans: receiver.spans,
            http: http.timeout(std::time::Duration::from_secs(20)).build()?,
            window,
        });
        let listener = listen(port).await?;
        let address = listener.local_addr()?;
        let token = format!("{:032x}", rand::random::<u128>());
        let guard = Guard {
            port: address.port(),
            token: token.clone(),
        };
        let guarded = middleware::from_fn_with_state(Arc::new(guard), only_our_page);
        let router = api::router(Arc::clone(&live)).layer(guarded);
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        let sampling = tokio::spawn(sample(
            live.events.clone(),
            live.sides.clone(),
            Arc::clone(&live.load),
            live.spans.clone(),
            live.http.clone(),
        ));
        Ok(Page {
            address: format!("http://{address}/#{token}"),
            token,
            operators,
            tasks: vec![receiver.serving, serving, sampling],
            stop,
        })
    }

    /// Ends the page. Returns the deployments, to be removed.
    ///
    /// # Errors
    /// When an operator has panicked.
    pub async fn stop(self) -> anyhow::Result<Vec<Deployment>> {
        self.stop.cancel();
        let mut deployments = vec![];
        for operator in self.operators {
            deployments.push(operator.await?);
        }
        for task in self.tasks {
            task.abort();
        }
        Ok(deployments)
    }
}

/// Starts the operator of an arm. Returns its side, and the task that owns the deployment.
fn operate(
    infrastructure: &Arc<Infrastructure>,
    started: Started,
    events: &Events,
    report: fn(&str),
    stop: &CancellationToken,
) -> anyhow::Result<(Side, JoinHandle<Deployment>)> {
    let Started {
        name,
        spec,
        deployment,
    } = started;
    let board = Arc::new(Board::default());
    let (arm, products) = (spec.arm, spec.products);
    let mut sources = deployment.sources();
    sources.delayed = Delayed::None;
    let customers: Vec<_> = (0..CUSTOMERS).map(|_| CustomerId::new()).collect();
    let (operator, running) = Operator::start(
        Arc::clone(infrastructure),
        spec,
        deployment,
        Arc::clone(&board),
        events.clone(),
        report,
        stop.clone(),
    );
    let side = Side {
        arm,
        phrase: name.phrase(),
        operator,
        board,
        book: Book::default(),
        sources,
        tokens: infrastructure.tokens(&customers)?,
        customers: customers.iter().map(|customer| customer.0).collect(),
        products,
    };
    Ok((side, running))
}

async fn listen(port: u16) -> std::io::Result<TcpListener> {
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpListener::bind(at(port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(at(0)).await,
    }
}
