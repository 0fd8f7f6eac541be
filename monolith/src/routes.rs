//! The monolith's own endpoints. Those that only read are shared with the services.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use chassis::{Json, Path, Problem, openapi};
use contracts::http::{OrderBody, PlaceOrder};
use domain::OrderId;
use storefront::Customer;
use storefront::submission::{self, IdempotencyKey, Submission};
use storefront::{accounts, reading};
use uuid::Uuid;

use crate::Shop;
use crate::cancel_order::cancel_order;
use crate::place_order::place_order;

pub(crate) fn routes(shop: Shop) -> Router {
    let accounts = accounts::routes(shop.db.clone(), shop.tokens.clone());
    Router::new()
        .route("/orders", post(place))
        .route("/orders/{id}/cancel", post(cancel))
        .merge(reading::routes())
        .with_state(shop)
        .merge(accounts)
        .merge(openapi::routes(contracts::openapi::json()))
}

/// Responds when everything is decided: the order is confirmed or cancelled.
async fn place(
    State(shop): State<Shop>,
    Customer(customer): Customer,
    key: IdempotencyKey,
    Json(request): Json<PlaceOrder>,
) -> Result<(StatusCode, Json<OrderBody>), Problem> {
    let _permit = shop.admission.enter()?;
    let record = match submission::check(&shop.db, customer, key, request).await? {
        Submission::Repeated(existing) => existing,
        Submission::New(order, idempotency) => {
            match place_order(&shop, order, &idempotency).await? {
                Some(placed) => placed,
                None => submission::find_existing(&shop.db, customer, &idempotency).await?,
            }
        }
    };
    Ok((StatusCode::CREATED, Json(reading::body(&record))))
}

/// Responds when it is decided whether the order can still be cancelled.
async fn cancel(
    State(shop): State<Shop>,
    Customer(customer): Customer,
    Path(order): Path<Uuid>,
) -> Result<(StatusCode, Json<OrderBody>), Problem> {
    let record = reading::find_own(&shop.db, customer, OrderId(order)).await?;
    cancel_order(&shop, &record)
        .await?
        .map_err(reading::refused)?;
    let record = reading::find_own(&shop.db, customer, OrderId(order)).await?;
    Ok((StatusCode::ACCEPTED, Json(reading::body(&record))))
}
