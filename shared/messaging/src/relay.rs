//! The relay: sends what committed transactions have left in the outbox.
//!
//! There are two ways out. Messages that a handler of this process or a
//! [`Transaction`](crate::outbox::Transaction) pushed are handed over in memory after the commit
//! and sent without reading them back: the *express* lane. All others, ordered ones among them,
//! and those whose process died, are taken from the table: the *sweep*, which wakes at
//! [`Relay::wake`] and once a second. Rows of the express lane are leased to it for
//! [`outbox::LEASE`](crate::outbox), so that no sweep takes them too.
//!
//! A row is deleted only after its queue has taken the message, so a crash at any point can send
//! a message twice, which the receiver's inbox notices, and can lose none.
//!
//! A message that its queue will never take, as the queue says, is *parked*: its row stays, with
//! `send_at` at infinity, and an error in the log names it. Setting that to `now()` tries again.

mod express;
mod send;
mod sweep;

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::{Mutex, Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::error;

use self::send::Unsent;
pub(crate) use self::send::send;
use crate::outbox::Row;
use crate::{Health, Transport, telemetry};

/// Messages that wait in memory at most. Beyond that they stay in the table until a sweep.
const HANDED_OVER: usize = 10_000;

/// The relay of a process. Clones are handles to the same one.
#[derive(Clone)]
pub struct Relay(Arc<Shared>);

struct Shared {
    db: PgPool,
    transport: Transport,
    health: Health,
    wake: Notify,
    batched: Lane,
    single: Lane,
    unhurried: Lane,
}

/// Where rows come from, which decides how soon they are sent.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// What handlers push comes in batches already.
    Handler,
    /// What requests push comes one by one.
    Request,
}

/// Rows on their way to the express lane.
struct Lane {
    sender: mpsc::Sender<Handed>,
    receiver: Mutex<mpsc::Receiver<Handed>>,
}

/// A row that this process may send by itself, for a while.
struct Handed {
    row: Row,
    since: Instant,
}

impl Relay {
    pub(crate) fn new(db: PgPool, transport: Transport, health: Health) -> Relay {
        Relay(Arc::new(Shared {
            db,
            transport,
            health,
            wake: Notify::new(),
            batched: Lane::new(),
            single: Lane::new(),
            unhurried: Lane::new(),
        }))
    }

    /// Says that something was pushed and committed. Costs nothing, and may be said too often.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    pub(crate) fn database(&self) -> &PgPool {
        &self.0.db
    }

    /// Sends what is pushed until `shutdown`, and then what was handed over before.
    pub async fn run(&self, shutdown: CancellationToken) {
        tokio::join!(self.express(&shutdown), self.sweep(&shutdown));
    }

    /// Takes rows that have just been committed by this process.
    pub(crate) fn hand_over(&self, rows: Vec<Row>, source: Source) {
        let since = Instant::now();
        for row in rows {
            if row.outgoing.ordering_key.is_some() {
                self.wake();
            } else if row.may_be_handed_over() {
                // When there is no room it stays in the table until its lease is over.
                let lane = match source {
                    _ if row.unhurried => &self.0.unhurried,
                    Source::Handler => &self.0.batched,
                    Source::Request => &self.0.single,
                };
                let _ = lane.sender.try_send(Handed { row, since });
            }
        }
    }
}

/// Says, once, that no relay will try this again.
fn parked(unsent: &Unsent) {
    let (message, reason) = (&unsent.row.outgoing, &unsent.refused.reason);
    let (queue, id) = (&message.queue, message.id);
    error!(queue, %id, reason, "parked the message, as its queue will never take it");
    telemetry::parked(queue);
}

impl Lane {
    fn new() -> Lane {
        let (sender, receiver) = mpsc::channel(HANDED_OVER);
        Lane {
            sender,
            receiver: Mutex::new(receiver),
        }
    }
}
