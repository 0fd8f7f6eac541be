//! `GET /products` and `GET /products/{sku}`.

use domain::{Product, Sku};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::validation::check;
use super::{Amount, FieldError};

/// A product with its price.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProductBody {
    /// The stock keeping unit: it identifies the product.
    pub sku: String,
    /// The name that customers see.
    pub name: String,
    /// The price of one piece.
    pub unit_price: Amount,
}

/// A page of products, sorted by SKU.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProductPage {
    /// The products of this page.
    pub items: Vec<ProductBody>,
    /// Pass this as `after` to get the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The page of products to read.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ProductCursor {
    /// The `next` of the previous page.
    #[param(pattern = "^[a-z0-9-]{1,64}$")]
    pub after: Option<String>,
    /// Products per page, 1 to 100.
    #[serde(default = "super::default_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: i64,
}

impl ProductPage {
    /// A page of up to `limit` products. A full page has a `next`.
    pub fn new(products: Vec<Product>, limit: i64) -> ProductPage {
        let items: Vec<ProductBody> = products.into_iter().map(ProductBody::from).collect();
        let full = items.len() as i64 == limit;
        let next = items
            .last()
            .filter(|_| full)
            .map(|product| product.sku.clone());
        ProductPage { items, next }
    }
}

impl ProductCursor {
    /// Checks both fields, and returns the errors of all invalid ones.
    pub fn validate(self) -> Result<(Option<Sku>, i64), Vec<FieldError>> {
        let mut errors = vec![];
        let after = self
            .after
            .and_then(|sku| check(&mut errors, "after", Sku::parse(sku)));
        let limit = check(&mut errors, "limit", super::page_size(self.limit));
        limit
            .filter(|_| errors.is_empty())
            .map(|limit| (after, limit))
            .ok_or(errors)
    }
}

impl From<Product> for ProductBody {
    fn from(product: Product) -> ProductBody {
        ProductBody {
            sku: product.sku.into(),
            name: product.name,
            unit_price: product.unit_price.into(),
        }
    }
}
