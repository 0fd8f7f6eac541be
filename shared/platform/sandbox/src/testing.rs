//! The sandbox for tests: one Postgres server per test process, and one database and one queue
//! server per test.
//!
//! `TWOFOLD_TEST_BACKEND` selects where Postgres and the queues run: `embedded` (default) on this
//! machine, `containers` in Docker, which needs the feature `containers`, and `auto` in Docker only
//! if this machine has no Postgres. `DATABASE_URL` and `SQS_ENDPOINT_URL` override it.
//!
//! Test processes never drop statics, so servers have to end by themselves with the process.

#[cfg(feature = "containers")]
mod containers;
mod wait;

use std::net::Ipv4Addr;
use std::sync::Arc;

use sqlx::PgConnection;
use sqs_local::SqsLocal;
use tokio::sync::OnceCell;

use crate::postgres::{Lease, Server};
use crate::{Error, Options, Storage};

pub use self::wait::{until, until_eq, until_some};

static SERVER: OnceCell<Arc<Server>> = OnceCell::const_new();

/// Creates an empty database, which is removed on drop. `name` only helps readers of logs; its
/// first 30 characters are used.
///
/// # Panics
/// When no server can be started or reached. The message names the remedy.
pub async fn database(name: &str) -> Lease {
    // Postgres cuts names at 63 bytes, and the unique part is at the end.
    let readable: String = name.chars().filter(char::is_ascii).take(30).collect();
    let name = format!("{readable}_{:012x}", rand::random::<u64>() >> 16);
    let made = async {
        let server = server().await?;
        let database = server.database(&name).await?;
        Ok::<_, Error>(Lease::new(database, server))
    };
    made.await.unwrap_or_else(|error| panic!("{error}"))
}

/// The result of a `select count(*)`.
///
/// # Panics
/// When the statement fails.
pub async fn count(db: &mut PgConnection, sql: &'static str) -> i64 {
    let count = sqlx::query_scalar(sql).fetch_one(db).await;
    count.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// The external servers for a test that starts a whole deployment: those of the environment
/// variables, or the backend's containers. With the embedded backend there are none, and the
/// deployment starts its own.
///
/// # Panics
/// When a container does not start. The message names the remedy.
pub async fn options() -> Options {
    let found = async {
        let mut options = Options::from_env();
        let backend = Backend::chosen()?;
        if backend != Backend::Embedded && options.database_url.is_none() {
            let server = server().await?;
            options.database_url = server.is_external().then(|| server.admin_url());
        }
        if backend == Backend::Containers && options.sqs_endpoint_url.is_none() {
            options.sqs_endpoint_url = Some(container_queues().await?);
        }
        Ok::<_, Error>(options)
    };
    found.await.unwrap_or_else(|error| panic!("{error}"))
}

/// Returns an SQS endpoint: `SQS_ENDPOINT_URL` if it is set, otherwise the backend's. The embedded
/// one belongs to this test alone.
///
/// # Panics
/// When the loopback interface has no free port, or the container does not start.
pub async fn sqs() -> Queues {
    let prefix = format!("test{:08x}-", rand::random::<u32>());
    let found = async {
        if let Some(endpoint) = Options::from_env().sqs_endpoint_url {
            return Ok(Queues {
                endpoint,
                prefix,
                _server: None,
            });
        }
        if Backend::chosen()? == Backend::Containers {
            return Ok(Queues {
                endpoint: container_queues().await?,
                prefix,
                _server: None,
            });
        }
        let address = (Ipv4Addr::LOCALHOST, 0);
        let server = SqsLocal::start(address)
            .await
            .map_err(Error::listen(address.into()))?;
        Ok::<_, Error>(Queues {
            endpoint: server.endpoint(),
            prefix,
            _server: Some(server),
        })
    };
    found.await.unwrap_or_else(|error| panic!("{error}"))
}

/// An SQS endpoint, with a prefix that separates a test's queues from others on the same endpoint.
pub struct Queues {
    /// The address for `SQS_ENDPOINT_URL`.
    pub endpoint: String,
    /// The prefix for `QUEUE_PREFIX`.
    pub prefix: String,
    _server: Option<SqsLocal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backend {
    Embedded,
    Containers,
    Auto,
}

impl Backend {
    fn chosen() -> Result<Self, Error> {
        match std::env::var("TWOFOLD_TEST_BACKEND").as_deref() {
            Err(_) | Ok("" | "embedded") => Ok(Self::Embedded),
            Ok("containers") => Ok(Self::Containers),
            Ok("auto") => Ok(Self::Auto),
            Ok(other) => Err(Error::UnknownBackend(other.to_owned())),
        }
    }
}

/// The Postgres server of this test process.
async fn server() -> Result<Arc<Server>, Error> {
    let server = SERVER.get_or_try_init(start).await?;
    Ok(server.clone())
}

async fn start() -> Result<Arc<Server>, Error> {
    if let Some(url) = Options::from_env().database_url {
        return Ok(Arc::new(Server::external(&url).await?));
    }
    match Backend::chosen()? {
        Backend::Embedded => Ok(Arc::new(Server::start(Storage::Disk).await?)),
        Backend::Containers => container_postgres().await,
        Backend::Auto => match Server::start(Storage::Disk).await {
            Err(Error::PostgresNotFound { .. }) => container_postgres().await,
            started => Ok(Arc::new(started?)),
        },
    }
}

#[cfg(feature = "containers")]
async fn container_postgres() -> Result<Arc<Server>, Error> {
    Ok(Arc::new(containers::postgres().await?))
}

#[cfg(feature = "containers")]
async fn container_queues() -> Result<String, Error> {
    static ENDPOINT: OnceCell<String> = OnceCell::const_new();
    ENDPOINT.get_or_try_init(containers::queues).await.cloned()
}

#[cfg(not(feature = "containers"))]
async fn container_postgres() -> Result<Arc<Server>, Error> {
    Err(Error::NoContainers)
}

#[cfg(not(feature = "containers"))]
async fn container_queues() -> Result<String, Error> {
    Err(Error::NoContainers)
}
