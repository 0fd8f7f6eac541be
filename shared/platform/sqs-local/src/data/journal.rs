//! The journal: collects what happens in all queues and stores it in groups.
//!
//! One thread writes. While it stores one group, the next one collects, so the number of requests
//! per transaction follows the load. A group that cannot be stored, as on a full disk, is kept and
//! tried again. Until it is stored, every request is refused with a status that SDKs retry.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::watch;
use tracing::{error, info};

use super::database::Database;
use super::record::Record;
use crate::error::{Error, Result};

/// How long the writer waits before it tries a failed group again.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

pub(crate) struct Journal {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

struct Shared {
    pending: Mutex<Pending>,
    changed: Condvar,
    written: watch::Sender<Written>,
}

#[derive(Default)]
struct Pending {
    records: Vec<Record>,
    /// How many records there were so far.
    count: u64,
    closed: bool,
}

/// How far the writer is.
#[derive(Clone, Copy, Default)]
struct Written {
    /// How many records are stored.
    stored: u64,
    /// How many were stored or tried in vain.
    tried: u64,
    is_failing: bool,
}

impl Journal {
    pub(crate) fn start(database: Database) -> Journal {
        let shared = Arc::new(Shared {
            pending: Mutex::default(),
            changed: Condvar::new(),
            written: watch::Sender::new(Written::default()),
        });
        let write = {
            let shared = shared.clone();
            move || shared.write(database)
        };
        let thread = thread::Builder::new().name("journal".into());
        Journal {
            shared,
            writer: Some(thread.spawn(write).expect("the system has a thread left")),
        }
    }

    /// Adds a record. The order of these calls is the order in which they are stored.
    pub(crate) fn push(&self, record: Record) {
        let mut pending = self.shared.pending();
        pending.records.push(record);
        pending.count += 1;
        self.shared.changed.notify_one();
    }

    /// Refuses a request while nothing can be stored, so that what is not stored stays small.
    pub(crate) fn check(&self) -> Result<()> {
        match self.shared.written.borrow().is_failing {
            true => Err(Error::ServiceUnavailable),
            false => Ok(()),
        }
    }

    /// Waits until all records so far are stored.
    ///
    /// # Errors
    /// When they cannot be stored now. They may be later.
    pub(crate) async fn stored(&self) -> Result<()> {
        let count = self.shared.pending().count;
        let mut written = self.shared.written.subscribe();
        match written.wait_for(|written| written.tried >= count).await {
            Ok(written) if written.stored >= count => Ok(()),
            _ => Err(Error::ServiceUnavailable),
        }
    }
}

impl Drop for Journal {
    /// Stores what is left.
    fn drop(&mut self) {
        self.shared.pending().closed = true;
        self.shared.changed.notify_one();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer's thread.
    fn write(&self, mut database: Database) {
        let mut group = Vec::new();
        loop {
            let (count, closed) = self.collect(&mut group, database.sync_due());
            match database.store(&group) {
                Ok(()) => {
                    group.clear();
                    self.report_stored(count);
                    if closed {
                        return;
                    }
                }
                Err(error) => {
                    self.report_failed(count, &error);
                    if closed {
                        return;
                    }
                    thread::sleep(RETRY_INTERVAL);
                }
            }
        }
    }

    /// Waits until there is something to store, or until what is stored must be written through.
    /// Returns how many records there are by then, and whether there will be no more.
    fn collect(&self, group: &mut Vec<Record>, sync_due: Option<Duration>) -> (u64, bool) {
        let mut pending = self.pending();
        while group.is_empty() && pending.records.is_empty() && !pending.closed {
            pending = match sync_due {
                Some(time) => {
                    let waited = self.changed.wait_timeout(pending, time);
                    let (pending, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                    if timeout.timed_out() {
                        return (pending.count, pending.closed);
                    }
                    pending
                }
                None => {
                    let waited = self.changed.wait(pending);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
        group.append(&mut pending.records);
        (pending.count, pending.closed)
    }

    fn report_stored(&self, count: u64) {
        self.written.send_modify(|written| {
            if written.is_failing {
                info!("messages can be stored again");
            }
            *written = Written {
                stored: count,
                tried: count,
                is_failing: false,
            };
        });
    }

    fn report_failed(&self, count: u64, cause: &rusqlite::Error) {
        self.written.send_modify(|written| {
            if !written.is_failing {
                error!(%cause, "cannot store messages: refusing calls until this is repaired");
            }
            written.tried = count;
            written.is_failing = true;
        });
    }
}
