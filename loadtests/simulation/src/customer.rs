//! What customers do: they place orders, and request to cancel them.

use std::time::Duration;

use contracts::{Event, ExpireOrder};
use domain::{
    Cancellation, Currency, CustomerId, Fact, Facts, Line, Lines, Money, Order, OrderId,
    PaymentMethod, Quantity, Sku, Status,
};
use payment_provider::DECLINED_METHOD;
use store::orders::OrderRecord;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::message::Name;
use crate::shop::{Shop, choose};
use crate::step::Basket;
use crate::tables::{KETTLE, TEAPOT};

/// More orders make schedules longer, and find nothing that these do not.
const MAX_ORDERS: usize = 4;

impl Shop {
    /// The order and its events are committed in one transaction, as `place_order` does it.
    pub(crate) fn place(&mut self, basket: Basket) -> bool {
        let records = &mut self.orders.tables.records;
        let number = records.len() as u128 + 1;
        let Some(order) = order(number, basket).filter(|_| records.len() < MAX_ORDERS) else {
            return false;
        };
        let record = OrderRecord {
            order: order.clone(),
            facts: Facts::none().with(Fact::OrderPlaced),
            placed_at: OffsetDateTime::UNIX_EPOCH,
        };
        records.insert(order.id, record);
        let placed = Event::at(Fact::OrderPlaced, order, OffsetDateTime::UNIX_EPOCH);
        self.orders.outbox.push(&placed, None);
        let expire = ExpireOrder {
            order: placed.order.id,
            after: Duration::ZERO,
        };
        self.orders.outbox.push_expiry(expire);
        let name = Name(placed.order.id);
        self.story.add(|| format!("{name} is placed: {basket:?}"));
        true
    }

    /// The request is recorded and sent unless the answer is known, as `cancel_order` does it.
    pub(crate) fn cancel(&mut self, pick: u16) -> bool {
        let records = &self.orders.tables.records;
        let Some(place) = choose(pick, records.len()) else {
            return false;
        };
        let Some(record) = records.values().nth(place) else {
            return false;
        };
        let settled = [Status::Dispatched, Status::Cancelled].contains(&record.status());
        let known = settled || Cancellation::of(record.facts) != Cancellation::None;
        !known && self.request_cancellation(record.order.id)
    }

    /// Records the request and sends it to shipping, unless another request has done both.
    pub(crate) fn request_cancellation(&mut self, order: OrderId) -> bool {
        let Some(record) = self.orders.tables.records.get_mut(&order) else {
            return false;
        };
        if record.facts.has(Fact::CancelRequested) {
            return false;
        }
        record.facts = record.facts.with(Fact::CancelRequested);
        let requested = Event::new(Fact::CancelRequested, record.order.clone());
        self.orders.outbox.push(&requested, None);
        let name = Name(order);
        self.story
            .add(|| format!("the cancellation of {name} is requested"));
        true
    }
}

/// `None` for an empty basket.
fn order(number: u128, basket: Basket) -> Option<Order> {
    let line = |sku: &str, pieces: u8| {
        let line = Line {
            sku: Sku::parse(sku).ok()?,
            quantity: Quantity::new(i64::from(pieces)).ok()?,
            unit_price: Money::new(500, Currency::Eur).ok()?,
        };
        Some(line)
    };
    let lines = [line(KETTLE, basket.kettles), line(TEAPOT, basket.teapots)];
    let lines = Lines::new(lines.into_iter().flatten().collect()).ok()?;
    let method = match basket.is_declined {
        true => DECLINED_METHOD,
        false => "tok_ok",
    };
    Some(Order {
        id: OrderId(Uuid::from_u128(number)),
        customer: CustomerId(Uuid::from_u128(1)),
        total: lines.total().ok()?,
        lines,
        payment_method: PaymentMethod::parse(method).ok()?,
    })
}
