//! A proxy that injects network faults between a program and Postgres.
//!
//! The proxy parses the messages of clients, so a fault can apply to one statement: a test delays
//! the answer to `BEGIN` alone, or loses the answer to `COMMIT`. Faults can change while it runs,
//! and [`heal`](PostgresProxy::heal) ends them.

mod connection;
mod frames;
mod state;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::connection::Connection;
use self::state::{Action, Counts, Rule, State};
use crate::Error;
use crate::postgres::plain_url;

/// A TCP proxy in front of one Postgres server. A drop closes its connections.
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn example() -> Result<(), sandbox::Error> {
/// # let url = "postgres://shop@127.0.0.1/shop";
/// let proxy = sandbox::PostgresProxy::start(url).await?;
/// proxy.delay_answer("begin", Duration::from_secs(2));
/// // Connect to `proxy.url()`, drop `begin` within two seconds, and check what is left.
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

/// The direction of a stream of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

impl PostgresProxy {
    /// Starts a proxy on a free port of the loopback interface, in front of the server of `url`.
    ///
    /// # Errors
    /// When `url` is not the address of a Postgres server, or no port is free.
    pub async fn start(url: &str) -> Result<Self, Error> {
        let options: PgConnectOptions = url.parse()?;
        let server = (options.get_host().to_owned(), options.get_port());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(Error::listen(address))?;
        let address = listener.local_addr().map_err(Error::listen(address))?;

        // The proxy cannot read encrypted statements.
        let options = options
            .host("127.0.0.1")
            .port(address.port())
            .ssl_mode(sqlx::postgres::PgSslMode::Disable);
        let (state, watched) = watch::channel(State::default());
        let counts = Arc::<Counts>::default();
        let accepting = accept(listener, server, watched, counts.clone());
        Ok(Self {
            url: plain_url(&options),
            state,
            counts,
            accepting: tokio::spawn(accepting),
        })
    }

    /// The address of the same database through the proxy, for `DATABASE_URL`.
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

    /// Holds back each answer to statements with this beginning, in upper or lower case, such as
    /// `begin` or `insert into orders`. The server runs the statement at once.
    pub fn delay_answer(&self, statement: &str, delay: Duration) {
        self.rule(statement, Action::DelayAnswer(delay));
    }

    /// Cuts each connection on which such a statement is sent. The server does not receive it.
    pub fn cut_at(&self, statement: &str) {
        self.rule(statement, Action::Cut);
    }

    /// Cuts each connection once the server has answered such a statement. The answer is lost.
    pub fn lose_answer(&self, statement: &str) {
        self.rule(statement, Action::LoseAnswer);
    }

    /// Cuts all open connections: both ends see a reset.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// Makes all open connections half-open: the server sees their end, the client sees nothing and
    /// waits.
    pub fn half_open(&self) {
        self.state.send_modify(|state| state.half_opens += 1);
    }

    /// Stalls both directions, and hides from each end that the other has left. New connections are
    /// accepted and not answered. Bytes that were sent arrive after [`heal`](Self::heal), as with
    /// TCP.
    pub fn blackhole(&self) {
        self.state.send_modify(|state| state.stalled = true);
    }

    /// Closes new connections at once.
    pub fn refuse(&self) {
        self.state.send_modify(|state| state.refusing = true);
    }

    /// Ends all delays, statement faults, the blackhole and refusals. A half-open connection stays
    /// half-open.
    pub fn heal(&self) {
        self.state.send_modify(|state| {
            *state = State {
                cuts: state.cuts,
                half_opens: state.half_opens,
                ..State::default()
            };
        });
    }

    /// The number of open connections of clients.
    pub fn connections(&self) -> usize {
        self.counts.open.load(Ordering::SeqCst)
    }

    /// The number of answers that [`delay_answer`](Self::delay_answer) holds back now.
    pub fn held(&self) -> usize {
        self.counts.held.load(Ordering::SeqCst)
    }

    /// The number of statements with a fault since the start.
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
            // Without a server the client sees the connection end.
            if let Ok(server) = TcpStream::connect(server).await {
                Connection::new(state, counts.clone())
                    .run(client, server)
                    .await;
            }
            counts.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}
