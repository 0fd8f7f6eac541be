//! Handles the order service's messages: one local transaction per batch, from before `load` until
//! after `save`. It locks no row: facts are only added, and shipping alone decides about a cancel.

use contracts::{Event, ExpireOrder};
use domain::Fact;
use messaging::{BatchHandler, Fault, Tx};
use store::facts::{self, NewFacts};
use store::orders::{self, OrderRecords};

/// Records every fact. A status is computed from all facts, so late or repeated ones do no harm.
pub struct RecordFacts;

/// Requests the cancellation of orders that are not settled in time.
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
        facts::record_at(tx, facts).await?;
        Ok(())
    }
}

impl BatchHandler for ExpireOrders {
    type Message = ExpireOrder;
    type State = OrderRecords;
    type Event = Event;

    async fn load(&self, tx: &mut Tx, expired: &[ExpireOrder]) -> Result<OrderRecords, Fault> {
        Ok(orders::load(tx, expired.iter().map(|one| one.order)).await?)
    }

    fn decide(&self, orders: &mut OrderRecords, one: ExpireOrder) -> Result<Option<Event>, Fault> {
        let Some(record) = orders.of(one.order) else {
            return Err(Fault::reject(format!("no order has the id {}", one.order)));
        };
        if record.status().is_settled() {
            return Ok(None);
        }
        let request = Event::new(Fact::CancelRequested, record.order.clone());
        orders.add(one.order, request.fact, request.happened_at);
        Ok(Some(request))
    }

    async fn save(&self, tx: &mut Tx, orders: OrderRecords) -> Result<(), Fault> {
        Ok(orders::save_facts(tx, orders).await?)
    }
}
