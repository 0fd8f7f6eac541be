//! Handles the events that the order service subscribes to, and orders that take too long.

use contracts::{Event, ExpireOrder};
use domain::Fact;
use messaging::{BatchHandler, Fault, Tx};
use store::orders;
use store::orders::{KnownOrders, NewFacts};

/// Records every fact. The status is read off them, so late and repeated ones do no harm.
pub struct RecordFacts;

/// Requests the cancellation of orders that are still unsettled when their time is up.
pub struct ExpireOrders;

impl BatchHandler for RecordFacts {
    type Message = Event;
    type State = NewFacts;
    type Event = Event;

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

    async fn load(&self, tx: &mut Tx, due: &[ExpireOrder]) -> Result<KnownOrders, Fault> {
        Ok(orders::load(tx, due.iter().map(|expiry| expiry.order)).await?)
    }

    fn decide(&self, orders: &mut KnownOrders, due: ExpireOrder) -> Result<Option<Event>, Fault> {
        let Some(known) = orders.of(due.order) else {
            return Err(Fault::reject(format!("no order has the id {}", due.order)));
        };
        if known.status().is_settled() {
            return Ok(None);
        }
        let request = Event::new(Fact::CancelRequested, known.order.clone());
        orders.add(due.order, request.fact, request.happened_at);
        Ok(Some(request))
    }

    async fn save(&self, tx: &mut Tx, orders: KnownOrders) -> Result<(), Fault> {
        Ok(orders::save_facts(tx, orders).await?)
    }
}
