//! Reading orders and products. Nothing here changes anything, in either architecture.

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
use store::orders::KnownOrder;
use store::{catalogue, orders};
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

/// The customer's order. Another's is as unknown as one that does not exist: an id tells nothing.
pub async fn find_own(
    db: &PgPool,
    customer: CustomerId,
    order: OrderId,
) -> Result<KnownOrder, Problem> {
    let found = orders::find(&mut *database::lend(db).await?, order).await?;
    found
        .filter(|known| known.order.customer == customer)
        .ok_or_else(|| Problem::not_found(format!("no order of yours has the id {order}")))
}

/// The order as clients see it.
pub fn body(known: &KnownOrder) -> OrderBody {
    OrderBody::new(&known.order, known.facts, known.placed_at)
}

/// 409: the customer asked for what can no longer be had.
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
    let wanted = Sku::parse(sku.as_str()).map_err(|_| unknown())?;
    let found = catalogue::find(&mut *database::lend(&db).await?, [&wanted]).await?;
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
    let known = find_own(&db, customer, OrderId(order)).await?;
    Ok(Json(body(&known)))
}

async fn show_history(
    State(db): State<PgPool>,
    Customer(customer): Customer,
    Path(order): Path<Uuid>,
) -> Result<Json<Vec<HistoryEntry>>, Problem> {
    let known = find_own(&db, customer, OrderId(order)).await?;
    let history = orders::history(&mut *database::lend(&db).await?, known.order.id).await?;
    Ok(Json(
        history
            .into_iter()
            .map(|known| HistoryEntry {
                fact: known.fact,
                happened_at: known.happened_at,
                at: known.recorded_at,
            })
            .collect(),
    ))
}
