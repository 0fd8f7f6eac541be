//! Postgres for tests: one server a test process, one database a test.
//!
//! A harness's `main` is not ours and statics are never dropped, so it matters that the server
//! stops by itself when the test process ends.

use std::net::Ipv4Addr;
use std::ops::Deref;

use tokio::sync::OnceCell;

use crate::postgres::{Database, Server};
use crate::{Error, Provider, Storage};

static SERVER: OnceCell<Server> = OnceCell::const_new();

/// A fresh, empty database, removed when dropped. `name` only helps a reader of logs.
///
/// # Panics
/// When no server can be had; the message says what to do.
pub async fn database(name: &str) -> TestDatabase {
    let made = async {
        let server = server().await?;
        let database = server
            .database(&format!("{name}_{:012x}", rand::random::<u64>() >> 16))
            .await?;
        Ok::<_, Error>(TestDatabase { database, server })
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

/// The server of this test process: `DATABASE_URL` when set, else one of our own.
async fn server() -> Result<&'static Server, Error> {
    SERVER
        .get_or_try_init(|| async {
            match std::env::var("DATABASE_URL") {
                Ok(url) => Server::given(&url).await,
                Err(_) => Server::start(Storage::Disk).await,
            }
        })
        .await
}

/// A database for one test; its `url`, `pool()` and `connect()` are [`Database`]'s.
#[derive(Debug)]
pub struct TestDatabase {
    database: Database,
    server: &'static Server,
}

impl Deref for TestDatabase {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

impl Drop for TestDatabase {
    /// In a thread and runtime of its own, since the test's runtime cannot wait here.
    fn drop(&mut self) {
        let removed = std::thread::scope(|scope| {
            let remove = || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                let runtime = runtime.map_err(|error| error.to_string())?;
                let removal = self.server.remove(&self.database);
                runtime.block_on(removal).map_err(|error| error.to_string())
            };
            scope.spawn(remove).join()
        });
        if !matches!(removed, Ok(Ok(()))) {
            tracing::warn!(
                database = self.name,
                ?removed,
                "a test's database is left behind"
            );
        }
    }
}
