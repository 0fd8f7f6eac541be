//! Records as rows.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{OptionalExtension, Transaction, params};
use sqs_queue::{Changes, INTERVAL, Message, Progress, Sequence};

use super::record::{QueueRow, Record, TaskRow};
use super::text;
use crate::message::{Content, Payload};

/// Sequences below this number have a key of their own: at a thousand messages per second it lasts
/// 34 years.
const MOST: u64 = 1 << 40;

/// The key of a message in the queue of that number.
pub(super) fn key(number: i64, sequence: Sequence) -> i64 {
    (number << 40) | (sequence % MOST) as i64
}

/// Removes what a queue has forgotten by itself.
pub(super) fn clean(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let before = now.unwrap_or_default().saturating_sub(INTERVAL).as_millis() as i64;
    for sql in [
        "delete from sent where at <= ?",
        "delete from attempt where at <= ?",
        "delete from reserved_name where deleted <= ?",
    ] {
        transaction.execute(sql, [before])?;
    }
    Ok(())
}

/// Writes the records of one transaction.
pub(super) struct Writer<'a> {
    transaction: &'a Transaction<'a>,
    numbers: &'a mut HashMap<u64, i64>,
    /// The latest counters of each queue: they are written once per transaction.
    progress: HashMap<i64, Progress>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        transaction: &'a Transaction<'a>,
        numbers: &'a mut HashMap<u64, i64>,
    ) -> Writer<'a> {
        Writer {
            transaction,
            numbers,
            progress: HashMap::new(),
        }
    }

    pub(super) fn write(&mut self, record: &Record) -> rusqlite::Result<()> {
        match record {
            Record::Queue(row) => self.queue(row),
            Record::QueueDeleted(id) => self.delete_queue(*id),
            Record::Changes(id, changes) => self.changes(*id, changes),
            Record::NameReserved(arn, deleted) => self.execute(
                "insert or replace into reserved_name (arn, deleted) values (?, ?)",
                params![arn, deleted.0 as i64],
            ),
            Record::Task(row) => self.task(row),
            Record::TaskRemoved(id) => {
                self.execute("delete from move_task where id = ?", [id.as_bytes()])
            }
        }
    }

    /// Writes what is collected per transaction.
    pub(super) fn finish(self) -> rusqlite::Result<()> {
        for (number, progress) in &self.progress {
            let old_scope = progress.old_scope;
            self.execute(
                "update queue set last_sequence = ?, last_receive = ?, old_scope = ?, \
                 old_scope_until = ? where number = ?",
                params![
                    progress.last_sequence as i64,
                    progress.last_receive as i64,
                    old_scope.map(|(scope, _)| text::of_scope(scope)),
                    old_scope.map(|(_, until)| until.0 as i64),
                    number,
                ],
            )?;
        }
        Ok(())
    }

    fn queue(&mut self, row: &QueueRow) -> rusqlite::Result<()> {
        self.execute(
            "insert into queue (id, region, name, created, last_modified, last_purge, attributes, \
             tags) values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do update set \
             last_modified = excluded.last_modified, last_purge = excluded.last_purge, \
             attributes = excluded.attributes, tags = excluded.tags",
            params![
                row.id as i64,
                row.region,
                row.name,
                row.created.0 as i64,
                row.last_modified.0 as i64,
                row.last_purge.map(|at| at.0 as i64),
                text::to_json(&row.settings.pairs()),
                text::to_json(&row.tags),
            ],
        )
    }

    fn delete_queue(&mut self, id: u64) -> rusqlite::Result<()> {
        let Some(number) = self.number(id)? else {
            return Ok(());
        };
        self.purge(number)?;
        self.execute("delete from queue where number = ?", [number])?;
        self.numbers.remove(&id);
        self.progress.remove(&number);
        Ok(())
    }

    fn purge(&self, number: i64) -> rusqlite::Result<()> {
        let keys = [key(number, 0), key(number, MOST - 1)];
        self.execute("delete from message where key between ? and ?", keys)?;
        self.execute("delete from content where key between ? and ?", keys)?;
        self.execute("delete from sent where queue = ?", [number])?;
        self.execute("delete from attempt where queue = ?", [number])
    }

    fn changes(&mut self, id: u64, changes: &Changes<Payload>) -> rusqlite::Result<()> {
        let Some(number) = self.number(id)? else {
            return Ok(());
        };
        if changes.purged {
            self.purge(number)?;
        }
        for (sequence, message) in &changes.messages {
            let key = key(number, *sequence);
            match message {
                None => self.remove(key)?,
                Some(message) => {
                    if *sequence > changes.last_known {
                        self.content(key, &message.content)?;
                    }
                    self.message(key, message)?;
                }
            }
        }
        for origin in &changes.arrived_from {
            if let Some(number) = self.number(origin.queue)? {
                self.remove(key(number, origin.sequence))?;
            }
        }
        for sent in &changes.sent {
            self.execute(
                "insert or replace into sent (queue, message_group, deduplication_id, at, \
                 message, sequence) values (?, ?, ?, ?, ?, ?)",
                params![
                    number,
                    sent.group.as_deref().unwrap_or_default(),
                    sent.deduplication_id,
                    sent.at.0 as i64,
                    sent.message.as_bytes(),
                    sent.sequence as i64,
                ],
            )?;
        }
        for attempt in &changes.attempts {
            let receipts: Vec<_> = attempt.receipts.iter().map(ToString::to_string).collect();
            self.execute(
                "insert or replace into attempt (queue, id, at, receipts) values (?, ?, ?, ?)",
                params![
                    number,
                    attempt.id,
                    attempt.at.0 as i64,
                    text::to_json(&receipts)
                ],
            )?;
        }
        self.progress.insert(number, changes.progress);
        Ok(())
    }

    fn content(&self, key: i64, content: &Content) -> rusqlite::Result<()> {
        let payload = &content.payload;
        self.execute(
            "insert or replace into content (key, id, message_group, deduplication_id, body, md5, \
             attributes, trace_header, sender, sent) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                key,
                content.id.as_bytes(),
                content.group,
                content.deduplication_id,
                payload.body.get(),
                payload.md5.bytes(),
                text::to_json(&payload.attributes),
                payload.trace_header,
                payload.sender,
                payload.sent.0 as i64,
            ],
        )
    }

    fn message(&self, key: i64, message: &Message<Payload>) -> rusqlite::Result<()> {
        let history = &message.history;
        self.execute(
            "insert or replace into message (key, state, ends, entered, received, receives_here, \
             receive, receive_count, first_received, dead_letter_source) \
             values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                key,
                text::of_state(message.state),
                message.ends.0 as i64,
                message.entered.0 as i64,
                message.received.0 as i64,
                message.receives_here,
                message.receive as i64,
                history.receive_count,
                history.first_received.map(|at| at.0 as i64),
                history.dead_letter_source,
            ],
        )
    }

    fn remove(&self, key: i64) -> rusqlite::Result<()> {
        self.execute("delete from message where key = ?", [key])?;
        self.execute("delete from content where key = ?", [key])
    }

    fn task(&self, row: &TaskRow) -> rusqlite::Result<()> {
        self.execute(
            "insert into move_task (id, region, source, destination, rate, started, to_move, \
             moved, status, reason) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do \
             update set moved = excluded.moved, status = excluded.status, reason = excluded.reason",
            params![
                row.id.as_bytes(),
                row.region,
                row.source,
                row.destination,
                row.rate.map(|rate| rate as i64),
                row.started.0 as i64,
                row.to_move as i64,
                row.moved as i64,
                row.status,
                row.reason,
            ],
        )
    }

    /// The number of a queue; `None` if it is deleted.
    fn number(&mut self, id: u64) -> rusqlite::Result<Option<i64>> {
        if let Some(number) = self.numbers.get(&id) {
            return Ok(Some(*number));
        }
        let mut select = self
            .transaction
            .prepare_cached("select number from queue where id = ?")?;
        let number = select.query_row([id as i64], |row| row.get(0)).optional()?;
        if let Some(number) = number {
            self.numbers.insert(id, number);
        }
        Ok(number)
    }

    fn execute(&self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<()> {
        self.transaction.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }
}
