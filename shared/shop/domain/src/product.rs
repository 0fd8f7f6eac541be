//! A product in the catalogue.

use crate::{Money, Sku};

/// What is sold and for how much. How many there are is inventory's business.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Product {
    pub sku: Sku,
    pub name: String,
    pub unit_price: Money,
}
