//! Several orders, loaded together, and the facts that are added to them.

use std::collections::BTreeMap;

use domain::{Fact, OrderId};
use time::OffsetDateTime;

use super::record::OrderRecord;
use crate::facts::NewFacts;

/// Several orders with their facts, and the facts that were added since they were loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderRecords {
    orders: BTreeMap<OrderId, OrderRecord>,
    added: NewFacts,
}

impl OrderRecords {
    /// The order's record. `None` if the order does not exist.
    pub fn of(&self, order: OrderId) -> Option<&OrderRecord> {
        self.orders.get(&order)
    }

    /// Adds a fact to an order that exists.
    pub fn add(&mut self, order: OrderId, fact: Fact, happened_at: OffsetDateTime) {
        if let Some(record) = self.orders.get_mut(&order) {
            record.facts = record.facts.with(fact);
            self.added.add(order, fact, happened_at);
        }
    }

    /// The orders to which facts were added.
    pub fn changed(&self) -> impl Iterator<Item = OrderId> {
        self.added.orders()
    }

    pub(super) fn into_new_facts(self) -> NewFacts {
        self.added
    }
}

impl FromIterator<OrderRecord> for OrderRecords {
    fn from_iter<I: IntoIterator<Item = OrderRecord>>(records: I) -> OrderRecords {
        let by_id = records.into_iter().map(|record| (record.order.id, record));
        OrderRecords {
            orders: by_id.collect(),
            added: NewFacts::default(),
        }
    }
}
