//! What the order service does when it is told something: it remembers, and looks after orders
//! that take too long.

use contracts::{Event, ExpireOrder};
use messaging::{BatchHandler, Fault, trace};
use sqlx::PgConnection;
use store::orders;

use crate::cancel_order::request_cancellation;

/// Remembers every fact. The status is read off them, so late and repeated ones do no harm.
pub struct Remember;

impl BatchHandler for Remember {
    type Message = Event;

    async fn handle_batch(&self, tx: &mut PgConnection, events: Vec<Event>) -> Result<(), Fault> {
        let facts = events
            .iter()
            .map(|event| (event.order.id, event.fact, event.happened_at));
        orders::record_at(tx, facts).await?;
        Ok(())
    }
}

/// Asks for an order to be cancelled that is still unsettled when its time is up.
pub struct Expire;

impl BatchHandler for Expire {
    type Message = ExpireOrder;

    /// Nearly all of them have settled long ago, so they are looked up together.
    async fn handle_batch(
        &self,
        tx: &mut PgConnection,
        due: Vec<ExpireOrder>,
    ) -> Result<(), Fault> {
        let known = orders::find_all(tx, due.iter().map(|expiry| expiry.order)).await?;
        for (n, expiry) in due.into_iter().enumerate() {
            let found = known.iter().find(|known| known.order.id == expiry.order);
            let Some(known) = found else {
                let order = expiry.order;
                return Err(Fault::reject(format!("no order has the id {order}")));
            };
            if !known.status().is_settled() {
                trace::nth(n, request_cancellation(tx, known)).await?;
            }
        }
        Ok(())
    }
}
