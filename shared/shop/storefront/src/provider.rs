//! The payment provider: a third party, reached over HTTP.
//!
//! Every call is idempotent with the order's id as its key, so it may be repeated after a timeout
//! or a crash. No call is ever made inside a database transaction: a provider that hangs would
//! hold locks that other customers wait for.

use std::time::Duration;

use chassis::Problem;
use domain::{Order, OrderId, Payment};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thiserror::Error;
use tracing::{debug, warn};

/// A client of the provider. Cheap to clone: all clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct Provider {
    http: Client,
    url: String,
}

#[derive(Debug, Error)]
pub enum ProviderError {
    #[error("the payment provider cannot be reached or does not answer: {0}")]
    Unavailable(#[from] reqwest::Error),
    #[error("the payment provider refused the request with status {0}")]
    Refused(StatusCode),
    #[error("the payment provider gives an answer that is none of its contract: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// An authorization as the provider's books have it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Authorization {
    pub order_id: OrderId,
}

#[derive(Deserialize)]
struct Answer {
    status: AnswerStatus,
}

#[derive(PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AnswerStatus {
    Authorized,
    Declined,
    Captured,
    Voided,
    Refunded,
}

/// One attempt. The provider's own promise is an answer within half a second; four times that is
/// taken for a hang.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
/// Three attempts and their pauses end within 7 s, before the 10 s of an HTTP request do.
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Client errors of a provider that has no time just now.
const BUSY: [StatusCode; 3] = [
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::TOO_EARLY,
    StatusCode::TOO_MANY_REQUESTS,
];
/// Client errors that a person mends: our credentials, our account, a proxy.
const MENDABLE: [StatusCode; 4] = [
    StatusCode::UNAUTHORIZED,
    StatusCode::PAYMENT_REQUIRED,
    StatusCode::FORBIDDEN,
    StatusCode::PROXY_AUTHENTICATION_REQUIRED,
];

impl Provider {
    /// A client of the provider at `url`, such as `http://127.0.0.1:9400`.
    pub fn new(url: &str) -> Result<Provider, ProviderError> {
        let http = Client::builder().timeout(ATTEMPT_TIMEOUT).build()?;
        Ok(Provider {
            http,
            url: url.trim_end_matches('/').to_owned(),
        })
    }

    /// Sets the order's total aside on the customer's card: `Authorized` or `Declined`.
    pub async fn authorize(&self, order: &Order) -> Result<Payment, ProviderError> {
        let body = json!({
            "order_id": order.id,
            "amount_minor": order.total.minor(),
            "currency": order.total.currency().code(),
            "payment_method": order.payment_method.as_str(),
        });
        let answer = self.post("authorizations", body).await?;
        match answer.status {
            AnswerStatus::Authorized | AnswerStatus::Captured => Ok(Payment::Authorized),
            AnswerStatus::Declined | AnswerStatus::Voided | AnswerStatus::Refunded => {
                Ok(Payment::Declined)
            }
        }
    }

    /// Does what is due, and returns the payment as it is then. Nothing is called when nothing is.
    pub async fn send_due(&self, order: OrderId, due: Payment) -> Result<Payment, ProviderError> {
        match due {
            Payment::CaptureDue => self.capture(order).await?,
            Payment::VoidDue => self.void(order).await?,
            Payment::RefundDue => self.refund(order).await?,
            _ => {}
        }
        Ok(due.done())
    }

    /// Takes what was set aside.
    pub async fn capture(&self, order: OrderId) -> Result<(), ProviderError> {
        self.act(order, "capture").await
    }

    /// Gives back what was set aside. An order the provider has not heard of yet is voided all the
    /// same: a late authorization for it is declined.
    pub async fn void(&self, order: OrderId) -> Result<(), ProviderError> {
        self.act(order, "void").await
    }

    /// Gives back what was taken.
    pub async fn refund(&self, order: OrderId) -> Result<(), ProviderError> {
        self.act(order, "refund").await
    }

    /// What has been set aside for longer than `age` and neither captured nor voided since.
    pub async fn authorized_before(
        &self,
        age: Duration,
    ) -> Result<Vec<Authorization>, ProviderError> {
        let url = format!("{}/authorizations", self.url);
        let query = [
            ("status", "authorized".to_owned()),
            ("older_than_ms", age.as_millis().to_string()),
        ];
        let response = self
            .http
            .get(url)
            .query(&query)
            .send()
            .await?
            .error_for_status()?;
        read(response).await
    }

    async fn act(&self, order: OrderId, action: &str) -> Result<(), ProviderError> {
        self.post(&format!("authorizations/{order}/{action}"), Value::Null)
            .await
            .map(|_| ())
    }

    /// Boxed, so that the HTTP client is compiled here and not wherever a payment is made.
    fn post<'a>(
        &'a self,
        path: &'a str,
        body: Value,
    ) -> BoxFuture<'a, Result<Answer, ProviderError>> {
        self.post_patiently(path, body).boxed()
    }

    /// Posts, and tries again while the provider is not reached, fails or is busy.
    async fn post_patiently(&self, path: &str, body: Value) -> Result<Answer, ProviderError> {
        let (mut attempt, mut pause) = (1, FIRST_PAUSE);
        loop {
            let error = match self.post_once(path, &body).await {
                Err(error) if attempt < ATTEMPTS && error.is_passing() => error,
                answer => return answer,
            };
            debug!(%error, attempt, path, "asking the payment provider again");
            tokio::time::sleep(pause).await;
            attempt += 1;
            pause *= 3;
        }
    }

    async fn post_once(&self, path: &str, body: &Value) -> Result<Answer, ProviderError> {
        let response = self
            .http
            .post(format!("{}/{path}", self.url))
            .json(body)
            .send()
            .await?;
        let status = response.status();
        if !status.is_success() {
            return Err(ProviderError::Refused(status));
        }
        read(response).await
    }
}

/// The provider is a third party: an array is no object of its.
async fn read<T: DeserializeOwned>(response: reqwest::Response) -> Result<T, ProviderError> {
    Ok(strict_json::from_slice(&response.bytes().await?)?)
}

/// 503: nothing was ordered, and the same request may be sent again. That helps with nothing that
/// the provider has understood and refused, which is our own mistake.
pub fn unavailable(error: &ProviderError) -> Problem {
    if !error.is_passing() {
        return Problem::internal(error);
    }
    warn!(%error, "could not ask the payment provider");
    Problem::unavailable("the payment provider does not answer: send the same request again")
}

impl ProviderError {
    /// Whether the provider has understood the request and will never do it: any other answer may
    /// pass by itself, or when somebody mends an address or a credential.
    pub fn is_final(&self) -> bool {
        match self {
            ProviderError::Unavailable(_) | ProviderError::Malformed(_) => false,
            ProviderError::Refused(status) => {
                status.is_client_error() && !MENDABLE.contains(status) && !self.is_passing()
            }
        }
    }

    /// Whether asking again at once may help.
    fn is_passing(&self) -> bool {
        match self {
            ProviderError::Unavailable(_) | ProviderError::Malformed(_) => true,
            ProviderError::Refused(status) => status.is_server_error() || BUSY.contains(status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_pass_and_cannot_be_mended_is_final() {
        let check = |status: u16, is_final: bool, is_passing: bool| {
            let error = ProviderError::Refused(StatusCode::from_u16(status).unwrap());
            assert_eq!(
                (error.is_final(), error.is_passing()),
                (is_final, is_passing),
                "{status}"
            );
        };
        for refused in [400, 404, 409, 410, 422] {
            check(refused, true, false);
        }
        for credentials in [401, 402, 403, 407] {
            check(credentials, false, false);
        }
        for busy in [408, 425, 429, 500, 503] {
            check(busy, false, true);
        }
        check(302, false, false);
    }
}
