//! How one operation is sent, and what is noted of it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contracts::http::PlaceOrder;
use goose::goose::{GooseMethod, GooseRequest, GooseUser, TransactionError, TransactionResult};
use serde::Deserialize;
use uuid::Uuid;

use super::pace::Turn;
use super::recorder::{AWAIT, Accepted, CANCEL, Outcome, Recorder};
use super::scenario::{Operation, World};
use super::{Pace, Scenario};

/// One run's load.
#[derive(Debug)]
pub struct Attack {
    /// The doors, which users share out among them.
    pub base_urls: Vec<String>,
    pub scenario: Scenario,
    pub seed: u64,
    /// What the idempotency keys begin with: a shop that was loaded before knows ours again.
    pub keys: String,
    pub products: usize,
    /// A bearer token for each customer.
    pub tokens: Vec<String>,
    pub pace: Pace,
    /// Whether who has ordered waits until the order is settled before the next turn.
    pub awaits: bool,
    pub recorder: Recorder,
    /// The order each customer placed last, for those who ask after one.
    pub last_orders: Vec<Mutex<Option<Uuid>>>,
}

/// A customer who waits looks again so often. It is a request as any other, and costs the arm one.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Whoever waits longer gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who an answer is for, and what an accepted order is to be noted with.
#[derive(Clone, Copy)]
struct Asker {
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
        let asker = Asker {
            customer,
            number: turn.number,
            cancel,
        };
        let request = self
            .request(user, &GooseMethod::Post, "/orders")?
            .bearer_auth(&self.tokens[customer])
            .header("idempotency-key", format!("{}-{}", self.keys, turn.number))
            .json(order);
        let accepted = self.send(user, turn, "place_order", asker, request).await?;
        let Some(accepted) = accepted else {
            return Ok(());
        };
        *self.last_order(customer) = Some(accepted.id);

        if cancel {
            let path = format!("/orders/{}/cancel", accepted.id);
            let request = self
                .request(user, &GooseMethod::Post, &path)?
                .bearer_auth(&self.tokens[customer]);
            let turn = self.now(turn);
            self.send(user, turn, CANCEL, asker, request).await?;
        }
        if self.awaits && !accepted.settled {
            self.settled(user, turn, asker, accepted.id).await?;
        }
        Ok(())
    }

    /// Looks at an order until it is settled.
    async fn settled(
        &self,
        user: &mut GooseUser,
        turn: Turn,
        asker: Asker,
        order: Uuid,
    ) -> TransactionResult {
        let begin = self.pace.elapsed();
        while self.pace.elapsed() < begin + PATIENCE {
            tokio::time::sleep(LOOK_AGAIN).await;
            let request = self
                .request(user, &GooseMethod::Get, &format!("/orders/{order}"))?
                .bearer_auth(&self.tokens[asker.customer]);
            let seen = self
                .send(user, self.now(turn), AWAIT, asker, request)
                .await?;
            if seen.is_some_and(|seen| seen.settled) {
                break;
            }
        }
        Ok(())
    }

    /// What follows on an operation is due when it is sent.
    fn now(&self, turn: Turn) -> Turn {
        Turn {
            due: self.pace.elapsed(),
            ..turn
        }
    }

    /// Each user has one of the doors.
    fn request(
        &self,
        user: &mut GooseUser,
        method: &GooseMethod,
        path: &str,
    ) -> Result<reqwest::RequestBuilder, Box<TransactionError>> {
        let door = user.weighted_users_index % self.base_urls.len();
        user.get_request_builder(method, &format!("{}{path}", self.base_urls[door]))
    }

    async fn get(
        &self,
        user: &mut GooseUser,
        turn: Turn,
        operation: &'static str,
        path: &str,
        customer: Option<usize>,
    ) -> TransactionResult {
        let mut request = self.request(user, &GooseMethod::Get, path)?;
        if let Some(customer) = customer {
            request = request.bearer_auth(&self.tokens[customer]);
        }
        let asker = Asker {
            customer: customer.unwrap_or(0),
            number: turn.number,
            cancel: false,
        };
        self.send(user, turn, operation, asker, request).await?;
        Ok(())
    }

    async fn send(
        &self,
        user: &mut GooseUser,
        turn: Turn,
        operation: &'static str,
        asker: Asker,
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
                    Ok(body) if ["place_order", AWAIT].contains(&operation) => {
                        (Ok(status), accepted(status, &body, asker))
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
            // What is only looked at was noted when it was placed.
            order: accepted.filter(|_| operation == "place_order"),
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

fn accepted(status: u16, body: &[u8], asker: Asker) -> Option<Accepted> {
    let placed: Placed = strict_json::from_slice(body)
        .ok()
        .filter(|_| (200..300).contains(&status))?;
    Some(Accepted {
        id: placed.id,
        customer: asker.customer,
        number: asker.number,
        settled: placed.status != "placed",
        cancel: asker.cancel,
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
