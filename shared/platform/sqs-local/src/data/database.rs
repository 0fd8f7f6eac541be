//! The database file: who may use it, which format it has, and when it is written through.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use super::error::DataError;
use super::load::{self, Stored};
use super::record::Record;
use super::sync_mode::SyncMode;
use super::write::{Writer, clean};

/// The format that this version writes, as SQLite's `user_version`.
const FORMAT: i64 = 1;
/// Marks a file of sqs-local, as SQLite's `application_id`: the letters `sqsl`.
const APPLICATION: i64 = 0x7371_736c;
const SCHEMA: &str = include_str!("schema.sql");

/// How often what is too old to matter is removed.
const CLEANING_INTERVAL: Duration = Duration::from_secs(60);

/// How long data may wait to be written through in [`SyncMode::Interval`].
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

pub(crate) struct Database {
    connection: Connection,
    path: PathBuf,
    sync: SyncMode,
    /// The number of each queue by its id.
    numbers: HashMap<u64, i64>,
    /// Whether a commit is written through.
    full: bool,
    last_sync: Instant,
    /// Something is stored that may not have reached the disk.
    unsynced: bool,
    last_cleaning: Instant,
}

impl Database {
    pub(super) fn open(directory: &Path, sync: SyncMode) -> Result<Database, DataError> {
        fs::create_dir_all(directory).map_err(|error| unusable(directory, error))?;
        let path = directory.join("queues.sqlite");
        let connection = Connection::open(&path).map_err(|error| unusable(&path, error))?;
        let prepared = prepare(&connection, directory);
        prepared.map_err(|error| match error {
            Refused::Directory(error) => error,
            Refused::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy) => DataError::InUse(directory.into()),
                Some(ErrorCode::NotADatabase) => DataError::NotOurs(path.clone()),
                _ => unusable(&path, error),
            },
        })?;
        Ok(Database {
            connection,
            path,
            sync,
            numbers: HashMap::new(),
            full: true,
            last_sync: Instant::now(),
            unsynced: false,
            last_cleaning: Instant::now(),
        })
    }

    /// Reads everything back.
    pub(super) fn load(&mut self) -> Result<Stored, DataError> {
        let stored = load::all(&self.connection);
        stored.map_err(|error| unusable(&self.path, error))
    }

    /// When what is stored must be written through, from now.
    pub(super) fn sync_due(&self) -> Option<Duration> {
        let left = SYNC_INTERVAL.saturating_sub(self.last_sync.elapsed());
        self.unsynced.then_some(left)
    }

    /// Stores a group of records, or none of it.
    pub(super) fn store(&mut self, group: &[Record]) -> rusqlite::Result<()> {
        let sync = match self.sync {
            SyncMode::Always => true,
            SyncMode::Interval => self.last_sync.elapsed() >= SYNC_INTERVAL,
        };
        if sync != self.full {
            // In SQLite's WAL mode a full commit writes through all that was committed before it.
            let mode = if sync { "full" } else { "normal" };
            self.connection.pragma_update(None, "synchronous", mode)?;
            self.full = sync;
        }
        let stored = self.write(group);
        if stored.is_err() {
            // The numbers of queues whose rows were rolled back are void.
            self.numbers.clear();
        } else if sync {
            (self.last_sync, self.unsynced) = (Instant::now(), false);
        } else {
            self.unsynced = true;
        }
        stored
    }

    fn write(&mut self, group: &[Record]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        let mut writer = Writer::new(&transaction, &mut self.numbers);
        for record in group {
            writer.write(record)?;
        }
        writer.finish()?;
        if self.last_cleaning.elapsed() >= CLEANING_INTERVAL {
            clean(&transaction)?;
            self.last_cleaning = Instant::now();
        }
        if group.is_empty() {
            // A commit without a change would write nothing through.
            transaction.pragma_update(None, "user_version", FORMAT)?;
        }
        transaction.commit()
    }
}

enum Refused {
    Directory(DataError),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Refused {
        Refused::Sqlite(error)
    }
}

/// Locks the file, checks its format and creates the tables of a new one.
fn prepare(connection: &Connection, directory: &Path) -> Result<(), Refused> {
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "locking_mode", "exclusive")?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // The lock is taken by the first transaction, and kept.
    connection.execute_batch("begin exclusive; commit")?;
    connection.set_prepared_statement_cache_capacity(64);
    // 16 MiB: a longer log costs memory and a slower start, a shorter one more writing.
    connection.pragma_update(None, "wal_autocheckpoint", 4096)?;
    connection.pragma_update(None, "synchronous", "full")?;

    let value = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, found) = (value("application_id")?, value("user_version")?);
    let refuse = |error| Err(Refused::Directory(error));
    match (application, found) {
        (APPLICATION, FORMAT) => Ok(()),
        (APPLICATION, _) => refuse(DataError::Newer {
            directory: directory.into(),
            found,
            known: FORMAT,
        }),
        (0, 0) => create(connection),
        _ => refuse(DataError::NotOurs(directory.into())),
    }
}

fn create(connection: &Connection) -> Result<(), Refused> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()?;
    Ok(())
}

fn unusable(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> DataError {
    DataError::Unusable {
        path: path.into(),
        source: source.into(),
    }
}
