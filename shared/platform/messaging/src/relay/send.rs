//! Sending of rows: grouped by queue into batch calls, with a result per row.

use std::collections::{BTreeMap, HashSet};

use futures::StreamExt;
use futures::stream;
use tracing::Instrument;

use crate::outbox::Row;
use crate::transport::{EntryResult, Refused, batches};
use crate::{Health, Transport, spans, telemetry};

/// Maximum concurrent calls per round of rows.
const CALLS: usize = 8;

/// A row that its queue has not accepted.
pub(crate) struct Unsent {
    pub(crate) row: Row,
    pub(crate) refused: Refused,
}

/// Sends rows, those of one ordering key in their order. Returns the refused ones.
pub(crate) async fn send(transport: &Transport, health: &Health, rows: Vec<Row>) -> Vec<Unsent> {
    let mut unsent = vec![];
    let mut rows = rows;
    while !rows.is_empty() {
        let (round, later) = first_of_each_key(rows);
        let refused = send_round(transport, health, round).await;

        // Rows behind a refused one of their key wait, unless its refusal is final.
        let waiting = refused.iter().filter(|unsent| !unsent.refused.is_final);
        let stuck: HashSet<_> = waiting.filter_map(|unsent| key(&unsent.row)).collect();
        let (behind, next): (Vec<_>, _) = later
            .into_iter()
            .partition(|row: &Row| key(row).is_some_and(|key| stuck.contains(&key)));
        unsent.extend(refused);
        unsent.extend(behind.into_iter().map(waits));
        rows = next;
    }
    unsent
}

fn waits(row: Row) -> Unsent {
    let refused = Refused {
        reason: "it waits for an earlier message of its key".into(),
        is_final: false,
    };
    Unsent { row, refused }
}

/// Separates the first row of each key from later ones. Two messages of one key never share a call,
/// because the first could fail and the second succeed.
fn first_of_each_key(rows: Vec<Row>) -> (Vec<Row>, Vec<Row>) {
    let mut seen = HashSet::new();
    rows.into_iter()
        .partition(|row| key(row).is_none_or(|key| seen.insert(key)))
}

fn key(row: &Row) -> Option<(String, String)> {
    let key = row.outgoing.ordering_key.clone()?;
    Some((row.outgoing.queue.clone(), key))
}

async fn send_round(transport: &Transport, health: &Health, rows: Vec<Row>) -> Vec<Unsent> {
    let mut queues: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in rows {
        queues
            .entry(row.outgoing.queue.clone())
            .or_default()
            .push(row);
    }
    let calls = queues.into_iter().flat_map(|(queue, rows)| {
        batches(rows, |row| row.outgoing.size())
            .into_iter()
            .map(move |rows| (queue.clone(), rows))
    });
    let calls = calls.map(|(queue, rows)| send_call(transport, health, queue, rows));
    stream::iter(calls).buffer_unordered(CALLS).concat().await
}

async fn send_call(
    transport: &Transport,
    health: &Health,
    queue: String,
    rows: Vec<Row>,
) -> Vec<Unsent> {
    let messages: Vec<_> = rows.iter().map(|row| row.outgoing.clone()).collect();
    let span = spans::send(&queue, &messages);
    let sending = transport.send(&queue, &messages);
    let results = sending.instrument(span.clone()).await;
    let what = format!("sending to {queue}");
    let mut refused = results.iter().filter_map(|outcome| outcome.as_ref().err());
    if let Some(refused) = refused.clone().next() {
        spans::failed(&span, "refused", &refused.reason);
    }
    // A final refusal is about a message and not about the queue.
    match refused.find(|refused| !refused.is_final) {
        Some(refused) => health.fails(&what, &refused.reason),
        None => health.works(&what),
    }
    telemetry::sent(
        queue,
        results.iter().filter(|outcome| outcome.is_ok()).count(),
    );
    let unsent = |(row, outcome): (Row, EntryResult)| {
        let refused = outcome.err()?;
        Some(Unsent { row, refused })
    };
    rows.into_iter().zip(results).filter_map(unsent).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::envelope::{ExtraAttributes, Outgoing};

    fn row(bytes: usize, key: Option<&str>) -> Row {
        let outgoing = Outgoing {
            id: Uuid::now_v7(),
            queue: "q".into(),
            kind: "k".into(),
            body: "x".repeat(bytes),
            ordering_key: key.map(str::to_owned),
            trace_parent: None,
            deduplication_id: None,
            extra: ExtraAttributes::new(),
            due_at: None,
            dead: None,
        };
        Row {
            position: 0,
            outgoing,
            deferred: false,
        }
    }

    #[test]
    fn only_the_first_row_of_a_key_is_sent_at_once() {
        let keys = [Some("a"), None, Some("a"), Some("b"), None];
        let rows = keys.map(|key| row(1, key)).to_vec();
        let (now, later) = first_of_each_key(rows);
        assert_eq!((now.len(), later.len()), (4, 1));
    }
}
