//! The bodies of `POST /orders` and of the requests that read orders.

use std::collections::HashSet;

use domain::{
    Cancellation, Fact, Facts, Line, Money, Order, PaymentMethod, Quantity, Refusal, Sku, Status,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::FieldError;
use super::validation::check;

/// An amount in minor units (cents, pence) of an ISO 4217 currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Amount {
    /// The number of minor units: 1250 for 12.50 EUR.
    #[schema(minimum = 0)]
    pub minor: i64,
    /// The ISO 4217 code.
    #[schema(example = "EUR")]
    pub currency: String,
}

/// The body of a request to place an order. Prices come from the shop, never from the client.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrder {
    /// 1 to 50 lines with different products.
    #[schema(min_items = 1, max_items = 50)]
    pub lines: Vec<NewLine>,
    /// The payment provider's token for the customer's card.
    #[schema(example = "tok_ok", pattern = "^[a-z0-9_-]{1,64}$")]
    pub payment_method: String,
}

/// A product, and how many pieces of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLine {
    /// The SKU of a product in the catalogue.
    #[schema(example = "product-00001", pattern = "^[a-z0-9-]{1,64}$")]
    pub sku: String,
    /// The number of pieces, 1 to 1,000.
    #[schema(minimum = 1, maximum = 1000)]
    pub quantity: i64,
}

/// A [`PlaceOrder`] whose fields are all valid. It has no prices yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ValidOrder {
    /// The products with their quantities, in the sequence of the request.
    pub items: Vec<(Sku, Quantity)>,
    /// The payment provider's token for the customer's card.
    pub payment_method: PaymentMethod,
}

/// An order with its status.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct OrderBody {
    /// The order's id, by which it is read and cancelled.
    pub id: Uuid,
    /// `placed`, `confirmed`, `dispatched` or `cancelled`.
    #[schema(value_type = String, example = "confirmed")]
    pub status: Status,
    /// The state of the request to cancel: `none`, `requested`, `refused` or `done`.
    #[schema(value_type = String, example = "none")]
    pub cancellation: Cancellation,
    /// Why the shop ended the order: `payment_declined` or `out_of_stock`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub refusal: Option<Refusal>,
    /// The lines, sorted by SKU.
    pub lines: Vec<LineBody>,
    /// The sum of all lines.
    pub total: Amount,
    /// When the order was placed.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub placed_at: OffsetDateTime,
}

/// A line of an order, with the price at which it was placed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct LineBody {
    /// The product's SKU.
    pub sku: String,
    /// The number of pieces.
    pub quantity: u32,
    /// The price of one piece.
    pub unit_price: Amount,
}

/// A page of orders, newest first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct OrderPage {
    /// The orders of this page.
    pub items: Vec<OrderBody>,
    /// Pass this as `after` to get the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
}

/// The page of orders to read.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The `next` of the previous page.
    pub after: Option<Uuid>,
    /// Orders per page, 1 to 100.
    #[serde(default = "super::default_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: i64,
}

/// A fact about an order, with its two times.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct HistoryEntry {
    /// What happened.
    #[schema(value_type = String, example = "payment_authorized")]
    pub fact: Fact,
    /// When it happened, by the clock of the service that decided it.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub happened_at: OffsetDateTime,
    /// When it was recorded with the order. Later than `happened_at` by the time of its event.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: OffsetDateTime,
}

impl OrderBody {
    /// The order with the status that follows from its facts.
    pub fn new(order: &Order, facts: Facts, placed_at: OffsetDateTime) -> OrderBody {
        OrderBody {
            id: order.id.0,
            status: Status::of(facts),
            cancellation: Cancellation::of(facts),
            refusal: Status::refusal(facts),
            lines: order.lines.iter().map(LineBody::from).collect(),
            total: order.total.into(),
            placed_at,
        }
    }
}

impl OrderPage {
    /// A page of up to `limit` orders. A full page has a `next`.
    pub fn new(items: Vec<OrderBody>, limit: i64) -> OrderPage {
        let full = items.len() as i64 == limit;
        let next = items.last().filter(|_| full).map(|order| order.id);
        OrderPage { items, next }
    }
}

impl PlaceOrder {
    /// Checks every field, and returns the errors of all invalid ones.
    pub fn validate(self) -> Result<ValidOrder, Vec<FieldError>> {
        let mut errors = vec![];
        let mut seen = HashSet::new();
        let mut items = vec![];

        if self.lines.is_empty() || self.lines.len() > domain::Lines::MAX {
            errors.push(FieldError::new("lines", domain::LinesError::Count));
            return Err(errors);
        }
        for (n, line) in self.lines.into_iter().enumerate() {
            let sku = check(&mut errors, format!("lines[{n}].sku"), Sku::parse(line.sku));
            let quantity = check(
                &mut errors,
                format!("lines[{n}].quantity"),
                Quantity::new(line.quantity),
            );
            if let Some(sku) = &sku
                && !seen.insert(sku.clone())
            {
                let repeated = domain::LinesError::Repeated(sku.clone());
                errors.push(FieldError::new(format!("lines[{n}].sku"), repeated));
            }
            items.extend(sku.zip(quantity));
        }
        let method = PaymentMethod::parse(self.payment_method);
        let payment_method = check(&mut errors, "payment_method", method);

        match payment_method {
            Some(payment_method) if errors.is_empty() => Ok(ValidOrder {
                items,
                payment_method,
            }),
            _ => Err(errors),
        }
    }
}

impl Cursor {
    /// Checks the limit.
    pub fn validate(self) -> Result<Cursor, Vec<FieldError>> {
        let mut errors = vec![];
        let limit = check(&mut errors, "limit", super::page_size(self.limit));
        limit.map(|limit| Cursor { limit, ..self }).ok_or(errors)
    }
}

impl From<Money> for Amount {
    fn from(money: Money) -> Amount {
        Amount {
            minor: money.minor(),
            currency: money.currency().code().to_owned(),
        }
    }
}

impl From<&Line> for LineBody {
    fn from(line: &Line) -> LineBody {
        LineBody {
            sku: line.sku.to_string(),
            quantity: line.quantity.get(),
            unit_price: line.unit_price.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(lines: &[(&str, i64)], payment_method: &str) -> PlaceOrder {
        let line = |(sku, quantity): &(&str, i64)| NewLine {
            sku: (*sku).to_owned(),
            quantity: *quantity,
        };
        PlaceOrder {
            lines: lines.iter().map(line).collect(),
            payment_method: payment_method.to_owned(),
        }
    }

    #[test]
    fn every_invalid_field_is_named() {
        let check = |order: PlaceOrder, expected: &[&str]| {
            let errors = order.validate().err().unwrap_or_default();
            let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
            assert_eq!(fields, expected);
        };

        check(order(&[("teapot", 1)], "tok_ok"), &[]);
        check(order(&[], "tok_ok"), &["lines"]);
        check(order(&[("teapot", 0)], "tok_ok"), &["lines[0].quantity"]);
        check(
            order(&[("Teapot!", 1)], ""),
            &["lines[0].sku", "payment_method"],
        );
        check(order(&[("a", 1), ("a", 1)], "tok_ok"), &["lines[1].sku"]);
        check(
            order(&[("", -1)], " "),
            &["lines[0].sku", "lines[0].quantity", "payment_method"],
        );
        check(order(&[("a", 1); 51], "tok_ok"), &["lines"]);
    }
}
