//! A network between a program and Postgres that misbehaves on demand.
//!
//! The proxy reads what clients send, so it can tell statements apart: a test delays the answer to
//! `BEGIN` alone, or loses the answer to `COMMIT`. Everything can be changed while it runs, and
//! [`heal`](PostgresProxy::heal) ends all of it.

mod connection;
mod frames;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::connection::Connection;
use crate::Error;
use crate::postgres::plain_url;

/// A TCP proxy in front of one Postgres server. Dropped, it closes its connections.
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn example() -> Result<(), sandbox::Error> {
/// # let url = "postgres://shop@127.0.0.1/shop";
/// let proxy = sandbox::PostgresProxy::start(url).await?;
/// proxy.delay_answer("begin", Duration::from_secs(2));
/// // Connect to `proxy.url()`, leave within two seconds, and look what is left.
/// proxy.heal();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PostgresProxy {
    url: String,
    state: watch::Sender<State>,
    counts: Arc<Counts>,
    accepting: JoinHandle<()>,
}

/// Which way bytes flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    ToServer,
    ToClient,
}

/// What the network does now. Connections watch it.
#[derive(Debug, Clone, Default)]
struct State {
    to_server: Duration,
    to_client: Duration,
    rules: Vec<Rule>,
    stalled: bool,
    refusing: bool,
    /// Connections that are older than this are cut.
    cuts: u64,
    /// Connections that are older than this are half-open.
    half_opens: u64,
}

#[derive(Debug, Clone)]
struct Rule {
    /// How the statement begins, in lower case.
    statement: String,
    action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    DelayAnswer(Duration),
    Cut,
    LoseAnswer,
}

#[derive(Debug, Default)]
struct Counts {
    open: AtomicUsize,
    held: AtomicUsize,
    acted: AtomicUsize,
}

impl PostgresProxy {
    /// Listens on a free port of the loopback interface, in front of the server of `url`.
    ///
    /// # Errors
    /// When `url` is no address of a Postgres server, or no port is free.
    pub async fn start(url: &str) -> Result<Self, Error> {
        let options: PgConnectOptions = url.parse()?;
        let server = (options.get_host().to_owned(), options.get_port());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(Error::listen(address))?;
        let address = listener.local_addr().map_err(Error::listen(address))?;

        // Encrypted statements could not be told apart.
        let options = options
            .host("127.0.0.1")
            .port(address.port())
            .ssl_mode(sqlx::postgres::PgSslMode::Disable);
        let (state, watching) = watch::channel(State::default());
        let counts = Arc::<Counts>::default();
        let accepting = accept(listener, server, watching, counts.clone());
        Ok(Self {
            url: plain_url(&options),
            state,
            counts,
            accepting: tokio::spawn(accepting),
        })
    }

    /// The same database by way of the proxy, for `DATABASE_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Delays all bytes that flow in this direction.
    pub fn delay(&self, direction: Direction, delay: Duration) {
        self.state.send_modify(|state| match direction {
            Direction::ToServer => state.to_server = delay,
            Direction::ToClient => state.to_client = delay,
        });
    }

    /// Holds back each answer to a statement that begins so, in whatever case, such as `begin` or
    /// `insert into orders`. The server does the statement at once.
    pub fn delay_answer(&self, statement: &str, delay: Duration) {
        self.rule(statement, Action::DelayAnswer(delay));
    }

    /// Cuts a connection on which such a statement is sent; it does not reach the server.
    pub fn cut_at(&self, statement: &str) {
        self.rule(statement, Action::Cut);
    }

    /// Cuts a connection once the server has answered such a statement; the answer is lost.
    pub fn lose_answer(&self, statement: &str) {
        self.rule(statement, Action::LoseAnswer);
    }

    /// Cuts all connections that are open now: both ends see a reset.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// Makes all connections that are open now half-open: the server sees their end, the client
    /// sees nothing and waits.
    pub fn half_open(&self) {
        self.state.send_modify(|state| state.half_opens += 1);
    }

    /// Lets no byte through in either direction, and tells neither end of the other's leaving. New
    /// connections are accepted and not answered. What was sent arrives after
    /// [`heal`](Self::heal), as TCP would have it.
    pub fn blackhole(&self) {
        self.state.send_modify(|state| state.stalled = true);
    }

    /// Closes new connections at once.
    pub fn refuse(&self) {
        self.state.send_modify(|state| state.refusing = true);
    }

    /// Ends all delays, rules, the blackhole and refusals. A half-open connection stays half-open.
    pub fn heal(&self) {
        self.state.send_modify(|state| {
            *state = State {
                cuts: state.cuts,
                half_opens: state.half_opens,
                ..State::default()
            };
        });
    }

    /// Connections of clients that are open.
    pub fn connections(&self) -> usize {
        self.counts.open.load(Ordering::SeqCst)
    }

    /// Answers that are held back now by [`delay_answer`](Self::delay_answer).
    pub fn held(&self) -> usize {
        self.counts.held.load(Ordering::SeqCst)
    }

    /// Statements that a rule was applied to since the start.
    pub fn acted(&self) -> usize {
        self.counts.acted.load(Ordering::SeqCst)
    }

    fn rule(&self, statement: &str, action: Action) {
        let statement = statement.to_lowercase();
        self.state.send_modify(|state| {
            state.rules.retain(|rule| rule.statement != statement);
            state.rules.push(Rule { statement, action });
        });
    }
}

impl Drop for PostgresProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

impl State {
    fn action(&self, statement: &str) -> Option<Action> {
        let statement = statement.trim_start().to_lowercase();
        let found = self
            .rules
            .iter()
            .find(|rule| statement.starts_with(&rule.statement));
        found.map(|rule| rule.action)
    }
}

async fn accept(
    listener: TcpListener,
    server: (String, u16),
    state: watch::Receiver<State>,
    counts: Arc<Counts>,
) {
    while let Ok((client, _)) = listener.accept().await {
        if state.borrow().refusing {
            continue;
        }
        let (server, state, counts) = (server.clone(), state.clone(), counts.clone());
        tokio::spawn(async move {
            counts.open.fetch_add(1, Ordering::SeqCst);
            // A server that is away shows as a connection that ends.
            if let Ok(server) = TcpStream::connect(server).await {
                Connection::new(state, counts.clone())
                    .run(client, server)
                    .await;
            }
            counts.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}
