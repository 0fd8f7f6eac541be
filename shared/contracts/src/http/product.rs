//! `GET /products` and `GET /products/{sku}`.

use domain::Product;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Amount;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProductBody {
    pub sku: String,
    pub name: String,
    pub unit_price: Amount,
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
