//! A customer of one shop.

use std::time::{Duration, Instant};

use contracts::http::{AccessToken, HistoryEntry, NewLine, OrderBody, PlaceOrder};
use domain::{Fact, Status};
use reqwest::{Client, Method, RequestBuilder};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::answer::Answer;

/// How long an order may take to reach a state. It takes milliseconds, plus the cancellation
/// window. The rest is for machines that are busy with other things.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

#[derive(Clone)]
pub(crate) struct Customer {
    http: Client,
    url: String,
    pub(crate) token: String,
}

impl Customer {
    /// Opens an account at the shop.
    pub(crate) async fn register(http: &Client, url: &str) -> Customer {
        let email = format!("{}@example.org", Uuid::now_v7());
        let credentials = json!({"email": email, "password": "correct horse"});
        let request = http.post(format!("{url}/auth/register")).json(&credentials);
        let token: AccessToken = Answer::to(request).await.token(201);
        Customer::signed_in(http, url, &token.access_token)
    }

    pub(crate) fn signed_in(http: &Client, url: &str, token: &str) -> Customer {
        Customer {
            http: http.clone(),
            url: url.to_owned(),
            token: token.to_owned(),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        request.bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    /// `POST /orders` with any body, under a new key.
    pub(crate) async fn post_order(&self, body: &impl Serialize) -> Answer {
        self.post_order_as(&new_key(), body).await
    }

    pub(crate) async fn post_order_as(&self, key: &str, body: &impl Serialize) -> Answer {
        let request = self.request(Method::POST, "/orders");
        Answer::to(request.header("idempotency-key", key).json(body)).await
    }

    /// Places an order that is accepted.
    pub(crate) async fn place(&self, order: &PlaceOrder) -> OrderBody {
        self.post_order(order).await.order(201)
    }

    pub(crate) async fn order(&self, id: Uuid) -> OrderBody {
        self.get(&format!("/orders/{id}")).await.order(200)
    }

    /// The facts of the order, in the sequence in which they happened.
    pub(crate) async fn history(&self, id: Uuid) -> Vec<Fact> {
        let history = self.get(&format!("/orders/{id}/history")).await.is(200);
        let history: Vec<HistoryEntry> = history.read();
        let in_order = history.is_sorted_by_key(|entry| entry.happened_at);
        assert!(in_order, "{history:?}");
        history.iter().map(|entry| entry.fact).collect()
    }

    /// Polls the history until it has the expected facts.
    pub(crate) async fn history_when(
        &self,
        id: Uuid,
        is_so: impl Fn(&Vec<Fact>) -> bool,
    ) -> Vec<Fact> {
        let deadline = Instant::now() + SETTLE_LIMIT;
        loop {
            let history = self.history(id).await;
            if is_so(&history) {
                return history;
            }
            assert!(Instant::now() < deadline, "never complete: {history:?}");
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    pub(crate) async fn cancel(&self, id: Uuid) -> Answer {
        Answer::to(self.request(Method::POST, &format!("/orders/{id}/cancel"))).await
    }

    /// Polls the order until it has left `placed`.
    pub(crate) async fn settled(&self, id: Uuid) -> OrderBody {
        self.follow(id, "settled", |order| order.status != Status::Placed)
            .await
    }

    pub(crate) async fn dispatched(&self, id: Uuid) -> OrderBody {
        self.follow(id, "dispatched", |order| order.status == Status::Dispatched)
            .await
    }

    /// Polls the order until it has the expected state.
    pub(crate) async fn follow(
        &self,
        id: Uuid,
        expected: &str,
        is_so: impl Fn(&OrderBody) -> bool,
    ) -> OrderBody {
        let deadline = Instant::now() + SETTLE_LIMIT;
        loop {
            let order = self.order(id).await;
            if is_so(&order) {
                return order;
            }
            assert!(Instant::now() < deadline, "never {expected}: {order:?}");
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// An order of these products, one piece each, with a valid card.
pub(crate) fn order_of<S: AsRef<str>>(skus: &[S]) -> PlaceOrder {
    let one = |sku: &S| NewLine {
        sku: sku.as_ref().to_owned(),
        quantity: 1,
    };
    PlaceOrder {
        lines: skus.iter().map(one).collect(),
        payment_method: "tok_ok".to_owned(),
    }
}

pub(crate) fn new_key() -> String {
    Uuid::now_v7().to_string()
}
