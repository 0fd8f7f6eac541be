//! The transaction of a batch: inbox, handler, outbox.

use crate::connections::Connections;
use crate::handler::{Erased, Ready};
use crate::spans::Step;
use crate::{Fault, Outbox, inbox, telemetry};

/// Begins and commits the transactions of one consumer.
pub(crate) struct Transactor {
    connections: Connections,
    outbox: Outbox,
}

impl Transactor {
    pub(crate) fn new(outbox: &Outbox) -> Transactor {
        Transactor {
            connections: Connections::new(outbox.database()),
            outbox: outbox.clone(),
        }
    }

    /// Handles messages in one transaction, except those that the inbox has recorded before.
    pub(super) async fn transact(
        &self,
        queue: &str,
        handler: &Erased,
        batch: &[Ready],
        steps: &[Step],
    ) -> Result<(), Fault> {
        let mut tx = self.outbox.begin_on(self.connections.take().await?).await?;
        let ids: Vec<_> = batch.iter().map(|ready| ready.delivery.id).collect();
        let mut unseen = inbox::insert(&mut tx, queue, &ids).await?;

        // Taken out of the unseen, since the same message may be in the batch twice.
        let pairs = batch.iter().zip(steps);
        let new: Vec<_> = pairs
            .filter(|(ready, _)| unseen.remove(&ready.delivery.id))
            .collect();
        let duplicates = batch.len() - new.len();
        handler.transact(&mut tx, new).await?;
        self.connections.keep(tx.commit_and_keep().await?);
        telemetry::duplicates(queue, duplicates);
        Ok(())
    }
}
