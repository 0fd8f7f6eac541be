//! Reading orders and products, the same in both architectures. Nothing here writes.

use axum::Router;
use axum::extract::{FromRef, State};
use axum::routing::get;
use chassis::auth::TokenVerifier;
use chassis::{Json, Path, Problem, Query};
use contracts::http::{
    Cursor, HistoryEntry, OrderBody, OrderPage, ProductBody, ProductCursor, ProductPage,
};
use domain::{CustomerId, OrderId, Refusal, Sku};
use sqlx::PgPool;
use store::orders::OrderRecord;
use store::{catalogue, facts, orders};
use uuid::Uuid;

use crate::Customer;

/// `GET /products`, `/products/{sku}`, `/orders`, `/orders/{id}` and `/orders/{id}/history`.
pub fn routes<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    PgPool: FromRef<S>,
    TokenVerifier: FromRef<S>,
{
    Router::new()
        .route("/products", get(list_products))
        .route("/products/{sku}", get(show_product))
        .route("/orders", get(list_orders))
        .route("/orders/{id}", get(show_order))
        .route("/orders/{id}/history", get(show_history))
}

/// Finds an order of the customer.
///
/// # Errors
/// 404 if no order of the customer has this id. An order of another customer gets the same answer,
/// so an id reveals nothing. 503 without a database.
pub async fn find_own(
    db: &PgPool,
    customer: CustomerId,
    order: OrderId,
) -> Result<OrderRecord, Problem> {
    let found = orders::find(&mut *database::lend(db).await?, order).await?;
    found
        .filter(|record| record.order.customer == customer)
        .ok_or_else(|| Problem::not_found(format!("no order of yours has the id {order}")))
}

/// The order as an HTTP body.
pub fn body(record: &OrderRecord) -> OrderBody {
    OrderBody::new(&record.order, record.facts, record.placed_at)
}

/// 409: it is too late to cancel.
pub fn refused(refusal: Refusal) -> Problem {
    Problem::conflict(refusal.to_string())
        .named("urn:twofold:too-late-to-cancel", "Too late to cancel")
}

async fn list_products(
    State(db): State<PgPool>,
    Query(cursor): Query<ProductCursor>,
) -> Result<Json<ProductPage>, Problem> {
    let (after, limit) = cursor.validate().map_err(Problem::invalid)?;
    let products = catalogue::list(&mut *database::lend(&db).await?, after.as_ref(), limit).await?;
    Ok(Json(ProductPage::new(products, limit)))
}

async fn show_product(
    State(db): State<PgPool>,
    Path(sku): Path<String>,
) -> Result<Json<ProductBody>, Problem> {
    let unknown = || Problem::not_found(format!("no product has the SKU {sku:?}"));
    let parsed = Sku::parse(sku.as_str()).map_err(|_| unknown())?;
    let found = catalogue::find(&mut *database::lend(&db).await?, [&parsed]).await?;
    let product = found.into_iter().next().ok_or_else(unknown)?;
    Ok(Json(product.into()))
}

async fn list_orders(
    State(db): State<PgPool>,
    Customer(customer): Customer,
    Query(cursor): Query<Cursor>,
) -> Result<Json<OrderPage>, Problem> {
    let Cursor { after, limit } = cursor.validate().map_err(Problem::invalid)?;
    let after = after.map(OrderId);
    let found = orders::list(&mut *database::lend(&db).await?, customer, after, limit).await?;
    Ok(Json(OrderPage::new(
        found.iter().map(body).collect(),
        limit,
    )))
}

async fn show_order(
    State(db): State<PgPool>,
    Customer(customer): Customer,
    Path(order): Path<Uuid>,
) -> Result<Json<OrderBody>, Problem> {
    let record = find_own(&db, customer, OrderId(order)).await?;
    Ok(Json(body(&record)))
}

async fn show_history(
    State(db): State<PgPool>,
    Customer(customer): Customer,
    Path(order): Path<Uuid>,
) -> Result<Json<Vec<HistoryEntry>>, Problem> {
    let order = find_own(&db, customer, OrderId(order)).await?.order;
    let history = facts::history(&mut *database::lend(&db).await?, order.id).await?;
    Ok(Json(
        history
            .into_iter()
            .map(|record| HistoryEntry {
                fact: record.fact,
                happened_at: record.happened_at,
                at: record.recorded_at,
            })
            .collect(),
    ))
}
