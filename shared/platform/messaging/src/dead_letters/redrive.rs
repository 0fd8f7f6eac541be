//! Redrive: moves dead letters back to the queue that they came from.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::sleep;
use uuid::Uuid;

use super::{POLL_WAIT, make_visible};
use crate::envelope::{Delivery, Outgoing};
use crate::quota::BATCH;
use crate::transport::batches;
use crate::{Error, Sqs, Transport, topology};

/// The dead letters to move.
#[derive(Clone, PartialEq, Debug)]
pub enum Selection {
    /// All of the queue.
    All,
    /// Those with these ids.
    Ids(Vec<Uuid>),
}

/// The result of [`redrive`]: each message that it received is in `moved`, `kept` or `failed`.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Redriven {
    /// Moved to their queue.
    pub moved: u64,
    /// Not selected, and still here.
    pub kept: u64,
    /// Selected, refused by their queue, and still here.
    pub failed: Vec<Unmoved>,
}

/// A dead letter that could not be moved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unmoved {
    /// Its id.
    pub id: Uuid,
    /// Why the queue refused it.
    pub reason: String,
}

/// How long a redrive hides messages that stay. It may receive many before it finds the selected
/// ones.
const REDRIVE_VISIBILITY: Duration = Duration::from_secs(5 * 60);
/// Attempts at the delete of a moved message.
const ATTEMPTS: u32 = 3;
/// The pause after the first of them. It grows by as much with each.
const PAUSE: Duration = Duration::from_millis(200);

/// Moves dead letters back to their source queue, at most `per_second` of them. Each is deleted
/// here only after it was sent there, so none is lost. Each is moved once: a message that fails
/// again meanwhile stays, and is not counted again. In a FIFO queue only the first ten of a group
/// can be selected, because SQS returns no more of a group while they are in flight.
///
/// # Errors
/// When `dead_letters` is not the name of a dead-letter queue, a queue does not exist, or SQS
/// cannot be reached.
pub async fn redrive(
    sqs: &Sqs,
    dead_letters: &str,
    selection: &Selection,
    per_second: f64,
) -> Result<Redriven, Error> {
    let mut redrive = Redrive {
        transport: Transport::from(sqs.clone()),
        dead_letters,
        source: source_of(dead_letters)?,
        done: Redriven::default(),
        held: vec![],
    };
    let ended = redrive.run(selection, per_second).await;
    make_visible(&redrive.transport, dead_letters, redrive.held).await;
    ended.map(|()| redrive.done)
}

struct Redrive<'a> {
    transport: Transport,
    dead_letters: &'a str,
    source: String,
    done: Redriven,
    /// The receipts of messages that stay. They are invisible, so that they are not received again.
    held: Vec<String>,
}

impl Redrive<'_> {
    async fn run(&mut self, selection: &Selection, per_second: f64) -> Result<(), Error> {
        let mut seen = HashSet::new();
        let is_all_found = |seen: &HashSet<Uuid>| match selection {
            Selection::All => false,
            Selection::Ids(ids) => ids.iter().all(|id| seen.contains(id)),
        };
        while !is_all_found(&seen) {
            let receiving =
                self.transport
                    .receive(self.dead_letters, BATCH, POLL_WAIT, REDRIVE_VISIBILITY);
            let (new, again): (Vec<_>, Vec<_>) = receiving
                .await?
                .into_iter()
                .partition(|delivery| seen.insert(delivery.id));
            self.hold(again);
            // An empty batch, or one of messages that were received before, is the end.
            if new.is_empty() {
                break;
            }
            let (selected, others): (Vec<_>, Vec<_>) =
                new.into_iter().partition(|delivery| match selection {
                    Selection::All => true,
                    Selection::Ids(ids) => ids.contains(&delivery.id),
                });
            self.done.kept += others.len() as u64;
            self.hold(others);

            let pause = selected.len() as f64 / per_second.max(0.001);
            self.send_back(selected).await;
            sleep(Duration::from_secs_f64(pause)).await;
        }
        Ok(())
    }

    async fn send_back(&mut self, letters: Vec<Delivery>) {
        let letters = letters.into_iter().map(|delivery| {
            let message = Outgoing::moved(&delivery, self.source.clone(), None);
            (delivery, message)
        });
        for batch in batches(letters, |(_, message)| message.size()) {
            let (letters, messages): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let results = self.transport.send(&self.source, &messages).await;
            let mut sent = vec![];
            for (delivery, outcome) in letters.into_iter().zip(results) {
                let Err(refused) = outcome else {
                    sent.push(delivery.receipt);
                    continue;
                };
                self.done.failed.push(Unmoved {
                    id: delivery.id,
                    reason: refused.reason,
                });
                self.hold([delivery]);
            }
            self.done.moved += sent.len() as u64;
            self.delete(sent).await;
        }
    }

    /// Deletes moved messages. If that fails, the next redrive sends them once more, and the inbox
    /// recognises them.
    async fn delete(&self, mut receipts: Vec<String>) {
        for attempt in 1..=ATTEMPTS {
            if receipts.is_empty() {
                return;
            }
            let all: Vec<_> = receipts.iter().map(String::as_str).collect();
            let results = self.transport.delete(self.dead_letters, &all).await;
            let mut results = results.into_iter();
            receipts.retain(|_| {
                let outcome = results.next().unwrap_or(Ok(()));
                outcome.is_err_and(|refused| !refused.is_final)
            });
            sleep(PAUSE * attempt * u32::from(!receipts.is_empty())).await;
        }
    }

    fn hold(&mut self, letters: impl IntoIterator<Item = Delivery>) {
        let receipts = letters.into_iter().map(|delivery| delivery.receipt);
        self.held.extend(receipts);
    }
}

/// The source queue of a dead-letter queue. Another queue is an error: a redrive would send its
/// messages back to itself for ever.
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
