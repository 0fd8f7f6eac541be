//! The same for tests: one Postgres server a test process, and a database, a queue server and a
//! payment provider for each test.
//!
//! A harness's `main` is not ours and statics are never dropped, so it matters that the server
//! stops by itself when the test process ends.

use std::net::Ipv4Addr;
use std::sync::Arc;

use sqs_local::SqsLocal;
use tokio::sync::OnceCell;

use crate::postgres::{Lease, Server};
use crate::{Error, Options, Provider, Storage};

static SERVER: OnceCell<Arc<Server>> = OnceCell::const_new();

/// A fresh, empty database, removed when dropped. `name` only helps a reader of logs.
///
/// # Panics
/// When no server can be had; the message says what to do.
pub async fn database(name: &str) -> Lease {
    let made = async {
        let server = server().await?;
        let database = server
            .database(&format!("{name}_{:012x}", rand::random::<u64>() >> 16))
            .await?;
        Ok::<_, Error>(Lease::new(database, server))
    };
    made.await.unwrap_or_else(|error| panic!("{error}"))
}

/// A payment provider for this test alone, so that its behaviour disturbs no other.
///
/// # Panics
/// When the loopback interface has no free port.
pub async fn provider() -> Provider {
    let started = Provider::start((Ipv4Addr::LOCALHOST, 0).into()).await;
    started.unwrap_or_else(|error| panic!("{error}"))
}

/// An SQS endpoint for this test alone: `SQS_ENDPOINT_URL` when set, else one in this process.
///
/// # Panics
/// When the loopback interface has no free port.
pub async fn sqs() -> Queues {
    let prefix = format!("test{:08x}-", rand::random::<u32>());
    if let Some(endpoint) = Options::from_env().sqs_endpoint_url {
        return Queues {
            endpoint,
            prefix,
            _server: None,
        };
    }
    match SqsLocal::start((Ipv4Addr::LOCALHOST, 0)).await {
        Ok(server) => Queues {
            endpoint: server.endpoint(),
            prefix,
            _server: Some(server),
        },
        Err(error) => panic!("no port for the queue server: {error}"),
    }
}

/// An SQS endpoint, and a prefix that keeps a test's queues apart where others share it.
pub struct Queues {
    /// For `SQS_ENDPOINT_URL`.
    pub endpoint: String,
    /// For `QUEUE_PREFIX`.
    pub prefix: String,
    _server: Option<SqsLocal>,
}

/// The server of this test process: `DATABASE_URL` when set, else one of our own.
async fn server() -> Result<Arc<Server>, Error> {
    let server = SERVER
        .get_or_try_init(|| async {
            let server = match Options::from_env().database_url {
                Some(url) => Server::given(&url).await?,
                None => Server::start(Storage::Disk).await?,
            };
            Ok::<_, Error>(Arc::new(server))
        })
        .await?;
    Ok(server.clone())
}
