//! Orders that are placed by hand, on the page.

use std::collections::BTreeMap;
use std::sync::Arc;
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

/// Places the order at one side, as its first customer.
pub(crate) async fn place(
    http: &reqwest::Client,
    events: &Events,
    side: &Arc<Side>,
    order: &NewOrder,
) -> Value {
    let body = PlaceOrder {
        lines: vec![NewLine {
            sku: order.sku.clone(),
            quantity: order.quantity,
        }],
        payment_method: order.payment_method.clone(),
    };
    let (trace, span): (u128, u64) = (rand::random(), rand::random());
    let (due_ms, sent) = (now_ms(), Instant::now());
    side.book.offer(1);
    let answer = http
        .post(format!("{}/orders", side.url()))
        .bearer_auth(&side.tokens[0])
        .header("idempotency-key", Uuid::now_v7().to_string())
        .header("traceparent", format!("00-{trace:032x}-{span:016x}-01"))
        .json(&body)
        .send()
        .await;
    let answer = match answer {
        Ok(answer) => {
            let status = answer.status().as_u16();
            answer.text().await.map(|body| (status, body))
        }
        Err(error) => Err(error),
    };
    let answer_ms = sent.elapsed().as_secs_f64() * 1_000.0;
    let (status, error) = match &answer {
        Ok((status, body)) => match serde_json::from_str::<Placed>(body) {
            Ok(placed) if (200..300).contains(status) => {
                let lines = BTreeMap::from([(order.sku.clone(), order.quantity)]);
                let shown = side.book.accept(Accepted {
                    sent: Sent {
                        id: placed.id,
                        lines,
                    },
                    due_ms,
                    answer_ms,
                    customer: 0,
                    trace: Some(trace),
                    by_hand: true,
                });
                if let Some(shown) = shown {
                    events.publish("order", &shown.event(side.code()));
                }
                return json!({
                    "arm": side.code(), "id": placed.id, "status": status,
                    "answer_ms": answer_ms, "error": null,
                });
            }
            _ => (Some(*status), body.clone()),
        },
        Err(error) => (None, format!("{} gave no answer: {error}", side.phrase)),
    };
    side.book.refuse();
    json!({
        "arm": side.code(), "id": null, "status": status, "answer_ms": answer_ms, "error": error,
    })
}

/// Asks one side to cancel an order that the page shows.
pub(crate) async fn cancel(
    http: &reqwest::Client,
    side: &Side,
    order: Uuid,
) -> Result<Value, Error> {
    let shown = side.book.find(order);
    let shown = shown.ok_or_else(|| Error::not_found("this order is not among the recent ones"))?;
    let url = format!("{}/orders/{order}/cancel", side.url());
    let request = http.post(url).bearer_auth(&side.tokens[shown.customer]);
    let answer = request.send().await.map_err(anyhow::Error::from)?;
    let status = answer.status();
    let error = match status.is_success() || shown.status == Status::Cancelled {
        true => None,
        false => Some(answer.text().await.map_err(anyhow::Error::from)?),
    };
    Ok(json!({ "status": status.as_u16(), "error": error }))
}
