//! The transaction of a batch: begin, inbox, handler, outbox, commit.

use crate::connections::Connections;
use crate::handler::{Erased, Input};
use crate::{Fault, Outbox, inbox, telemetry};

/// Begins and commits the transactions of one consumer.
pub(crate) struct Transactions {
    connections: Connections,
    outbox: Outbox,
}

impl Transactions {
    pub(crate) fn new(outbox: &Outbox) -> Transactions {
        Transactions {
            connections: Connections::new(outbox.database()),
            outbox: outbox.clone(),
        }
    }

    /// Handles messages in one transaction. Those that the inbox has recorded before are skipped.
    pub(super) async fn transact(
        &self,
        queue: &str,
        handler: &Erased,
        batch: &[Input],
    ) -> Result<(), Fault> {
        let mut tx = self.outbox.begin_on(self.connections.take().await?).await?;
        let ids: Vec<_> = batch.iter().map(|input| input.delivery.id).collect();
        let mut unseen = inbox::insert(&mut tx, queue, &ids).await?;

        // `remove`, because the same message may be in the batch twice.
        let new = batch.iter();
        let new: Vec<_> = new
            .filter(|input| unseen.remove(&input.delivery.id))
            .collect();
        let duplicates = batch.len() - new.len();
        handler.transact(&mut tx, new).await?;
        self.connections.keep(tx.commit_and_keep().await?);
        telemetry::duplicates(queue, duplicates);
        Ok(())
    }
}
