//! The direct way: rows that this process has committed go to its relay in memory, so that they
//! are sent without reading them back.

use std::sync::Arc;

use tokio::sync::{Mutex, Notify, mpsc};
use tokio::time::Instant;

use super::Row;

/// Rows that wait in memory at most. Beyond that they stay in the table until they are polled.
const CAPACITY: usize = 10_000;

/// The sending end of the direct way.
#[derive(Clone)]
pub(crate) struct Direct(Arc<Senders>);

struct Senders {
    batched: mpsc::Sender<Committed>,
    single: mpsc::Sender<Committed>,
    deferred: mpsc::Sender<Committed>,
    ordered: Arc<Notify>,
}

/// The relay's end of the direct way.
pub(crate) struct Receivers {
    pub(crate) batched: Mutex<mpsc::Receiver<Committed>>,
    pub(crate) single: Mutex<mpsc::Receiver<Committed>>,
    pub(crate) deferred: Mutex<mpsc::Receiver<Committed>>,
    /// Notified when ordered rows were committed. They are polled from the table.
    pub(crate) ordered: Arc<Notify>,
}

/// A row that this process may send by itself until its lease in the table ends.
pub(crate) struct Committed {
    pub(crate) row: Row,
    pub(crate) since: Instant,
}

/// Where rows come from, which decides how long they linger to share a call.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// What handlers push comes in batches already.
    Handler,
    /// What requests push comes one by one.
    Request,
}

pub(crate) fn channels() -> (Direct, Receivers) {
    let (batched, batched_rows) = mpsc::channel(CAPACITY);
    let (single, single_rows) = mpsc::channel(CAPACITY);
    let (deferred, deferred_rows) = mpsc::channel(CAPACITY);
    let ordered = Arc::new(Notify::new());
    let senders = Senders {
        batched,
        single,
        deferred,
        ordered: ordered.clone(),
    };
    let receivers = Receivers {
        batched: Mutex::new(batched_rows),
        single: Mutex::new(single_rows),
        deferred: Mutex::new(deferred_rows),
        ordered,
    };
    (Direct(Arc::new(senders)), receivers)
}

impl Direct {
    /// Passes rows on whose transaction has just committed.
    pub(crate) fn send(&self, rows: Vec<Row>, source: Source) {
        let since = Instant::now();
        for row in rows {
            if row.outgoing.ordering_key.is_some() {
                self.0.ordered.notify_one();
            } else if row.may_be_sent_directly() {
                let queue = match source {
                    _ if row.deferred => &self.0.deferred,
                    Source::Handler => &self.0.batched,
                    Source::Request => &self.0.single,
                };
                // Without room it stays in the table until its lease is over.
                let _ = queue.try_send(Committed { row, since });
            }
        }
    }
}
