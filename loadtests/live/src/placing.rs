//! Orders that are placed by hand, on the page.

use std::collections::BTreeMap;
use std::time::Instant;

use contracts::http::{NewLine, PlaceOrder};
use domain::Status;
use harness::audit::Sent;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::now_ms;
use crate::error::Error;
use crate::events::Events;
use crate::orders::Accepted;
use crate::side::Side;

/// An order as the page sends it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrder {
    pub(crate) arms: Vec<String>,
    sku: String,
    quantity: i64,
    payment_method: String,
}

#[derive(Deserialize)]
struct Placed {
    id: Uuid,
}

/// An answer that accepts no order.
struct Refused {
    /// `None` without an answer.
    status: Option<u16>,
    error: String,
}

/// Places the order at one side, as its first customer.
pub(crate) async fn place(
    http: &reqwest::Client,
    events: &Events,
    side: &Side,
    order: &NewOrder,
) -> Value {
    let trace: u128 = rand::random();
    let (due_ms, begin) = (now_ms(), Instant::now());
    side.book.offer(1);
    let answer = send(http, side, order, trace).await;
    let answer_ms = begin.elapsed().as_secs_f64() * 1_000.0;
    let (id, status, error) = match answer {
        Ok((status, id)) => {
            let lines = BTreeMap::from([(order.sku.clone(), order.quantity)]);
            let shown = side.book.accept(Accepted {
                id,
                sent: Some(Sent { id, lines }),
                due_ms,
                answer_ms,
                customer: Some(0),
                trace: Some(trace),
                by_hand: true,
            });
            if let Some(shown) = shown {
                events.publish("order", &shown.event(side.code()));
            }
            (Some(id), Some(status), None)
        }
        Err(Refused { status, error }) => {
            side.book.refuse();
            (None, status, Some(error))
        }
    };
    json!({
        "arm": side.code(), "id": id, "status": status, "answer_ms": answer_ms, "error": error,
    })
}

/// Sends an order that is traced. Returns the status of the answer and the order's id.
async fn send(
    http: &reqwest::Client,
    side: &Side,
    order: &NewOrder,
    trace: u128,
) -> Result<(u16, Uuid), Refused> {
    let body = PlaceOrder {
        lines: vec![NewLine {
            sku: order.sku.clone(),
            quantity: order.quantity,
        }],
        payment_method: order.payment_method.clone(),
    };
    let span: u64 = rand::random();
    let request = http
        .post(format!("{}/orders", side.url()))
        .bearer_auth(&side.tokens[0])
        .header("idempotency-key", Uuid::now_v7().to_string())
        .header("traceparent", format!("00-{trace:032x}-{span:016x}-01"))
        .json(&body);
    let answer = async {
        let answer = request.send().await?;
        let status = answer.status();
        reqwest::Result::Ok((status, answer.text().await?))
    };
    let (status, body) = answer.await.map_err(|error| Refused {
        status: None,
        error: format!("{} gave no answer: {error}", side.phrase),
    })?;
    match serde_json::from_str::<Placed>(&body) {
        Ok(placed) if status.is_success() => Ok((status.as_u16(), placed.id)),
        _ => Err(Refused {
            status: Some(status.as_u16()),
            error: body,
        }),
    }
}

/// Asks one side to cancel an order that the page shows.
pub(crate) async fn cancel(
    http: &reqwest::Client,
    side: &Side,
    order: Uuid,
) -> Result<Value, Error> {
    let shown = side.book.find(order);
    let shown = shown.ok_or_else(|| Error::not_found("this order is not among the recent ones"))?;
    let customer = shown.customer;
    let customer = customer.ok_or_else(|| Error::bad_request("only its customer can cancel it"))?;
    let url = format!("{}/orders/{order}/cancel", side.url());
    let request = http.post(url).bearer_auth(&side.tokens[customer]);
    let answer = request.send().await.map_err(anyhow::Error::from)?;
    let status = answer.status();
    let error = match status.is_success() || shown.status == Status::Cancelled {
        true => None,
        false => Some(answer.text().await.map_err(anyhow::Error::from)?),
    };
    Ok(json!({ "status": status.as_u16(), "error": error }))
}
