//! The search for overdue work, as each service's `overdue.rs` does it in its own tables.

use std::time::Duration;

use contracts::Event;
use domain::{Fact, Payment, Shipment};
use order_service::overdue::{Action, Ages, action};

use crate::defect::Defect;
use crate::message::Name;
use crate::shop::Shop;
use crate::step::{Age, Overdue};

/// The default of `ORDER_EXPIRY_MS`.
const EXPIRY: Duration = Duration::from_secs(300);
/// How often a cancellation is published again. The last time is hours after every other event, so
/// a schedule of faults has ended before.
const CANCELLATION_REPEATS: u32 = 3;

impl Shop {
    /// Publishes again what a service finds overdue, and returns for how many orders.
    pub(crate) fn republish(&mut self, overdue: Overdue) -> usize {
        if self.defect == Some(Defect::SkippedRepublishing) {
            return 0;
        }
        match overdue {
            Overdue::Orders(age) => self.republish_orders(age),
            Overdue::Payments => self.republish_payments(),
            Overdue::Dispatches => self.dispatch_overdue(),
            Overdue::Cancellations => self.republish_cancelled(CANCELLATION_REPEATS - 1),
        }
    }

    /// Does the same for the last time that a cancellation is published again.
    pub(crate) fn republish_cancelled_last(&mut self) -> usize {
        match self.defect {
            Some(Defect::SkippedRepublishing) => 0,
            _ => self.republish_cancelled(CANCELLATION_REPEATS),
        }
    }

    fn republish_orders(&mut self, age: Age) -> usize {
        let ages = Ages::default();
        let age = match age {
            Age::Unsettled => Duration::from_millis(ages.order_unsettled_ms),
            Age::Expired => Duration::from_secs(24 * 60 * 60),
        };
        let records = self.orders.tables.records.values();
        let actions = records.map(|record| (record.order.id, action(record, age, &ages, EXPIRY)));
        let actions: Vec<_> = actions.collect();
        let mut count = 0;
        for (id, action) in actions {
            let again = match action {
                Action::Forget | Action::Wait(_) => continue,
                Action::Cancel => {
                    count += 1;
                    self.request_cancellation(id);
                    continue;
                }
                Action::PublishPlaced => Fact::OrderPlaced,
                Action::PublishCancel => Fact::CancelRequested,
            };
            count += 1;
            if let Some(record) = self.orders.tables.records.get(&id) {
                let event = Event::at(again, record.order.clone(), record.placed_at);
                self.orders.outbox.push(&event, None);
                self.story
                    .add(|| format!("order publishes {again} of {} again", Name(id)));
            }
        }
        count
    }

    fn republish_payments(&mut self) -> usize {
        let rows = self.payments.tables.rows.values();
        let mut count = 0;
        for (order, _) in rows.filter(|(_, payment)| *payment == Payment::Authorized) {
            count += 1;
            let event = Event::new(Fact::PaymentAuthorized, order.clone());
            self.payments.outbox.push(&event, None);
            let name = Name(order.id);
            self.story
                .add(|| format!("payment publishes payment_authorized of {name} again"));
        }
        count
    }

    fn dispatch_overdue(&mut self) -> usize {
        let rows = self.shipping.tables.rows.values();
        let scheduled = rows.filter(|row| row.state == Shipment::Scheduled);
        let orders: Vec<_> = scheduled.map(|row| row.order.clone()).collect();
        let count = orders.len();
        for order in orders {
            let mut shipment = Shipment::Scheduled;
            if shipment.dispatch() {
                self.shipping.tables.set(&order, shipment);
                self.story
                    .add(|| format!("shipping dispatches {}, late", Name(order.id)));
                let event = Event::new(Fact::Dispatched, order);
                self.shipping.outbox.push(&event, None);
            }
        }
        count
    }

    fn republish_cancelled(&mut self, repeats: u32) -> usize {
        let rows = self.shipping.tables.rows.values_mut();
        let cancelled = rows.filter(|row| row.state == Shipment::Cancelled);
        let mut count = 0;
        for row in cancelled.filter(|row| row.repeats < repeats) {
            count += 1;
            row.repeats += 1;
            let event = Event::new(Fact::ShipmentCancelled, row.order.clone());
            self.shipping.outbox.push(&event, None);
            let name = Name(row.order.id);
            self.story
                .add(|| format!("shipping publishes shipment_cancelled of {name} again"));
        }
        count
    }
}
