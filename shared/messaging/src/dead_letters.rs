//! Dead letters: what waits there and why, and the way back.
//!
//! A message gets there with its reason when a handler rejects it, or fails with it for the last
//! time. One that kills its process every time is moved by SQS itself, without a reason, after
//! [many receives](crate::QueueSpec::max_receive_count).
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

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use aws_sdk_sqs::types::QueueAttributeName as Name;
use futures::future::join_all;
use serde::Serialize;
use tokio::time::sleep;
use uuid::Uuid;

use crate::transport::{BATCH, Delivery, Outgoing, sqs_failed};
use crate::{Error, Sqs, Transport, topology};

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
    /// `None` when nobody said why: SQS moved it by its receives, or somebody else sent it here.
    pub reason: Option<String>,
    /// The queue that it came from, if that is known.
    pub source: Option<String>,
    pub body: String,
    /// How long ago it came here.
    pub age: Option<Duration>,
}

/// Which messages to move back.
#[derive(Clone, PartialEq, Debug)]
pub enum Selection {
    All,
    Ids(Vec<Uuid>),
}

/// What [`redrive`] did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Redriven {
    pub moved: u64,
    /// Looked at and still here: not selected, not taken by their queue, or back already.
    pub kept: u64,
}

/// How long a look at messages hides them from others who look.
const LOOK: Duration = Duration::from_secs(30);
/// The same for a redrive, which may have to look at many before it finds what it is to move.
const SEARCH: Duration = Duration::from_secs(5 * 60);
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

/// Moves dead letters back to where they came from, at most `per_second` of them. Each is deleted
/// here only after it was sent there, so whatever happens, none is lost. Each is moved once: what
/// is dead again meanwhile stays. In a FIFO queue only the first ten of a group can be selected,
/// as SQS shows no more of it while they are looked at.
///
/// # Errors
/// When `dead_letters` is not the name of such a queue, a queue does not exist, or SQS cannot be
/// reached.
pub async fn redrive(
    sqs: &Sqs,
    dead_letters: &str,
    selection: &Selection,
    per_second: f64,
) -> Result<Redriven, Error> {
    let transport = Transport::from(sqs.clone());
    let source = source_of(dead_letters)?;
    let mut redriven = Redriven::default();
    let (mut kept, mut seen) = (vec![], HashSet::new());
    let is_all_found = |seen: &HashSet<Uuid>| match selection {
        Selection::All => false,
        Selection::Ids(ids) => ids.iter().all(|id| seen.contains(id)),
    };
    while !is_all_found(&seen) {
        let batch = transport.receive(dead_letters, BATCH, WAIT, SEARCH).await?;
        let (new, again): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .partition(|delivery| seen.insert(delivery.id));
        // Nothing, or what was looked at before: there is no more.
        let is_last = new.is_empty();
        let (wanted, others): (Vec<_>, Vec<_>) =
            new.into_iter().partition(|delivery| match selection {
                Selection::All => true,
                Selection::Ids(ids) => ids.contains(&delivery.id),
            });
        let others = others.into_iter().chain(again);
        kept.extend(others.map(|delivery| delivery.receipt));
        if is_last {
            break;
        }
        let count = wanted.len();
        let (moved, refused) = send_back(&transport, dead_letters, &source, wanted).await;
        redriven.moved += moved;
        kept.extend(refused);
        sleep(Duration::from_secs_f64(
            count as f64 / per_second.max(0.001),
        ))
        .await;
    }
    redriven.kept = kept.len() as u64;
    release(&transport, dead_letters, kept).await;
    Ok(redriven)
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

async fn send_back(
    transport: &Transport,
    dead_letters: &str,
    source: &str,
    letters: Vec<Delivery>,
) -> (u64, Vec<String>) {
    if letters.is_empty() {
        return (0, vec![]);
    }
    let messages: Vec<_> = letters
        .iter()
        .map(|delivery| Outgoing::moved(delivery, source.to_owned(), None))
        .collect();
    let mut sent = vec![];
    let mut refused = vec![];
    let settled = transport.send(source, &messages).await;
    for (delivery, outcome) in letters.into_iter().zip(settled) {
        match outcome {
            Ok(()) => sent.push(delivery.receipt),
            Err(_) => refused.push(delivery.receipt),
        }
    }
    let moved = sent.len() as u64;
    if !sent.is_empty() {
        // One that stays is sent once more by the next redrive, and known to the inbox.
        let sent: Vec<_> = sent.iter().map(String::as_str).collect();
        transport.delete(dead_letters, &sent).await;
    }
    (moved, refused)
}

async fn release(transport: &Transport, queue: &str, receipts: Vec<String>) {
    let receipts: Vec<_> = receipts
        .into_iter()
        .map(|receipt| (receipt, Duration::ZERO))
        .collect();
    for batch in receipts.chunks(BATCH) {
        // Those that fail are visible again when the look is over.
        transport.hide(queue, batch).await;
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

/// The queue whose dead letters these are. Any other queue would get its messages back for ever.
fn source_of(dead_letters: &str) -> Result<String, Error> {
    let fifo = dead_letters.strip_suffix("-dlq.fifo");
    let fifo = fifo.map(|stem| format!("{stem}.fifo"));
    let standard = || dead_letters.strip_suffix("-dlq").map(str::to_owned);
    let no_dead_letters = || Error::NoDeadLetters {
        queue: dead_letters.to_owned(),
        instead: topology::dead_letters(dead_letters),
    };
    fifo.or_else(standard).ok_or_else(no_dead_letters)
}
