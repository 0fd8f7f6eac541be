//! The monolith's own endpoints; what only reads is shared with the services.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use chassis::{Json, Path, Problem, openapi};
use contracts::http::{OrderBody, PlaceOrder};
use domain::OrderId;
use storefront::Customer;
use storefront::placing::{self, IdempotencyKey, Placing};
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

/// Answers when everything is decided: the order is confirmed or cancelled.
async fn place(
    State(shop): State<Shop>,
    Customer(customer): Customer,
    key: IdempotencyKey,
    Json(request): Json<PlaceOrder>,
) -> Result<(StatusCode, Json<OrderBody>), Problem> {
    let _place = shop.admission.enter()?;
    let known = match placing::prepare(&shop.db, customer, key, request).await? {
        Placing::Repeated(known) => known,
        Placing::New(order, idempotency) => match place_order(&shop, order, &idempotency).await? {
            Some(known) => known,
            None => placing::find_winner(&shop.db, customer, &idempotency).await?,
        },
    };
    Ok((StatusCode::CREATED, Json(reading::body(&known))))
}

/// Answers when it is decided whether the order can still be cancelled.
async fn cancel(
    State(shop): State<Shop>,
    Customer(customer): Customer,
    Path(order): Path<Uuid>,
) -> Result<(StatusCode, Json<OrderBody>), Problem> {
    let known = reading::find_own(&shop.db, customer, OrderId(order)).await?;
    cancel_order(&shop, &known)
        .await?
        .map_err(reading::refused)?;
    let known = reading::find_own(&shop.db, customer, OrderId(order)).await?;
    Ok((StatusCode::ACCEPTED, Json(reading::body(&known))))
}
