//! The shop: four services, the queues between them and the payment provider, moved by steps.

use crate::defect::Defect;
use crate::message::Received;
use crate::outbox::Outbox;
use crate::provider::Provider;
use crate::queues::Queues;
use crate::service::Service;
use crate::step::{End, Step};
use crate::story::Story;
use crate::tables::{Orders, Payments, Shelves, Shipments};

#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) orders: Service<Orders>,
    pub(crate) payments: Service<Payments>,
    pub(crate) inventory: Service<Shelves>,
    pub(crate) shipping: Service<Shipments>,
    pub(crate) provider: Provider,
    pub(crate) queues: Queues,
    /// Messages of the payment service whose call is made and whose transaction has not begun.
    pub(crate) called: Vec<Received>,
    /// Whether a queue has lost a message.
    pub(crate) has_lost: bool,
    pub(crate) defect: Option<Defect>,
    pub(crate) story: Story,
}

impl Shop {
    pub(crate) fn new(defect: Option<Defect>, story: Story) -> Shop {
        let shipments = Shipments::new(defect);
        Shop {
            orders: Service::new("order", Orders::default()),
            payments: Service::new("payment", Payments::default()),
            inventory: Service::new("inventory", Shelves::stocked(defect)),
            shipping: Service::new("shipping", shipments),
            provider: Provider::default(),
            queues: Queues::new(),
            called: vec![],
            has_lost: false,
            defect,
            story,
        }
    }

    /// Takes one step. Returns whether there was anything to do.
    pub(crate) fn step(&mut self, step: Step) -> bool {
        match step {
            Step::Place(basket) => self.place(basket),
            Step::Cancel { pick } => self.cancel(pick),
            Step::Relay { pick, row_is_kept } => self.relay(pick, row_is_kept),
            Step::Call { pick, answer } => self.call(pick, answer),
            Step::Deliver { pick, batch, end } => self.deliver(pick, batch, end),
            Step::EndDelay { pick } => self.end_delay(pick),
            Step::Republish(overdue) => self.republish(overdue) > 0,
            Step::Lose { pick, is_purged } => self.lose(pick, is_purged),
        }
    }

    /// Lets everything happen that is under way, without a fault.
    pub(crate) fn drain(&mut self) {
        while self.relay(0, false)
            || self.call_and_handle()
            || self.deliver(0, 1, End::Deleted)
            || self.end_delay(0)
        {}
    }

    pub(crate) fn outboxes(&mut self) -> [&mut Outbox; 4] {
        [
            &mut self.orders.outbox,
            &mut self.payments.outbox,
            &mut self.inventory.outbox,
            &mut self.shipping.outbox,
        ]
    }

    fn relay(&mut self, pick: u16, row_is_kept: bool) -> bool {
        let rows = self.outboxes().iter().map(|outbox| outbox.len()).sum();
        let Some(mut place) = choose(pick, rows) else {
            return false;
        };
        let mut sent = None;
        for outbox in self.outboxes() {
            if let Some(row) = outbox.row(place) {
                sent = Some(row);
                if !row_is_kept {
                    outbox.delete(place);
                }
                break;
            }
            place -= outbox.len();
        }
        let Some((queue, message)) = sent else {
            return false;
        };
        let again = if row_is_kept { ", and will again" } else { "" };
        let sender = message.id.sender;
        let line = || format!("{sender} sends {message} to {queue}{again}");
        self.story.add(line);
        self.queues.send(queue, message);
        true
    }

    fn end_delay(&mut self, pick: u16) -> bool {
        let Some(place) = choose(pick, self.queues.delayed()) else {
            return false;
        };
        if let Some(message) = self.queues.end_delay(place) {
            self.story.add(|| format!("the delay of {message} ends"));
        }
        true
    }

    fn lose(&mut self, pick: u16, is_purged: bool) -> bool {
        let Some(place) = choose(pick, self.queues.len()) else {
            return false;
        };
        for (queue, message) in self.queues.lose(place, is_purged) {
            self.has_lost = true;
            self.story.add(|| format!("{queue} loses {message}"));
        }
        true
    }
}

/// The place that a pick chooses among `count`, in proportion: a schedule that is made shorter
/// mostly keeps its choices. `None` if there is nothing to choose.
pub(crate) fn choose(pick: u16, count: usize) -> Option<usize> {
    let place = usize::from(pick) * count / (usize::from(u16::MAX) + 1);
    (count > 0).then_some(place)
}
