//! How one operation is sent, and what is noted of it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contracts::http::PlaceOrder;
use goose::goose::{GooseMethod, GooseRequest, GooseUser, TransactionError, TransactionResult};
use serde::Deserialize;
use uuid::Uuid;

use super::pace::Turn;
use super::recorder::{Accepted, Outcome, Recorder};
use super::scenario::{Operation, World};
use super::{Pace, Scenario};

/// One run's load.
#[derive(Debug)]
pub struct Attack {
    pub base_url: String,
    pub scenario: Scenario,
    pub seed: u64,
    /// What the idempotency keys begin with: a shop that was loaded before knows ours again.
    pub keys: String,
    pub products: usize,
    /// A bearer token for each customer.
    pub tokens: Vec<String>,
    pub pace: Pace,
    pub recorder: Recorder,
    /// The order each customer placed last, for those who ask after one.
    pub last_orders: Vec<Mutex<Option<Uuid>>>,
}

#[derive(Deserialize)]
struct Placed {
    id: Uuid,
    status: String,
}

impl Attack {
    pub(super) async fn next(&self, user: &mut GooseUser) -> TransactionResult {
        let Some(turn) = self.pace.turn().await else {
            // goose ends by time or by this; it lets every user finish what it has begun.
            goose::trigger_killswitch("the schedule is over");
            tokio::time::sleep(Duration::from_millis(50)).await;
            return Ok(());
        };
        let world = World {
            customers: self.tokens.len(),
            products: self.products,
        };
        match self.scenario.operation(self.seed, turn.number, world) {
            Operation::Order {
                customer,
                order,
                cancel,
            } => self.order(user, turn, customer, &order, cancel).await,
            Operation::Product { sku } => {
                self.get(user, turn, "get_product", &format!("/products/{sku}"), None)
                    .await
            }
            Operation::Orders { customer } => {
                self.get(user, turn, "list_orders", "/orders", Some(customer))
                    .await
            }
            Operation::Status { customer } => {
                let path = self.path_of_last_order(customer, "");
                self.get(user, turn, "get_order", &path, Some(customer))
                    .await
            }
            Operation::History { customer } => {
                let path = self.path_of_last_order(customer, "/history");
                self.get(user, turn, "get_history", &path, Some(customer))
                    .await
            }
        }
    }

    async fn order(
        &self,
        user: &mut GooseUser,
        turn: Turn,
        customer: usize,
        order: &PlaceOrder,
        cancel: bool,
    ) -> TransactionResult {
        let request = user
            .get_request_builder(&GooseMethod::Post, "/orders")?
            .bearer_auth(&self.tokens[customer])
            .header("idempotency-key", format!("{}-{}", self.keys, turn.number))
            .json(order);
        let accepted = self
            .send(user, turn, "place_order", customer, request)
            .await?;
        let Some(accepted) = accepted else {
            return Ok(());
        };
        *self.last_order(customer) = Some(accepted.id);

        if cancel {
            let path = format!("/orders/{}/cancel", accepted.id);
            let request = user
                .get_request_builder(&GooseMethod::Post, &path)?
                .bearer_auth(&self.tokens[customer]);
            let turn = Turn {
                due: self.pace.elapsed(),
                ..turn
            };
            self.send(user, turn, "cancel_order", customer, request)
                .await?;
        }
        Ok(())
    }

    async fn get(
        &self,
        user: &mut GooseUser,
        turn: Turn,
        operation: &'static str,
        path: &str,
        customer: Option<usize>,
    ) -> TransactionResult {
        let mut request = user.get_request_builder(&GooseMethod::Get, path)?;
        if let Some(customer) = customer {
            request = request.bearer_auth(&self.tokens[customer]);
        }
        self.send(user, turn, operation, customer.unwrap_or(0), request)
            .await?;
        Ok(())
    }

    async fn send(
        &self,
        user: &mut GooseUser,
        turn: Turn,
        operation: &'static str,
        customer: usize,
        request: reqwest::RequestBuilder,
    ) -> Result<Option<Accepted>, Box<TransactionError>> {
        let lag = self.pace.elapsed().saturating_sub(turn.due);
        let request = GooseRequest::builder()
            .path(operation)
            .set_request_builder(request)
            .build();
        let (answer, accepted) = match user.request(request).await?.response {
            Err(error) => (Err(reason(&error).to_owned()), None),
            Ok(response) => {
                let status = response.status().as_u16();
                // The whole answer belongs to the latency, and a read one frees its connection.
                match response.bytes().await {
                    Err(error) => (Err(reason(&error).to_owned()), None),
                    Ok(body) if operation == "place_order" => {
                        (Ok(status), accepted(status, &body, customer))
                    }
                    Ok(_) => (Ok(status), None),
                }
            }
        };
        self.recorder.note(Outcome {
            operation,
            due: turn.due,
            lag,
            latency: self.pace.elapsed().saturating_sub(turn.due),
            answer,
            order: accepted,
        });
        Ok(accepted)
    }

    /// A customer who has ordered nothing yet looks at the list instead.
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

fn accepted(status: u16, body: &[u8], customer: usize) -> Option<Accepted> {
    let placed: Placed = serde_json::from_slice(body)
        .ok()
        .filter(|_| (200..300).contains(&status))?;
    Some(Accepted {
        id: placed.id,
        customer,
        settled: placed.status != "placed",
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
