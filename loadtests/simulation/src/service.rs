//! A service: its tables, its inbox and its outbox, and the transaction of a handler.

use std::collections::BTreeSet;

use contracts::Event;
use messaging::{BatchHandler, Fault};

use crate::defect::Defect;
use crate::message::MessageId;
use crate::outbox::Outbox;

/// The tables that a handler loads from and saves to, in place of its SQL.
pub(crate) trait Tables<H: BatchHandler> {
    /// The state that the batch needs, with the rows that are missing.
    fn load(&self, batch: &[H::Message]) -> H::State;

    /// Saves the state of the batch.
    fn save(&mut self, batch: &[H::Message], state: H::State);
}

#[derive(Debug)]
pub(crate) struct Service<T> {
    pub(crate) tables: T,
    pub(crate) outbox: Outbox,
    inbox: BTreeSet<MessageId>,
}

impl<T> Service<T> {
    pub(crate) fn new(name: &'static str, tables: T) -> Service<T> {
        Service {
            tables,
            outbox: Outbox::of(name),
            inbox: BTreeSet::new(),
        }
    }

    /// Handles a batch in one transaction, as the runtime does: inbox, load, decide, save, outbox.
    /// Nothing is written before every message is decided, so a failed transaction leaves nothing.
    pub(crate) fn transact<H>(
        &mut self,
        handler: &H,
        batch: Vec<(MessageId, H::Message)>,
        defect: Option<Defect>,
    ) -> Result<(), Fault>
    where
        H: BatchHandler<Output = Event, Message: Clone>,
        T: Tables<H>,
    {
        let mut seen = BTreeSet::new();
        let mut is_new = |id: &MessageId| {
            let is_unseen = seen.insert(*id) && !self.inbox.contains(id);
            is_unseen || defect == Some(Defect::SkippedInbox)
        };
        let batch = batch.into_iter().filter(|(id, _)| is_new(id));
        let (ids, messages): (Vec<_>, Vec<_>) = batch.unzip();

        let mut state = self.tables.load(&messages);
        let mut events = vec![];
        for (id, message) in ids.iter().zip(&messages) {
            let event = handler.decide(&mut state, message.clone())?;
            events.extend(event.map(|event| (event, *id)));
        }

        self.tables.save(&messages, state);
        self.inbox.extend(ids);
        for (event, cause) in events {
            self.outbox.push(&event, Some(cause));
        }
        Ok(())
    }
}
