//! The payment provider: a third party, reached over HTTP.
//!
//! Every call is idempotent, with the order's id as its key, so it can be repeated after a timeout
//! or a crash. No call is made inside a database transaction: while the provider hangs, other
//! customers would wait for its locks.

use std::sync::Arc;
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
use trace_context::spans;
use tracing::{Instrument as _, Span, debug, warn};

/// A client of the provider. Cheap to clone: all clones share one connection pool.
#[derive(Clone, Debug)]
pub struct Provider {
    http: Client,
    url: Arc<str>,
}

/// Why a call to the provider failed.
#[derive(Debug, Error)]
pub enum ProviderError {
    #[error("the payment provider cannot be reached or does not answer: {0}")]
    Unavailable(#[from] reqwest::Error),
    #[error("the payment provider refused the request with status {0}")]
    Refused(StatusCode),
    #[error("the payment provider's answer breaks its contract: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// An authorization in the provider's ledger.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Authorization {
    /// The order that it is for.
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

/// The timeout of one attempt. The provider promises an answer within half a second; after four
/// times that, it counts as hanging.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
/// Three attempts with their pauses take at most 7 s, less than the 10 s of an HTTP request.
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Client errors of a provider that is busy.
const BUSY: [StatusCode; 3] = [
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::TOO_EARLY,
    StatusCode::TOO_MANY_REQUESTS,
];
/// Client errors that an operator can fix: our credentials, our account, a proxy.
const FIXABLE: [StatusCode; 4] = [
    StatusCode::UNAUTHORIZED,
    StatusCode::PAYMENT_REQUIRED,
    StatusCode::FORBIDDEN,
    StatusCode::PROXY_AUTHENTICATION_REQUIRED,
];

impl Provider {
    /// A client of the provider at `url`, such as `http://127.0.0.1:9400`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(url: &str) -> Result<Provider, ProviderError> {
        let http = Client::builder().timeout(ATTEMPT_TIMEOUT).build()?;
        Ok(Provider {
            http,
            url: url.trim_end_matches('/').into(),
        })
    }

    /// Authorizes the order's total on the customer's card: `Authorized` or `Declined`.
    ///
    /// # Errors
    /// When the provider cannot be reached, fails, or refuses the request.
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

    /// Makes the call that is due, if any, and returns the state after it.
    ///
    /// # Errors
    /// When the provider cannot be reached, fails, or refuses the request.
    pub async fn send_due(&self, order: OrderId, due: Payment) -> Result<Payment, ProviderError> {
        match due {
            Payment::CaptureDue => self.capture(order).await?,
            Payment::VoidDue => self.void(order).await?,
            Payment::RefundDue => self.refund(order).await?,
            _ => {}
        }
        Ok(due.done())
    }

    /// Captures an authorized payment.
    ///
    /// # Errors
    /// When the provider cannot be reached, fails, or refuses the request.
    pub async fn capture(&self, order: OrderId) -> Result<(), ProviderError> {
        self.act(order, "capture").await
    }

    /// Voids an authorization. This works for an unknown order, too: the provider then declines a
    /// later authorization.
    ///
    /// # Errors
    /// When the provider cannot be reached, fails, or refuses the request.
    pub async fn void(&self, order: OrderId) -> Result<(), ProviderError> {
        self.act(order, "void").await
    }

    /// Refunds a captured payment.
    ///
    /// # Errors
    /// When the provider cannot be reached, fails, or refuses the request.
    pub async fn refund(&self, order: OrderId) -> Result<(), ProviderError> {
        self.act(order, "refund").await
    }

    /// Lists the authorizations that are older than `age` and neither captured nor voided.
    ///
    /// # Errors
    /// When the provider cannot be reached or fails.
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

    /// Boxed, so that the HTTP client is compiled in this crate and not in every caller.
    fn post<'a>(
        &'a self,
        path: &'a str,
        body: Value,
    ) -> BoxFuture<'a, Result<Answer, ProviderError>> {
        let span = span(path);
        self.post_with_retries(path, body).instrument(span).boxed()
    }

    /// Posts, and retries while the error is transient.
    async fn post_with_retries(&self, path: &str, body: Value) -> Result<Answer, ProviderError> {
        let (mut attempt, mut pause) = (1, FIRST_PAUSE);
        loop {
            let error = match self.post_once(path, &body).await {
                Err(error) if attempt < ATTEMPTS && error.is_transient() => error,
                answer => return answer,
            };
            debug!(%error, attempt, path, "retrying a call to the payment provider");
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

/// The span of a call with its retries, if spans are exported. Its name has no id of an order.
fn span(path: &str) -> Span {
    let operation = path.split('/').next().unwrap_or(path);
    let span = spans::of_call(format_args!("POST {operation}"));
    span.record("server.address", "payment-provider");
    span
}

/// Reads strictly, because the provider is a third party: an array is not accepted as an object.
async fn read<T: DeserializeOwned>(response: reqwest::Response) -> Result<T, ProviderError> {
    Ok(strict_json::from_slice(&response.bytes().await?)?)
}

/// 503: nothing was ordered, and the client can send the same request again. But 500 if the
/// provider has understood and refused the request: that is our own fault, and a retry does not
/// help.
pub fn unavailable(error: &ProviderError) -> Problem {
    if !error.is_transient() {
        return Problem::internal(error);
    }
    warn!(%error, "the payment provider does not answer");
    Problem::unavailable("the payment provider does not answer: send the same request again")
}

impl ProviderError {
    /// Whether the provider has understood the request and will never accept it. Any other error is
    /// transient, or ends when an operator fixes an address or a credential.
    pub fn is_final(&self) -> bool {
        match self {
            ProviderError::Unavailable(_) | ProviderError::Malformed(_) => false,
            ProviderError::Refused(status) => {
                status.is_client_error() && !FIXABLE.contains(status) && !self.is_transient()
            }
        }
    }

    /// Whether a retry at once may succeed.
    fn is_transient(&self) -> bool {
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
    fn only_an_error_that_is_not_transient_and_not_fixable_is_final() {
        let check = |status: u16, is_final: bool, is_transient: bool| {
            let error = ProviderError::Refused(StatusCode::from_u16(status).unwrap());
            assert_eq!(
                (error.is_final(), error.is_transient()),
                (is_final, is_transient),
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
