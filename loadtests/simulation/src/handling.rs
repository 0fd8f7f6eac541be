//! How a service handles the messages of its queues, and where it may be cut off.

use std::time::Duration;

use contracts::topology::{DISPATCH, EXPIRY, INVENTORY, ORDER, PAYMENT, SHIPPING};
use contracts::{Event, ExpireOrder};
use domain::{Fact, Payment};
use inventory_service::handlers::Inventory;
use messaging::Fault;
use order_service::handlers::{ExpireOrders, RecordFacts};
use payment_service::handlers::RecordPayments;
use shipping_service::Dispatch;
use shipping_service::handlers::Shipping;

use crate::defect::Defect;
use crate::message::{Body, MessageId, Received};
use crate::outbox::Outbox;
use crate::shop::{Shop, choose};
use crate::step::{Answer, End};

impl Shop {
    /// The payment service handles a message without a fault.
    pub(crate) fn call_and_handle(&mut self) -> bool {
        let has_called = self.call(0, Answer::Received);
        if let Some(received) = self.called.pop() {
            self.handle(PAYMENT, vec![received], End::Deleted);
        }
        has_called
    }

    /// The payment service receives a message and calls the provider. The message stays in the
    /// queue, so another process may receive it, too: the lease of the first one is lost then.
    pub(crate) fn call(&mut self, pick: u16, answer: Answer) -> bool {
        let Some(place) = choose(pick, self.queues.to_call()) else {
            return false;
        };
        let message = self.queues.receive_for_payment(place);
        let Body::Event(event) = &message.body else {
            return false;
        };
        if self.defect == Some(Defect::SkippedVoid) && event.fact == Fact::StockRejected {
            self.queues.delete(PAYMENT, message.id);
            return true;
        }
        if answer == Answer::Refused {
            self.story
                .add(|| format!("the provider refuses the call for {message}"));
            return true;
        }
        match self.provider.call(event, self.defect) {
            Ok(_) if answer == Answer::Lost => {
                let line = || format!("the provider's answer to the call for {message} is lost");
                self.story.add(line);
            }
            Ok(payment) => {
                let line = || format!("payment calls for {message}: {}", payment.as_str());
                self.story.add(line);
                let payment = Some(payment);
                self.called.push(Received { message, payment });
            }
            Err(refusal) => self.queues.reject(PAYMENT, &message, &refusal.to_string()),
        }
        true
    }

    pub(crate) fn deliver(&mut self, pick: u16, batch: u8, end: End) -> bool {
        let (in_queues, batch) = (self.queues.to_deliver(), usize::from(batch.max(1)));
        let Some(place) = choose(pick, in_queues + self.called.len()) else {
            return false;
        };
        let (queue, received) = match place.checked_sub(in_queues) {
            Some(place) => {
                let to = self.called.len().min(place + batch);
                (PAYMENT, self.called.drain(place..to).collect())
            }
            None => {
                let (queue, messages) = self.queues.receive(place, batch);
                let received = messages.into_iter().map(|message| Received {
                    message,
                    payment: None,
                });
                (queue, received.collect())
            }
        };
        self.handle(queue, received, end);
        true
    }

    /// Handles a batch or, if that fails, each message by itself.
    fn handle(&mut self, queue: &'static str, received: Vec<Received>, end: End) {
        if end == End::RolledBack {
            return self.roll_back(queue, received);
        }
        let outbox = self.outbox_of(queue).len();
        match self.transact(queue, &received) {
            Ok(()) => {
                for Received { message, .. } in received {
                    let again = if end == End::Kept {
                        ", and receives it again"
                    } else {
                        ""
                    };
                    self.story
                        .add(|| format!("{queue}: handles {message}{again}"));
                    if end == End::Deleted {
                        self.queues.delete(queue, message.id);
                    }
                }
                if end == End::Kept && self.defect == Some(Defect::SkippedOutbox) {
                    self.outbox_of(queue).truncate(outbox);
                }
            }
            Err(_) if received.len() > 1 => {
                for one in received {
                    self.handle(queue, vec![one], end);
                }
            }
            Err(fault) => {
                let reason = fault.reason();
                for Received { message, .. } in received {
                    self.queues.reject(queue, &message, reason);
                }
            }
        }
    }

    fn roll_back(&mut self, queue: &'static str, received: Vec<Received>) {
        for Received { message, .. } in received {
            self.story
                .add(|| format!("{queue}: dies before the commit of {message}"));
            if self.defect == Some(Defect::DeletedBeforeCommit) {
                self.queues.delete(queue, message.id);
            }
        }
    }

    /// One transaction of the service that reads the queue.
    fn transact(&mut self, queue: &'static str, received: &[Received]) -> Result<(), Fault> {
        let shipping = Shipping {
            cancellation_window: Duration::ZERO,
        };
        let defect = self.defect;
        match queue {
            PAYMENT => self
                .payments
                .transact(&RecordPayments, payments(received), defect),
            INVENTORY => self
                .inventory
                .transact(&Inventory, events(received), defect),
            SHIPPING => self.shipping.transact(&shipping, events(received), defect),
            DISPATCH => self.shipping.transact(&Dispatch, events(received), defect),
            ORDER => self.orders.transact(&RecordFacts, events(received), defect),
            EXPIRY => self
                .orders
                .transact(&ExpireOrders, expiries(received), defect),
            other => unreachable!("no handler reads {other}"),
        }
    }

    fn outbox_of(&mut self, queue: &str) -> &mut Outbox {
        match queue {
            PAYMENT => &mut self.payments.outbox,
            INVENTORY => &mut self.inventory.outbox,
            SHIPPING | DISPATCH => &mut self.shipping.outbox,
            _ => &mut self.orders.outbox,
        }
    }
}

fn events(received: &[Received]) -> Vec<(MessageId, Event)> {
    let events = received.iter().filter_map(|one| match &one.message.body {
        Body::Event(event) => Some((one.message.id, event.clone())),
        Body::Expire(_) => None,
    });
    events.collect()
}

fn payments(received: &[Received]) -> Vec<(MessageId, (Event, Payment))> {
    let payments = received.iter().filter_map(|one| one.payment);
    let called = events(received).into_iter().zip(payments);
    called
        .map(|((id, event), payment)| (id, (event, payment)))
        .collect()
}

fn expiries(received: &[Received]) -> Vec<(MessageId, ExpireOrder)> {
    let expiries = received.iter().filter_map(|one| match &one.message.body {
        Body::Expire(expire) => Some((one.message.id, expire.clone())),
        Body::Event(_) => None,
    });
    expiries.collect()
}
