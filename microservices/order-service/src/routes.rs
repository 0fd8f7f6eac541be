//! The order service's endpoints. Those that only read are shared with the monolith.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use chassis::{Json, Path, Problem, Trace, TraceParent};
use contracts::http::{OrderBody, PlaceOrder};
use domain::OrderId;
use storefront::Customer;
use storefront::reading;
use storefront::submission::{self, IdempotencyKey, Submission};
use uuid::Uuid;

use crate::Orders;
use crate::cancel_order::cancel_order;
use crate::place_order::{Error, place_order};

pub(crate) fn routes(service: Orders) -> Router {
    Router::new()
        .route("/orders", post(place))
        .route("/orders/{id}/cancel", post(cancel))
        .merge(reading::routes())
        .with_state(service)
}

/// Responds when the order is recorded: it is placed, and settles later.
async fn place(
    State(service): State<Orders>,
    Trace(trace): Trace,
    Customer(customer): Customer,
    key: IdempotencyKey,
    Json(request): Json<PlaceOrder>,
) -> Result<(StatusCode, Json<OrderBody>), Problem> {
    let record = match submission::check(&service.db, customer, key, request).await? {
        Submission::Repeated(existing) => existing,
        Submission::New(order, idempotency) => {
            let service = service.traced(trace);
            match place_order(&service, order, &idempotency).await? {
                Some(placed) => placed,
                None => submission::find_existing(&service.db, customer, &idempotency).await?,
            }
        }
    };
    Ok((StatusCode::CREATED, Json(reading::body(&record))))
}

/// Responds when the request is recorded: shipping decides whether it is in time.
async fn cancel(
    State(service): State<Orders>,
    Trace(trace): Trace,
    Customer(customer): Customer,
    Path(order): Path<Uuid>,
) -> Result<(StatusCode, Json<OrderBody>), Problem> {
    let record = reading::find_own(&service.db, customer, OrderId(order)).await?;
    let service = service.traced(trace);
    cancel_order(&service, &record)
        .await?
        .map_err(reading::refused)?;
    let record = reading::find_own(&service.db, customer, OrderId(order)).await?;
    Ok((StatusCode::ACCEPTED, Json(reading::body(&record))))
}

impl Orders {
    /// The service for one request: its messages continue the request's trace, if it is sampled.
    fn traced(mut self, request: TraceParent) -> Orders {
        if request.is_sampled() {
            self.outbox = self.outbox.traced(request);
        }
        self
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        match error {
            Error::Database(error) | Error::Outbox(messaging::Error::Database(error)) => {
                error.into()
            }
            Error::Outbox(error) => Problem::internal(error),
        }
    }
}
