//! What can be done with the messages of a queue: look at them, move dead letters back, remove
//! them, and send one that no service can read.

use std::collections::BTreeMap;

use anyhow::Context as _;
use messaging::dead_letters::{self, Selection};
use messaging::{Settings, Sqs};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::side::Side;

/// The most messages that a redrive by reason looks at.
const LOOKED_AT: usize = 1_000;
/// Messages per second of a redrive, if the page does not choose.
const RATE: f64 = 100.0;
/// The attribute in which the services' runtime writes why a message is a dead letter.
const REASON: &str = "dead-letter-reason";

/// A message as the queue server shows it.
#[derive(Deserialize)]
struct Peeked {
    message_id: String,
    state: String,
    body: String,
    attributes: BTreeMap<String, Attribute>,
    receive_count: u32,
    sent_ms: f64,
    dead_letter_source: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    string_value: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redrive {
    /// Only the dead letters with this reason.
    reason: Option<String>,
    /// Messages per second.
    rate: Option<f64>,
    #[serde(default)]
    dry_run: bool,
}

/// Up to `limit` messages, without a receive.
pub(crate) async fn messages(
    http: &reqwest::Client,
    side: &Side,
    queue: &str,
    limit: usize,
) -> Result<Vec<Value>, Error> {
    let peeked = peek(http, side, queue, limit).await?;
    Ok(peeked.into_iter().map(show).collect())
}

async fn peek(
    http: &reqwest::Client,
    side: &Side,
    queue: &str,
    limit: usize,
) -> Result<Vec<Peeked>, Error> {
    let sqs = side.url_of("sqs")?;
    let url = format!("{sqs}/control/queues/{queue}/messages?limit={limit}");
    let answer = http
        .get(url)
        .send()
        .await
        .context("the queue server does not answer")?;
    if answer.status() == reqwest::StatusCode::NOT_FOUND {
        return Err(Error::not_found(format!("there is no queue {queue}")));
    }
    let peeked = answer
        .json()
        .await
        .context("the queue server sent something else")?;
    Ok(peeked)
}

fn show(message: Peeked) -> Value {
    let reason = message.reason();
    let attributes = message.attributes.into_iter();
    let attributes = attributes.map(|(name, value)| (name, value.string_value));
    let body = serde_json::from_str(&message.body).unwrap_or(Value::String(message.body));
    json!({
        "message_id": message.message_id,
        "state": message.state.replace(' ', "_"),
        "body": body,
        "attributes": attributes.collect::<BTreeMap<_, _>>(),
        "receive_count": message.receive_count,
        "sent_ms": message.sent_ms,
        "dead_letter_source": message.dead_letter_source,
        "reason": reason,
    })
}

impl Peeked {
    fn reason(&self) -> Option<String> {
        self.attributes.get(REASON)?.string_value.clone()
    }
}

/// Moves dead letters back to their queue, or counts those that it would move.
pub(crate) async fn redrive(
    http: &reqwest::Client,
    side: &Side,
    queue: &str,
    redrive: &Redrive,
) -> Result<Value, Error> {
    if !queue.ends_with("-dlq") {
        return Err(Error::bad_request(format!(
            "{queue} has no dead letters: choose {queue}-dlq"
        )));
    }
    let rate = redrive.rate.unwrap_or(RATE);
    if rate.is_nan() || rate <= 0.0 {
        return Err(Error::bad_request("choose a rate above 0"));
    }
    if redrive.dry_run {
        let all = peek(http, side, queue, LOOKED_AT).await?;
        let chosen = all
            .iter()
            .filter(|one| redrive.reason.is_none() || one.reason() == redrive.reason);
        return Ok(json!({ "would_move": chosen.count() }));
    }
    let sqs = connect(side).await?;
    let selection = match &redrive.reason {
        None => Selection::All,
        Some(_) => {
            let letters = dead_letters::peek(&sqs, queue, LOOKED_AT).await;
            let letters = letters.map_err(anyhow::Error::from)?.into_iter();
            let chosen = letters.filter(|letter| letter.reason == redrive.reason);
            Selection::Ids(chosen.map(|letter| letter.id).collect())
        }
    };
    let done = dead_letters::redrive(&sqs, queue, &selection, rate).await;
    let done = done.map_err(anyhow::Error::from)?;
    match done.failed.first() {
        Some(failed) => Err(Error::from(anyhow::anyhow!(
            "{} were moved, {} were refused: {}",
            done.moved,
            done.failed.len(),
            failed.reason
        ))),
        None => Ok(json!({ "moved": done.moved })),
    }
}

/// Removes every message of a queue.
pub(crate) async fn purge(
    http: &reqwest::Client,
    side: &Side,
    queue: &str,
) -> Result<Value, Error> {
    let removed = peek(http, side, queue, usize::MAX).await?.len();
    let sqs = connect(side).await?;
    dead_letters::purge(&sqs, queue)
        .await
        .map_err(anyhow::Error::from)?;
    Ok(json!({ "removed": removed }))
}

/// Sends an event whose body no service can read.
pub(crate) async fn poison(side: &Side, queue: &str) -> Result<Value, Error> {
    let server = side.sources.queues.as_ref();
    let server = server.ok_or_else(|| Error::not_found("this arm has no queues"))?;
    let body = json!({ "poison": "this is no event of the shop" });
    server.send(queue, "event", &body.to_string()).await?;
    Ok(json!({}))
}

async fn connect(side: &Side) -> Result<Sqs, Error> {
    let settings = Settings::endpoint(side.url_of("sqs")?);
    Ok(Sqs::connect(&settings).await.map_err(anyhow::Error::from)?)
}
