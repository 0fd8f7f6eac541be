//! Rows as queues: everything is read back at the start.

use std::sync::Arc;

use rusqlite::{Connection, Row};
use serde_json::value::RawValue;
use sqs_queue::{Attempt, History, Message, Progress, Receipt, Sent, Sequence, Time};
use uuid::Uuid;

use super::record::{QueueRow, TaskRow};
use super::text::{self, invalid};
use super::write::key;
use crate::md5::Md5;
use crate::message::{Content, Payload, Queue};
use crate::settings::{Pairs, Settings};

/// All that a directory holds.
#[derive(Default)]
pub(crate) struct Stored {
    pub(crate) queues: Vec<StoredQueue>,
    /// ARNs of deleted queues, and when they were deleted.
    pub(crate) reserved_names: Vec<(String, Time)>,
    /// In the order in which they were started.
    pub(crate) tasks: Vec<TaskRow>,
}

pub(crate) struct StoredQueue {
    pub(crate) row: QueueRow,
    pub(crate) queue: Queue,
}

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Stored> {
    let queues = rows(connection, QUEUES, [], |row| {
        Ok((queue_row(row)?, row.get("number")?, progress(row)?))
    })?;
    let queues = queues.into_iter().map(|(row, number, progress)| {
        let queue = queue(connection, &row, number, progress)?;
        Ok(StoredQueue { row, queue })
    });
    let names = "select arn, deleted from reserved_name";
    Ok(Stored {
        queues: queues.collect::<rusqlite::Result<_>>()?,
        reserved_names: rows(connection, names, [], |row| {
            Ok((row.get("arn")?, time(row, "deleted")?))
        })?,
        tasks: rows(
            connection,
            "select * from move_task order by number",
            [],
            task,
        )?,
    })
}

const QUEUES: &str = "select * from queue order by number";
const MESSAGES: &str = "select m.*, c.* from message m join content c using (key) \
                        where m.key between ? and ? order by m.key";
const SENT: &str = "select * from sent where queue = ? order by at";
const ATTEMPTS: &str = "select * from attempt where queue = ? order by at";

fn queue(
    connection: &Connection,
    row: &QueueRow,
    number: i64,
    progress: Progress,
) -> rusqlite::Result<Queue> {
    let keys = [key(number, 0), key(number + 1, 0) - 1];
    let first = keys[0];
    let messages = rows(connection, MESSAGES, keys, |row| message(row, first))?;
    let sent = rows(connection, SENT, [number], sent)?;
    let attempts = rows(connection, ATTEMPTS, [number], attempt)?;
    let settings = row.settings.of_queue();
    Ok(Queue::restore(
        row.id, settings, progress, messages, sent, attempts,
    ))
}

fn queue_row(row: &Row<'_>) -> rusqlite::Result<QueueRow> {
    let attributes: Pairs = text::from_json(row.get_ref("attributes")?.as_str()?)?;
    let is_fifo = attributes.contains_key("FifoQueue");
    let settings = Settings::new(is_fifo).with(&attributes).map_err(invalid)?;
    Ok(QueueRow {
        id: row.get::<_, i64>("id")? as u64,
        region: row.get("region")?,
        name: row.get("name")?,
        created: time(row, "created")?,
        last_modified: time(row, "last_modified")?,
        last_purge: optional_time(row, "last_purge")?,
        settings: Arc::new(settings),
        tags: text::from_json(row.get_ref("tags")?.as_str()?)?,
    })
}

fn progress(row: &Row<'_>) -> rusqlite::Result<Progress> {
    let scope = row.get_ref("old_scope")?.as_str_or_null()?;
    let until = optional_time(row, "old_scope_until")?;
    Ok(Progress {
        last_sequence: row.get::<_, i64>("last_sequence")? as u64,
        last_receive: row.get::<_, i64>("last_receive")? as u64,
        old_scope: scope.map(text::to_scope).transpose()?.zip(until),
    })
}

fn message(row: &Row<'_>, first: i64) -> rusqlite::Result<(Sequence, Message<Payload>)> {
    let key: i64 = row.get("key")?;
    let history = History {
        receive_count: row.get("receive_count")?,
        first_received: optional_time(row, "first_received")?,
        dead_letter_source: row.get("dead_letter_source")?,
    };
    let message = Message {
        content: Arc::new(content(row)?),
        history,
        state: text::to_state(row.get_ref("state")?.as_str()?)?,
        ends: time(row, "ends")?,
        entered: time(row, "entered")?,
        received: time(row, "received")?,
        receives_here: row.get("receives_here")?,
        receive: row.get::<_, i64>("receive")? as u64,
    };
    Ok(((key - first) as u64, message))
}

fn content(row: &Row<'_>) -> rusqlite::Result<Content> {
    let payload = Payload {
        body: RawValue::from_string(row.get("body")?).map_err(invalid)?,
        md5: Md5::of_bytes(row.get("md5")?),
        attributes: text::from_json(row.get_ref("attributes")?.as_str()?)?,
        trace_header: row.get("trace_header")?,
        sender: row.get("sender")?,
        sent: time(row, "sent")?,
    };
    Ok(Content {
        id: uuid(row, "id")?,
        group: row.get("message_group")?,
        deduplication_id: row.get("deduplication_id")?,
        payload,
    })
}

fn sent(row: &Row<'_>) -> rusqlite::Result<Sent> {
    let group: Arc<str> = row.get("message_group")?;
    Ok(Sent {
        at: time(row, "at")?,
        group: Some(group).filter(|group| !group.is_empty()),
        deduplication_id: row.get("deduplication_id")?,
        message: uuid(row, "message")?,
        sequence: row.get::<_, i64>("sequence")? as u64,
    })
}

fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    let receipts: Vec<String> = text::from_json(row.get_ref("receipts")?.as_str()?)?;
    let receipts = receipts.iter().map(|handle| {
        Receipt::parse(handle).ok_or_else(|| invalid(format!("no receipt handle: {handle}")))
    });
    Ok(Attempt {
        at: time(row, "at")?,
        id: row.get("id")?,
        receipts: receipts.collect::<rusqlite::Result<_>>()?,
    })
}

fn task(row: &Row<'_>) -> rusqlite::Result<TaskRow> {
    Ok(TaskRow {
        id: uuid(row, "id")?,
        region: row.get("region")?,
        source: row.get("source")?,
        destination: row.get("destination")?,
        rate: row.get::<_, Option<i64>>("rate")?.map(|rate| rate as u64),
        started: time(row, "started")?,
        to_move: row.get::<_, i64>("to_move")? as u64,
        moved: row.get::<_, i64>("moved")? as u64,
        status: row.get("status")?,
        reason: row.get("reason")?,
    })
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare(sql)?.query_map(values, read)?.collect()
}

fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Time> {
    Ok(Time(row.get::<_, i64>(column)? as u64))
}

fn optional_time(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Time>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(|at| Time(at as u64)))
}

fn uuid(row: &Row<'_>, column: &str) -> rusqlite::Result<Uuid> {
    row.get(column).map(Uuid::from_bytes)
}
