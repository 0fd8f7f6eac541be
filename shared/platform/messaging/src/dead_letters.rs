//! Dead letters: what waits there and why, and the way back.
//!
//! A message gets there with its reason when a handler rejects it, or fails with it for the last
//! time. One that kills its process every time is moved by SQS itself, without a reason, after
//! [many receives](crate::QueueSpec::max_receive_count).
//!
//! A message goes there and comes back as it was sent: body, attributes, group and trace header,
//! whoever sent it. Of a FIFO queue's message the deduplication id is new. What is added is the
//! reason, the id and the queue that it came from, in this order, while SQS has room for it: ten
//! attributes, and a mebibyte with the body. A reason without room is in the log alone. On the way
//! back the id is added again, if there is room, so that the inbox knows a letter moved twice.
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

/// How full a queue is. SQS counts approximately.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Depth {
    pub queue: String,
    pub waiting: u64,
    pub in_flight: u64,
    pub delayed: u64,
}

/// A message that could not be handled.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct DeadLetter {
    pub id: Uuid,
    pub kind: Option<String>,
    /// `None` when it is not known: SQS moved it by its receives, another sender put it here, or
    /// the reason had no room.
    pub reason: Option<String>,
    /// The queue that it came from, if that is known.
    pub source: Option<String>,
    pub body: String,
    /// How long ago it came here.
    pub age: Option<Duration>,
}

/// How long messages that were looked at stay invisible to others.
const LOOK: Duration = Duration::from_secs(30);
/// How long an empty queue is waited for. A poll that does not wait asks only some of SQS's
/// servers, and may find nothing though there is something.
const WAIT: Duration = Duration::from_secs(1);

/// All queues of the deployment, with how full they are.
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

/// Looks at up to `most` messages of any queue and puts them back. On a queue that is being
/// consumed this counts as a receive, so look at dead letters.
///
/// # Errors
/// When the queue does not exist, or SQS cannot be reached.
pub async fn peek(sqs: &Sqs, queue: &str, most: usize) -> Result<Vec<DeadLetter>, Error> {
    let transport = Transport::from(sqs.clone());
    let mut seen = vec![];
    let mut looked_at = vec![];
    while seen.len() < most {
        let max = (most - seen.len()).min(BATCH);
        let batch = transport.receive(queue, max, WAIT, LOOK).await?;
        let known = seen.iter().map(|letter: &DeadLetter| letter.id);
        let known: HashSet<_> = known.collect();
        if batch.iter().all(|delivery| known.contains(&delivery.id)) {
            break;
        }
        looked_at.extend(batch.iter().map(|delivery| delivery.receipt.clone()));
        seen.extend(batch.into_iter().map(dead_letter));
    }
    release(&transport, queue, looked_at).await;
    Ok(seen)
}

/// Deletes everything in a queue. SQS allows it once a minute.
///
/// # Errors
/// When the queue does not exist, was purged a moment ago, or SQS cannot be reached.
pub async fn purge(sqs: &Sqs, queue: &str) -> Result<(), Error> {
    let url = sqs.url(queue).await?;
    let purged = sqs.client().purge_queue().queue_url(&*url).send().await;
    purged
        .map(drop)
        .map_err(|error| sqs_failed("purge", queue, error))
}

async fn release(transport: &Transport, queue: &str, receipts: Vec<String>) {
    let receipts: Vec<_> = receipts
        .into_iter()
        .map(|receipt| (receipt, Duration::ZERO))
        .collect();
    for batch in receipts.chunks(BATCH) {
        // Those that fail are visible again when the look is over.
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
