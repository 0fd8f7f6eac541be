//! Sends one operation, and records its outcome.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use analysis::model::Scenario;
use contracts::http::PlaceOrder;
use goose::goose::{GooseMethod, GooseRequest, GooseUser, TransactionError, TransactionResult};
use serde::Deserialize;
use uuid::Uuid;

use super::arrivals::{Arrival, Arrivals};
use super::operations::{Operation, Population, operation};
use super::recorder::{Accepted, Outcome, Recorder, Request};
use super::sampling::Sampling;
use crate::audit::Sent;

/// One run's load.
#[derive(Debug)]
pub struct Attack {
    /// The shop's entry addresses. Operations are spread over them.
    pub base_urls: Vec<String>,
    pub scenario: Scenario,
    pub seed: u64,
    /// The prefix of the idempotency keys. A shop that was load-tested before would treat repeated
    /// keys as retries.
    pub keys: String,
    pub products: usize,
    /// A bearer token for each customer.
    pub tokens: Vec<String>,
    pub arrivals: Arrivals,
    /// Whether a user waits until its order is settled before it takes the next operation.
    pub awaits: bool,
    /// Which orders are traced. `None` leaves that to the shop, as customers do.
    pub sampling: Option<Sampling>,
    pub recorder: Recorder,
    /// The newest order of each customer, for operations that read one.
    pub last_orders: Vec<Mutex<Option<Uuid>>>,
}

/// How often a waiting customer polls the order. Each poll is a request that the arm serves.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// How long a customer waits at most.
const WAIT_LIMIT: Duration = Duration::from_secs(20);

/// The customer and the operation behind a request.
#[derive(Clone, Copy)]
struct Origin {
    customer: usize,
    number: usize,
    cancel: bool,
}

#[derive(Deserialize)]
struct Placed {
    id: Uuid,
    status: String,
}

impl Attack {
    /// Sends the next operation when it is due. Returns `false` when none is left.
    pub(super) async fn next(&self, user: &mut GooseUser) -> Result<bool, Box<TransactionError>> {
        let Some(arrival) = self.arrivals.next().await else {
            return Ok(false);
        };
        self.operate(user, arrival).await.map(|()| true)
    }

    /// The content of each accepted order, derived from its number again.
    pub fn accepted(&self, outcomes: &[Outcome]) -> Vec<Sent> {
        let orders = outcomes.iter().filter_map(|one| one.order);
        let orders = orders.map(|order| Sent {
            id: order.id,
            lines: match operation(self.scenario, self.seed, order.number, self.population()) {
                Operation::Order { order, .. } => {
                    let lines = order.lines.into_iter();
                    lines.map(|line| (line.sku, line.quantity)).collect()
                }
                _ => BTreeMap::new(),
            },
        });
        orders.collect()
    }

    fn population(&self) -> Population {
        Population {
            customers: self.tokens.len(),
            products: self.products,
        }
    }

    async fn operate(&self, user: &mut GooseUser, arrival: Arrival) -> TransactionResult {
        match operation(self.scenario, self.seed, arrival.number, self.population()) {
            Operation::Order {
                customer,
                order,
                cancel,
            } => self.order(user, arrival, customer, &order, cancel).await,
            Operation::Product { sku } => {
                self.get(
                    user,
                    arrival,
                    Request::GetProduct,
                    &format!("/products/{sku}"),
                    None,
                )
                .await
            }
            Operation::Orders { customer } => {
                self.get(
                    user,
                    arrival,
                    Request::ListOrders,
                    "/orders",
                    Some(customer),
                )
                .await
            }
            Operation::Status { customer } => {
                let path = self.path_of_last_order(customer, "");
                self.get(user, arrival, Request::GetOrder, &path, Some(customer))
                    .await
            }
            Operation::History { customer } => {
                let path = self.path_of_last_order(customer, "/history");
                self.get(user, arrival, Request::GetHistory, &path, Some(customer))
                    .await
            }
        }
    }

    async fn order(
        &self,
        user: &mut GooseUser,
        arrival: Arrival,
        customer: usize,
        order: &PlaceOrder,
        cancel: bool,
    ) -> TransactionResult {
        let origin = Origin {
            customer,
            number: arrival.number,
            cancel,
        };
        let request = self
            .request(user, arrival.number, &GooseMethod::Post, "/orders")?
            .bearer_auth(&self.tokens[customer])
            .header(
                "idempotency-key",
                format!("{}-{}", self.keys, arrival.number),
            )
            .json(order);
        let request = match &self.sampling {
            Some(sampling) => request.header("traceparent", sampling.trace_parent(arrival.number)),
            None => request,
        };
        let accepted = self
            .send(user, arrival, Request::PlaceOrder, origin, request)
            .await?;
        let Some(accepted) = accepted else {
            return Ok(());
        };
        *self.last_order(customer) = Some(accepted.id);

        if cancel {
            let path = format!("/orders/{}/cancel", accepted.id);
            let request = self
                .request(user, arrival.number, &GooseMethod::Post, &path)?
                .bearer_auth(&self.tokens[customer]);
            let arrival = self.now(arrival);
            self.send(user, arrival, Request::CancelOrder, origin, request)
                .await?;
        }
        if self.awaits && !accepted.settled {
            self.await_settled(user, arrival, origin, accepted.id)
                .await?;
        }
        Ok(())
    }

    /// Polls an order until it is settled.
    async fn await_settled(
        &self,
        user: &mut GooseUser,
        arrival: Arrival,
        origin: Origin,
        order: Uuid,
    ) -> TransactionResult {
        let begin = self.arrivals.elapsed();
        while self.arrivals.elapsed() < begin + WAIT_LIMIT {
            tokio::time::sleep(POLL_INTERVAL).await;
            let request = self
                .request(
                    user,
                    arrival.number,
                    &GooseMethod::Get,
                    &format!("/orders/{order}"),
                )?
                .bearer_auth(&self.tokens[origin.customer]);
            let seen = self
                .send(
                    user,
                    self.now(arrival),
                    Request::AwaitOrder,
                    origin,
                    request,
                )
                .await?;
            if seen.is_some_and(|seen| seen.settled) {
                break;
            }
        }
        Ok(())
    }

    /// A request that follows on an operation is due when it is sent.
    fn now(&self, arrival: Arrival) -> Arrival {
        Arrival {
            due: self.arrivals.elapsed(),
            ..arrival
        }
    }

    /// Operations take the entry addresses in turn.
    fn request(
        &self,
        user: &mut GooseUser,
        number: usize,
        method: &GooseMethod,
        path: &str,
    ) -> Result<reqwest::RequestBuilder, Box<TransactionError>> {
        let entry = number % self.base_urls.len();
        user.get_request_builder(method, &format!("{}{path}", self.base_urls[entry]))
    }

    async fn get(
        &self,
        user: &mut GooseUser,
        arrival: Arrival,
        kind: Request,
        path: &str,
        customer: Option<usize>,
    ) -> TransactionResult {
        let mut request = self.request(user, arrival.number, &GooseMethod::Get, path)?;
        if let Some(customer) = customer {
            request = request.bearer_auth(&self.tokens[customer]);
        }
        let origin = Origin {
            customer: customer.unwrap_or(0),
            number: arrival.number,
            cancel: false,
        };
        self.send(user, arrival, kind, origin, request).await?;
        Ok(())
    }

    async fn send(
        &self,
        user: &mut GooseUser,
        arrival: Arrival,
        kind: Request,
        origin: Origin,
        request: reqwest::RequestBuilder,
    ) -> Result<Option<Accepted>, Box<TransactionError>> {
        let send_delay = self.arrivals.elapsed().saturating_sub(arrival.due);
        let request = GooseRequest::builder()
            .path(kind.name())
            .set_request_builder(request)
            .build();
        let (answer, accepted) = match user.request(request).await?.response {
            Err(error) => (Err(reason(&error).to_owned()), None),
            Ok(response) => {
                let status = response.status().as_u16();
                // The latency includes the whole body, and reading it frees the connection.
                match response.bytes().await {
                    Err(error) => (Err(reason(&error).to_owned()), None),
                    Ok(body) if [Request::PlaceOrder, Request::AwaitOrder].contains(&kind) => {
                        (Ok(status), accepted(status, &body, origin))
                    }
                    Ok(_) => (Ok(status), None),
                }
            }
        };
        self.recorder.record(Outcome {
            request: kind,
            due: arrival.due,
            send_delay,
            latency: self.arrivals.elapsed().saturating_sub(arrival.due),
            answer,
            // A poll of an order is not a second order.
            order: accepted.filter(|_| kind == Request::PlaceOrder),
        });
        Ok(accepted)
    }

    /// A customer without an order reads the list instead.
    fn path_of_last_order(&self, customer: usize, suffix: &str) -> String {
        match *self.last_order(customer) {
            Some(order) => format!("/orders/{order}{suffix}"),
            None => "/orders".to_owned(),
        }
    }

    fn last_order(&self, customer: usize) -> MutexGuard<'_, Option<Uuid>> {
        let order = self.last_orders[customer].lock();
        order.unwrap_or_else(PoisonError::into_inner)
    }
}

fn accepted(status: u16, body: &[u8], origin: Origin) -> Option<Accepted> {
    let placed: Placed = strict_json::from_slice(body)
        .ok()
        .filter(|_| (200..300).contains(&status))?;
    Some(Accepted {
        id: placed.id,
        customer: origin.customer,
        number: origin.number,
        settled: placed.status != "placed",
        cancel: origin.cancel,
    })
}

fn reason(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timed out"
    } else if error.is_connect() {
        "could not connect"
    } else {
        "broke off"
    }
}
