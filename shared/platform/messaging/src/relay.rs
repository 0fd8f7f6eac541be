//! The relay: sends the messages of committed transactions.
//!
//! It gets them in two ways. *Direct*: messages of this process reach the relay in memory after the
//! commit and are sent without reading them back. *Poll*: all others, such as ordered messages and
//! those of a dead process, are read from the table, once per second and after each commit of
//! ordered messages. Direct rows are leased to their process for [`LEASE`](crate::outbox::LEASE),
//! so that no poll sends them too.
//!
//! A row is deleted only after its queue has accepted the message. So a crash at any point loses no
//! message, and may send one twice, which the receiver's inbox detects.
//!
//! A message that its queue refuses for good is *parked*: its row stays, with `send_at` at
//! infinity, and an error in the log names it. Setting `send_at` to `now()` sends it again.

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

/// The relay of a process. Clones share it.
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

    /// Sends messages until `shutdown`, then those that were committed before it.
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

/// Reports a parked message, once.
fn parked(unsent: &Unsent) {
    let (message, reason) = (&unsent.row.outgoing, &unsent.refused.reason);
    let (queue, id) = (&message.queue, message.id);
    error!(queue, %id, reason, "parked the message: its queue will never accept it");
    telemetry::parked(queue);
}
