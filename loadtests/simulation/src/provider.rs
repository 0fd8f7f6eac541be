//! The payment provider: its real ledger, called as `MoveMoney` calls it over HTTP.

use contracts::Event;
use domain::{Fact, Order, OrderId, Payment};
use payment_provider::{Authorization, DECLINED_METHOD, Ledger, Refusal, Status};
use uuid::Uuid;

use crate::defect::Defect;

#[derive(Debug, Default)]
pub(crate) struct Provider {
    pub(crate) ledger: Ledger,
    calls: u128,
}

impl Provider {
    /// Makes the call that the event needs, and returns the state of the payment after it.
    pub(crate) fn call(
        &mut self,
        event: &Event,
        defect: Option<Defect>,
    ) -> Result<Payment, Refusal> {
        self.calls += 1;
        let order = &event.order;
        match event.fact {
            Fact::OrderPlaced => self.authorize(order, defect),
            Fact::Dispatched => {
                self.ledger.capture(order.id.0)?;
                Ok(Payment::CaptureDue.done())
            }
            _ => {
                self.ledger.void(order.id.0, 0)?;
                Ok(Payment::VoidDue.done())
            }
        }
    }

    /// The orders whose money is captured.
    pub(crate) fn captured(&self) -> impl Iterator<Item = OrderId> {
        let entries = self.ledger.entries();
        let captured = entries.filter(|entry| entry.status == Status::Captured);
        captured.map(|entry| OrderId(entry.order_id))
    }

    fn authorize(&mut self, order: &Order, defect: Option<Defect>) -> Result<Payment, Refusal> {
        let mut known = self.ledger.entries().map(|entry| entry.order_id);
        let is_known = known.any(|id| id == order.id.0);
        drop(known);
        let key = match is_known && defect == Some(Defect::NewKeyPerCall) {
            true => Uuid::from_u128(1_000 + self.calls),
            false => order.id.0,
        };
        let request = Authorization {
            order_id: key,
            amount_minor: order.total.minor(),
            currency: order.total.currency().code().to_owned(),
            payment_method: order.payment_method.as_str().to_owned(),
        };
        let accepted = request.payment_method != DECLINED_METHOD;
        match self.ledger.authorize(request, accepted, 0)? {
            Status::Authorized => Ok(Payment::Authorized),
            _ => Ok(Payment::Declined),
        }
    }
}
