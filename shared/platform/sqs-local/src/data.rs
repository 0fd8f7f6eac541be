//! Keeping queues and messages in a directory: `--data`.
//!
//! The queues stay in memory, which answers every request. What a request changes is stored before
//! its answer leaves (`journal.rs`), as rows of an SQLite database in WAL mode (`schema.sql`):
//! a message as it is now, or no row if it is gone. A start reads all rows back (`load.rs`).
//!
//! # Invariants
//!
//! * No answer leaves before all that happened before it is stored. So no client ever knows more
//!   than the disk.
//! * What happens to a message is stored in the order in which it happened: under the lock of its
//!   queue it joins the journal, and the journal has one writer.
//! * A message that moves between queues leaves one and enters the other in one transaction.

mod database;
mod error;
mod journal;
mod load;
mod record;
mod sync_mode;
mod text;
mod write;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use self::database::Database;
pub use self::error::DataError;
pub(crate) use self::journal::Journal;
pub(crate) use self::load::{Stored, StoredQueue};
pub(crate) use self::record::{QueueRow, Record, TaskRow};
pub use self::sync_mode::SyncMode;

/// A directory that keeps queues and messages. One server at a time uses it.
#[derive(Clone)]
pub struct Data {
    directory: PathBuf,
    /// Until a server takes it.
    database: Arc<Mutex<Option<Database>>>,
}

impl Data {
    /// Opens the directory, and creates it if it is missing.
    ///
    /// # Errors
    /// When another server uses it, when a newer version wrote it, or when it cannot be read.
    pub fn open(directory: &Path, sync: SyncMode) -> Result<Data, DataError> {
        let database = Database::open(directory, sync)?;
        Ok(Data {
            directory: directory.into(),
            database: Arc::new(Mutex::new(Some(database))),
        })
    }

    /// Reads everything back and starts the journal.
    pub(crate) fn load(&self) -> Result<(Stored, Journal), DataError> {
        let database = self.database.lock();
        let database = database.unwrap_or_else(PoisonError::into_inner).take();
        let mut database = database.ok_or_else(|| DataError::InUse(self.directory.clone()))?;
        Ok((database.load()?, Journal::start(database)))
    }
}

impl std::fmt::Debug for Data {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Data({})", self.directory.display())
    }
}
