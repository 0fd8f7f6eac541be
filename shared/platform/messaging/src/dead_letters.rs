//! Administration of dead letters: list, peek, redrive, purge.
//!
//! A message becomes a dead letter, with a reason, when its handler rejects it or its last attempt
//! fails. A message that kills its process every time is moved by SQS itself, without a reason,
//! after [many receives](crate::QueueSpec::max_receive_count).
//!
//! A move keeps what any sender has put into the message: body, attributes, group and trace
//! header. Only the deduplication id in a FIFO queue is new. The move adds the reason, the id and
//! the source queue, in this order, as far as SQS has room: ten attributes, and 1 MiB with the
//! body. A reason without room is only logged. A redrive adds the id again, if there is room, so
//! that the inbox recognises a dead letter that was moved twice.
//!
//! ```
//! use messaging::dead_letters::{self, Selection};
//! use messaging::{Provision, QueueSpec, Settings, Sqs, Transport};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = sqs_local::SqsLocal::start("127.0.0.1:0").await?;
//! let sqs = Sqs::connect(&Settings::endpoint(server.endpoint())).await?;
//! let parcels = QueueSpec::new("parcels");
//! Transport::from(sqs.clone()).ensure(&parcels, Provision::Create).await?;
//!
//! for letter in dead_letters::peek(&sqs, "parcels-dlq", 10).await? {
//!     println!("{}: {:?}", letter.id, letter.reason);
//! }
//! let moved = dead_letters::redrive(&sqs, "parcels-dlq", &Selection::All, 50.0).await?.moved;
//! assert_eq!(moved, 0); // There was none.
//! # Ok(())
//! # }
//! ```

mod redrive;

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use aws_sdk_sqs::types::QueueAttributeName as Name;
use futures::future::join_all;
use serde::Serialize;
use uuid::Uuid;

pub use self::redrive::{Redriven, Selection, Unmoved, redrive};
use crate::envelope::Delivery;
use crate::quota::BATCH;
use crate::transport::sqs_failed;
use crate::{Error, Sqs, Transport};

/// The number of messages in a queue. SQS counts approximately.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Depth {
    /// The name of the queue, without the prefix.
    pub queue: String,
    /// Messages that can be received.
    pub waiting: u64,
    /// Messages that are received and not yet deleted.
    pub in_flight: u64,
    /// Messages whose delay is not over.
    pub delayed: u64,
}

/// A message of a dead-letter queue.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DeadLetter {
    /// The id that the inbox stores.
    pub id: Uuid,
    /// [`Message::KIND`](crate::Message::KIND), if the sender set it.
    pub kind: Option<String>,
    /// Why it is here. `None` if SQS moved it after many receives, another sender sent it here, or
    /// the reason had no room.
    pub reason: Option<String>,
    /// The queue that it came from, if the move recorded it.
    pub source: Option<String>,
    /// The body as text.
    pub body: String,
    /// How long it has been here.
    pub age: Option<Duration>,
}

/// How long a peek hides messages from others: long enough to receive 1,000 in batches of ten.
const PEEK_VISIBILITY: Duration = Duration::from_secs(30);
/// How long a poll waits at an empty queue. Without a wait SQS asks only some of its servers, and
/// may miss messages. Source: "Amazon SQS short and long polling", SQS developer guide.
const POLL_WAIT: Duration = Duration::from_secs(1);

/// Lists all queues of the deployment with their number of messages.
///
/// # Errors
/// When SQS cannot be reached.
pub async fn list(sqs: &Sqs) -> Result<Vec<Depth>, Error> {
    let prefix = sqs.full_name("");
    let mut pages = sqs
        .client()
        .list_queues()
        .set_queue_name_prefix(Some(prefix.clone()).filter(|prefix| !prefix.is_empty()))
        .max_results(1_000)
        .into_paginator()
        .send();
    let mut names = vec![];
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| sqs_failed("list", &format!("{prefix}*"), error))?;
        for url in page.queue_urls.unwrap_or_default() {
            let name = url.rsplit('/').next().unwrap_or_default();
            names.push(name[prefix.len()..].to_owned());
        }
    }
    names.sort();
    join_all(names.iter().map(|name| depth(sqs, name)))
        .await
        .into_iter()
        .collect()
}

async fn depth(sqs: &Sqs, queue: &str) -> Result<Depth, Error> {
    let attributes = sqs.attributes(queue).await?;
    let count = |name| {
        attributes
            .get(&name)
            .and_then(|count| count.parse().ok())
            .unwrap_or(0)
    };
    Ok(Depth {
        queue: queue.to_owned(),
        waiting: count(Name::ApproximateNumberOfMessages),
        in_flight: count(Name::ApproximateNumberOfMessagesNotVisible),
        delayed: count(Name::ApproximateNumberOfMessagesDelayed),
    })
}

/// Receives up to `max` messages of a queue and returns them at once. Each counts as a receive, so
/// use it on dead letters and not on a queue with a consumer.
///
/// # Errors
/// When the queue does not exist, or SQS cannot be reached.
pub async fn peek(sqs: &Sqs, queue: &str, max: usize) -> Result<Vec<DeadLetter>, Error> {
    let transport = Transport::from(sqs.clone());
    let mut seen = vec![];
    let mut receipts = vec![];
    while seen.len() < max {
        let count = (max - seen.len()).min(BATCH);
        let receiving = transport.receive(queue, count, POLL_WAIT, PEEK_VISIBILITY);
        let batch = receiving.await?;
        let ids = seen.iter().map(|letter: &DeadLetter| letter.id);
        let ids: HashSet<_> = ids.collect();
        if batch.iter().all(|delivery| ids.contains(&delivery.id)) {
            break;
        }
        receipts.extend(batch.iter().map(|delivery| delivery.receipt.clone()));
        seen.extend(batch.into_iter().map(dead_letter));
    }
    make_visible(&transport, queue, receipts).await;
    Ok(seen)
}

/// Deletes all messages of a queue. SQS allows it once per minute.
///
/// # Errors
/// When the queue does not exist, was purged within the last minute, or SQS cannot be reached.
pub async fn purge(sqs: &Sqs, queue: &str) -> Result<(), Error> {
    let url = sqs.url(queue).await?;
    let purged = sqs.client().purge_queue().queue_url(&*url).send().await;
    purged
        .map(drop)
        .map_err(|error| sqs_failed("purge", queue, error))
}

async fn make_visible(transport: &Transport, queue: &str, receipts: Vec<String>) {
    let receipts: Vec<_> = receipts
        .into_iter()
        .map(|receipt| (receipt, Duration::ZERO))
        .collect();
    for batch in receipts.chunks(BATCH) {
        // A message for which this fails becomes visible when its visibility timeout ends.
        transport.change_visibility(queue, batch).await;
    }
}

fn dead_letter(delivery: Delivery) -> DeadLetter {
    let (reason, source) = delivery
        .death
        .map(|death| (death.reason, death.source))
        .unzip();
    DeadLetter {
        id: delivery.id,
        kind: delivery.kind,
        reason,
        source,
        body: delivery.body,
        age: delivery
            .sent_at
            .and_then(|sent| SystemTime::now().duration_since(sent).ok()),
    }
}
