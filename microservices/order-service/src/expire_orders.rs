//! Handles the message that comes back from the delay queue some minutes after each order: one
//! local transaction per batch. Shipping alone decides about a cancel; this service requests it.

use std::time::Duration;

use contracts::{Event, ExpireOrder};
use domain::Fact;
use messaging::{BatchHandler, Fault, Tx};
use store::orders::{self, OrderRecords};
use store::overdue;

/// Requests the cancellation of orders that are not settled in time.
pub struct ExpireOrders {
    /// After this time it is checked whether shipping has answered.
    pub answer_within: Duration,
}

impl BatchHandler for ExpireOrders {
    type Message = ExpireOrder;
    type State = OrderRecords;
    type Output = Event;

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
        overdue::check_after(tx, orders.changed(), self.answer_within).await?;
        Ok(orders::save_facts(tx, orders).await?)
    }
}
