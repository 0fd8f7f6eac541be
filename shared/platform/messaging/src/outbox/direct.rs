//! The channels from transactions to the relay of the same process: committed rows are sent without
//! reading them back.

use std::sync::Arc;

use tokio::sync::{Mutex, Notify, mpsc};
use tokio::time::Instant;

use super::Row;

/// Maximum rows that wait in memory, per channel. Others stay in the table until a poll.
const CAPACITY: usize = 10_000;

/// The senders.
#[derive(Clone)]
pub(crate) struct Direct(Arc<Senders>);

struct Senders {
    batched: mpsc::Sender<Committed>,
    single: mpsc::Sender<Committed>,
    deferred: mpsc::Sender<Committed>,
    ordered: Arc<Notify>,
}

/// The receivers, for the relay.
pub(crate) struct Receivers {
    pub(crate) batched: Mutex<mpsc::Receiver<Committed>>,
    pub(crate) single: Mutex<mpsc::Receiver<Committed>>,
    pub(crate) deferred: Mutex<mpsc::Receiver<Committed>>,
    /// Notified when ordered rows were committed. The relay polls them from the table.
    pub(crate) ordered: Arc<Notify>,
}

/// A committed row, which this process may send until its lease ends.
pub(crate) struct Committed {
    pub(crate) row: Row,
    pub(crate) since: Instant,
}

/// The source of rows, which decides how long they linger to share a call.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// A handler. Its rows come in batches already.
    Handler,
    /// A request. Its rows come one by one.
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
    /// Sends the rows of a committed transaction to the relay.
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
                // If the channel is full, the row stays in the table until its lease ends.
                let _ = queue.try_send(Committed { row, since });
            }
        }
    }
}
