//! A product in the catalogue.

use crate::{Money, Sku};

/// A product with its price. The number of pieces is in inventory's [`Stock`](crate::Stock).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Product {
    /// The stock keeping unit: it identifies the product.
    pub sku: Sku,
    /// The name that customers see.
    pub name: String,
    /// The price of one piece.
    pub unit_price: Money,
}
