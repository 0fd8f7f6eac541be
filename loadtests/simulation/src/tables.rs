//! The tables of each service, in place of the SQL in `store`.

use std::collections::BTreeMap;

use contracts::{Event, ExpireOrder};
use domain::{Fact, Lines, Order, OrderId, Payment, Reservation, Shipment, Sku, Stock, StockLevel};
use inventory_service::handlers::Inventory;
use order_service::handlers::{ExpireOrders, RecordFacts};
use payment_service::handlers::RecordPayments;
use shipping_service::Dispatch;
use shipping_service::handlers::Shipping;
use store::States;
use store::facts::NewFacts;
use store::orders::{OrderRecord, OrderRecords};

use crate::defect::Defect;
use crate::service::Tables;

/// The two products.
pub(crate) const KETTLE: &str = "kettle";
pub(crate) const TEAPOT: &str = "teapot";
/// Pieces of each product: too few for all orders.
pub(crate) const DELIVERED: i64 = 3;

/// The order service's orders with their facts.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    pub(crate) records: BTreeMap<OrderId, OrderRecord>,
}

/// The payment service's payments.
#[derive(Debug, Default)]
pub(crate) struct Payments {
    pub(crate) rows: BTreeMap<OrderId, (Order, Payment)>,
}

/// The inventory service's stock and reservations.
#[derive(Debug)]
pub(crate) struct Shelves {
    pub(crate) levels: BTreeMap<Sku, StockLevel>,
    pub(crate) reservations: BTreeMap<OrderId, (Reservation, Lines)>,
    pub(crate) defect: Option<Defect>,
}

/// The shipping service's shipments.
#[derive(Debug)]
pub(crate) struct Shipments {
    pub(crate) rows: BTreeMap<OrderId, ShipmentRow>,
    pub(crate) defect: Option<Defect>,
}

#[derive(Debug)]
pub(crate) struct ShipmentRow {
    pub(crate) order: Order,
    pub(crate) state: Shipment,
    /// How often its cancellation was published again.
    pub(crate) repeats: u32,
}

impl Tables<RecordFacts> for Orders {
    fn load(&self, _: &[Event]) -> NewFacts {
        NewFacts::default()
    }

    fn save(&mut self, _: &[Event], facts: NewFacts) {
        for (order, fact, _) in facts {
            let record = self.records.get_mut(&order);
            let record = record.expect("an order is committed before any event about it");
            record.facts = record.facts.with(fact);
        }
    }
}

impl Tables<ExpireOrders> for Orders {
    fn load(&self, batch: &[ExpireOrder]) -> OrderRecords {
        let records = batch.iter().filter_map(|one| self.records.get(&one.order));
        records.cloned().collect()
    }

    fn save(&mut self, batch: &[ExpireOrder], orders: OrderRecords) {
        for one in batch {
            if let Some(record) = orders.of(one.order) {
                self.records.insert(one.order, record.clone());
            }
        }
    }
}

impl Tables<RecordPayments> for Payments {
    /// Of two payments for one order, the first is inserted.
    fn load(&self, called: &[(Event, Payment)]) -> States<Payment> {
        let mut states = BTreeMap::new();
        for (event, payment) in called {
            let order = event.order.id;
            let row = self.rows.get(&order).map(|(_, payment)| *payment);
            states.entry(order).or_insert(row.unwrap_or(*payment));
        }
        states.into_iter().collect()
    }

    fn save(&mut self, called: &[(Event, Payment)], mut states: States<Payment>) {
        for (event, _) in called {
            if let Some(payment) = states.of(event.order.id) {
                let row = (event.order.clone(), *payment);
                self.rows.insert(event.order.id, row);
            }
        }
    }
}

impl Tables<Inventory> for Shelves {
    fn load(&self, _: &[Event]) -> Stock {
        let levels = self.levels.iter().map(|(sku, level)| (sku.clone(), *level));
        let reservations = self.reservations.iter();
        let reservations = reservations.map(|(order, (reservation, _))| (*order, *reservation));
        levels.collect::<Stock>().with_reservations(reservations)
    }

    fn save(&mut self, _: &[Event], stock: Stock) {
        for (order, reservation, lines) in stock.decided() {
            let unrecorded = self.defect == Some(Defect::UnrecordedRelease);
            if !(unrecorded && reservation == Reservation::Released) {
                let row = (reservation, lines.clone());
                self.reservations.insert(order, row);
            }
        }
        let levels = stock.levels();
        self.levels = levels.map(|(sku, level)| (sku.clone(), level)).collect();
    }
}

impl Tables<Shipping> for Shipments {
    /// An order that is cancelled before it was scheduled gets a tombstone.
    fn load(&self, events: &[Event]) -> States<Shipment> {
        let mut states = BTreeMap::new();
        for event in events {
            let missing = match event.fact {
                Fact::CancelRequested => Shipment::Cancelled,
                _ => Shipment::Scheduled,
            };
            let row = self.rows.get(&event.order.id).map(|row| row.state);
            states
                .entry(event.order.id)
                .or_insert(row.unwrap_or(missing));
        }
        states.into_iter().collect()
    }

    fn save(&mut self, events: &[Event], mut states: States<Shipment>) {
        for event in events {
            let skipped = self.defect == Some(Defect::SkippedTombstone)
                && event.fact == Fact::CancelRequested
                && !self.rows.contains_key(&event.order.id);
            if let Some(state) = states.of(event.order.id).filter(|_| !skipped) {
                self.set(&event.order, *state);
            }
        }
    }
}

impl Tables<Dispatch> for Shipments {
    fn load(&self, events: &[Event]) -> States<Shipment> {
        let rows = events.iter().filter_map(|event| {
            let row = self.rows.get(&event.order.id)?;
            Some((event.order.id, row.state))
        });
        rows.collect()
    }

    fn save(&mut self, events: &[Event], mut states: States<Shipment>) {
        for event in events {
            if let Some(state) = states.of(event.order.id) {
                self.set(&event.order, *state);
            }
        }
    }
}

impl Shelves {
    /// Full shelves.
    pub(crate) fn stocked(defect: Option<Defect>) -> Shelves {
        let level = StockLevel {
            available: DELIVERED,
            reserved: 0,
        };
        let skus = [KETTLE, TEAPOT].into_iter().flat_map(Sku::parse);
        Shelves {
            levels: skus.map(|sku| (sku, level)).collect(),
            reservations: BTreeMap::new(),
            defect,
        }
    }
}

impl Shipments {
    pub(crate) fn new(defect: Option<Defect>) -> Shipments {
        Shipments {
            rows: BTreeMap::new(),
            defect,
        }
    }

    pub(crate) fn set(&mut self, order: &Order, state: Shipment) {
        let row = self.rows.entry(order.id).or_insert_with(|| ShipmentRow {
            order: order.clone(),
            state: Shipment::Scheduled,
            repeats: 0,
        });
        let unrecorded = self.defect == Some(Defect::UnrecordedDispatch);
        if !(unrecorded && state == Shipment::Dispatched) {
            row.state = state;
        }
    }
}
