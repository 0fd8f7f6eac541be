//! A database that lives as long as a value.

use std::ops::Deref;
use std::sync::Arc;

use super::{Database, Server};

/// A database that is removed with its role when this value is dropped.
#[derive(Debug)]
pub struct Lease {
    database: Database,
    server: Arc<Server>,
}

impl Lease {
    /// Removes `database` from `server` on drop.
    pub fn new(database: Database, server: Arc<Server>) -> Self {
        Self { database, server }
    }
}

impl Deref for Lease {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

impl Drop for Lease {
    /// Removes the database in a separate thread with its own runtime, because the caller's runtime
    /// cannot block here.
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
                "could not remove a database"
            );
        }
    }
}
