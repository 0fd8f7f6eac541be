//! Handles the order service's messages, each batch in one local transaction.

use contracts::{Event, ExpireOrder};
use domain::Fact;
use messaging::{BatchHandler, Fault, Tx};
use store::orders;
use store::orders::{KnownOrders, NewFacts};

/// Records every fact. A status is computed from all facts, so late or repeated ones do no harm.
pub struct RecordFacts;

/// Requests the cancellation of orders that are not settled in time.
pub struct ExpireOrders;

impl BatchHandler for RecordFacts {
    type Message = Event;
    type State = NewFacts;
    type Event = Event;

    /// Loads nothing: facts are only added.
    async fn load(&self, _: &mut Tx, _: &[Event]) -> Result<NewFacts, Fault> {
        Ok(NewFacts::default())
    }

    fn decide(&self, facts: &mut NewFacts, event: Event) -> Result<Option<Event>, Fault> {
        facts.add(event.order.id, event.fact, event.happened_at);
        Ok(None)
    }

    async fn save(&self, tx: &mut Tx, facts: NewFacts) -> Result<(), Fault> {
        orders::record_at(tx, facts).await?;
        Ok(())
    }
}

impl BatchHandler for ExpireOrders {
    type Message = ExpireOrder;
    type State = KnownOrders;
    type Event = Event;

    async fn load(&self, tx: &mut Tx, expired: &[ExpireOrder]) -> Result<KnownOrders, Fault> {
        Ok(orders::load(tx, expired.iter().map(|one| one.order)).await?)
    }

    fn decide(&self, orders: &mut KnownOrders, one: ExpireOrder) -> Result<Option<Event>, Fault> {
        let Some(known) = orders.of(one.order) else {
            return Err(Fault::reject(format!("no order has the id {}", one.order)));
        };
        if known.status().is_settled() {
            return Ok(None);
        }
        let request = Event::new(Fact::CancelRequested, known.order.clone());
        orders.add(one.order, request.fact, request.happened_at);
        Ok(Some(request))
    }

    async fn save(&self, tx: &mut Tx, orders: KnownOrders) -> Result<(), Fault> {
        Ok(orders::save_facts(tx, orders).await?)
    }
}
