//! The relay: sends what committed transactions have left in the outbox.
//!
//! There are two ways out. Messages that a transaction of this process pushed come to the relay in
//! memory after the commit and are sent without reading them back: the *direct* way. All others,
//! ordered ones among them, and those whose process died, are taken from the table: the *poll*,
//! once a second and after each commit of ordered messages. Rows that go the direct way are leased
//! to it for [`LEASE`](crate::outbox::LEASE), so that no poll takes them too.
//!
//! A row is deleted only after its queue has taken the message, so a crash at any point can send
//! a message twice, which the receiver's inbox notices, and can lose none.
//!
//! A message that its queue will never take, as the queue says, is *parked*: its row stays, with
//! `send_at` at infinity, and an error in the log names it. Setting that to `now()` tries again.

mod direct;
mod poll_outbox;
mod send;

use std::io;
use std::sync::Arc;

use sqlx::PgPool;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::error;

use self::send::Unsent;
pub(crate) use self::send::send;
use crate::outbox::Receivers;
use crate::{Health, RelayOptions, Transport, telemetry};

/// The relay of a process. Clones are handles to the same one.
#[derive(Clone)]
pub struct Relay {
    shared: Arc<Shared>,
    pub(crate) options: RelayOptions,
}

struct Shared {
    db: PgPool,
    transport: Transport,
    health: Health,
    committed: Receivers,
}

impl Relay {
    pub(crate) fn new(
        db: PgPool,
        transport: Transport,
        health: Health,
        committed: Receivers,
    ) -> Relay {
        let shared = Shared {
            db,
            transport,
            health,
            committed,
        };
        Relay {
            shared: Arc::new(shared),
            options: RelayOptions::default(),
        }
    }

    /// Sends messages until `shutdown`, and then those that were committed before.
    pub async fn run(&self, shutdown: CancellationToken) {
        tokio::join!(self.send_directly(&shutdown), self.poll_outbox(&shutdown));
    }

    /// Does `work` on the database within [`RelayOptions::answer_timeout`].
    async fn answered<T>(
        &self,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let late = |_| Err(io::Error::from(io::ErrorKind::TimedOut).into());
        timeout(self.options.answer_timeout, work)
            .await
            .unwrap_or_else(late)
    }

    pub(crate) fn database(&self) -> &PgPool {
        &self.shared.db
    }
}

/// Says, once, that no relay will try this again.
fn parked(unsent: &Unsent) {
    let (message, reason) = (&unsent.row.outgoing, &unsent.refused.reason);
    let (queue, id) = (&message.queue, message.id);
    error!(queue, %id, reason, "parked the message, as its queue will never take it");
    telemetry::parked(queue);
}
