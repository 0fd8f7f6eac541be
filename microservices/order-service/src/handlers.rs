//! Handles the events of the other services: one local transaction per batch. It locks no row,
//! because facts are only added.
//!
//! The runtime begins the transaction before `load` and commits after `save`; only then does it
//! delete the messages. If the process dies after the commit, they come again, and the inbox
//! ignores them. `place_order.rs` publishes the first event, `OrderPlaced`.

use contracts::Event;
use messaging::{BatchHandler, Fault, Tx};
use store::facts::{self, NewFacts};

/// Records every fact. A status is computed from all facts, so late or repeated ones do no harm.
pub struct RecordFacts;

impl BatchHandler for RecordFacts {
    type Message = Event;
    type State = NewFacts;
    type Output = Event;

    async fn load(&self, _: &mut Tx, _: &[Event]) -> Result<NewFacts, Fault> {
        Ok(NewFacts::default())
    }

    fn decide(&self, facts: &mut NewFacts, event: Event) -> Result<Option<Event>, Fault> {
        facts.add(event.order.id, event.fact, event.happened_at);
        Ok(None)
    }

    async fn save(&self, tx: &mut Tx, facts: NewFacts) -> Result<(), Fault> {
        facts::record_at(tx, facts).await?;
        Ok(())
    }
}
