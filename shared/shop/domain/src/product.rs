//! A product in the catalogue.

use crate::{Money, Sku};

/// A product with its price. The number of pieces is in inventory's [`Stock`](crate::Stock).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Product {
    pub sku: Sku,
    pub name: String,
    pub unit_price: Money,
}
