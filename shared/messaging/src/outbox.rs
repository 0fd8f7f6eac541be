//! The outbox: messages written down in the business transaction, to be sent once it committed.

mod order;
mod sendable;
mod transaction;

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::postgres::PgTransactionManager;
use sqlx::{PgConnection, Row as _};
use sqlx_core::transaction::TransactionManager;
use uuid::Uuid;

pub use self::transaction::Transaction;
use crate::topology::{QueueKind, kind};
use crate::transport::{Foreign, LONGEST_DELAY, Outgoing};
use crate::{Error, Message, spans};

/// How long a relay leaves rows to the process that wrote them and sends them by itself.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// Beyond this a delay is a mistake, and timestamps run out.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Whether this process pushes ordered messages. Those that do not are spared a statement a sweep.
pub(crate) static ORDERED: AtomicBool = AtomicBool::new(false);

/// A row of the outbox.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// 0 until it is inserted.
    pub(crate) position: i64,
    pub(crate) outgoing: Outgoing,
    /// Whether it may be kept back to share a call.
    pub(crate) unhurried: bool,
}

/// How often this process has written rows without handing them over. A relay is woken for them
/// by the next commit that it sees.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

tokio::task_local! {
    static PUSHED: Pushed;
}

/// What a handler has pushed: the runtime inserts it all at once before it commits.
struct Pushed {
    /// Where the connection of its transaction is in memory, to tell it from others.
    connection: usize,
    rows: RefCell<Vec<Row>>,
}

/// To tell whether rows were written since.
pub(crate) struct Mark(u64);

impl Mark {
    pub(crate) fn now() -> Mark {
        Mark(WRITTEN.load(Ordering::Acquire))
    }

    pub(crate) fn is_passed(&self) -> bool {
        WRITTEN.load(Ordering::Acquire) != self.0
    }
}

/// Promises to send `message` to all of its destinations if, and only if, `tx` commits.
///
/// In a handler the runtime sends it after the commit. Elsewhere a [`Transaction`] does, or, if
/// `tx` is a plain one, [`Relay::wake`](crate::Relay::wake) once it has committed.
///
/// What a handler pushes is written down when it is done, but in a savepoint, which may be rolled
/// back, at once. So of messages with one ordering key those of savepoints come first.
///
/// What is written down with an ordering key has other transactions that push the same key wait
/// for the end of this one. A handler or a [`Transaction`] writes as the last thing before its
/// commit, so the wait is short and no deadlock comes of it. In a savepoint or a plain transaction
/// push last, and where there are several keys, all transactions in the same order.
///
/// # Errors
/// When the message cannot be written as JSON, no queue would take it, a delay is over 10 years, or
/// the database fails.
pub async fn push<M: Message>(tx: &mut PgConnection, message: &M) -> Result<(), Error> {
    let rows = rows(message)?;
    // A handler that uses a savepoint may roll back to it, so there it is inserted at once, and
    // so it is in a transaction of the handler's own.
    let in_savepoint = PgTransactionManager::get_transaction_depth(tx) > 1;
    let connection = address(tx);
    let mut rows = Some(rows);
    // Outside of a handler there is nobody to collect them.
    let _ = PUSHED.try_with(|pushed| {
        if !in_savepoint && pushed.connection == connection {
            let rows = rows.take().unwrap_or_default();
            pushed.rows.borrow_mut().extend(rows);
        }
    });
    if let Some(rows) = rows {
        insert(tx, rows, Duration::ZERO).await?;
        WRITTEN.fetch_add(1, Ordering::Release);
    }
    Ok(())
}

/// Does a handler's `work` in the transaction of a connection, and returns what it has pushed
/// there besides.
pub(crate) async fn collect<F: Future>(connection: usize, work: F) -> (F::Output, Vec<Row>) {
    let collecting = async {
        let output = work.await;
        (output, PUSHED.with(|pushed| pushed.rows.take()))
    };
    let pushed = Pushed {
        connection,
        rows: RefCell::default(),
    };
    PUSHED.scope(pushed, collecting).await
}

/// A connection stays in its place for as long as a transaction borrows it.
pub(crate) fn address(connection: &PgConnection) -> usize {
    std::ptr::from_ref(connection).addr()
}

/// A row for each destination.
pub(crate) fn rows<M: Message>(message: &M) -> Result<Vec<Row>, Error> {
    let body = serde_json::to_string(message).map_err(|source| Error::Encode {
        kind: M::KIND,
        source,
    })?;
    let body = sendable::escaped(body);
    let ordering_key = message.ordering_key();
    if ordering_key.is_some() {
        ORDERED.store(true, Ordering::Relaxed);
    }
    let row = |destination: crate::Destination| {
        let id = Uuid::now_v7();
        let created = spans::create(&destination.queue, id, M::KIND);
        let wait = destination.delay.unwrap_or_default();
        if wait > LONGEST_WAIT {
            return Err(Error::DelayTooLong(wait));
        }
        let outgoing = Outgoing {
            id,
            queue: destination.queue.into_owned(),
            kind: M::KIND.to_owned(),
            body: body.clone(),
            ordering_key: ordering_key.clone(),
            trace_parent: created.map(|trace| trace.to_string()),
            deduplication_id: None,
            foreign: Foreign::new(),
            due_at: destination.delay.map(|delay| SystemTime::now() + delay),
            dead: None,
        };
        sendable::check(M::KIND, &outgoing)?;
        Ok(Row {
            position: 0,
            outgoing,
            unhurried: destination.unhurried,
        })
    };
    message.destinations().into_iter().map(row).collect()
}

impl Row {
    /// How long it has to stay in the outbox: what of its delay is longer than its queue takes.
    pub(crate) fn wait(&self) -> Duration {
        let due = self.outgoing.due_at.unwrap_or(SystemTime::UNIX_EPOCH);
        let left = due.duration_since(SystemTime::now()).unwrap_or_default();
        match kind(&self.outgoing.queue) {
            QueueKind::Standard => left.saturating_sub(LONGEST_DELAY),
            QueueKind::Fifo => left,
        }
    }

    /// Whether the process that writes it may send it by itself. Ordered messages may not: another
    /// process could overtake.
    pub(crate) fn may_be_handed_over(&self) -> bool {
        self.outgoing.ordering_key.is_none() && self.wait().is_zero()
    }
}

/// Inserts all rows by one statement and returns them with their positions. No relay touches them
/// before `lease` is over, or before what of a delay has to be waited for here is.
pub(crate) fn insert(
    tx: &mut PgConnection,
    rows: Vec<Row>,
    lease: Duration,
) -> BoxFuture<'_, Result<Vec<Row>, Error>> {
    insert_all(tx, rows, lease).boxed()
}

async fn insert_all(
    tx: &mut PgConnection,
    mut rows: Vec<Row>,
    lease: Duration,
) -> Result<Vec<Row>, Error> {
    if rows.is_empty() {
        return Ok(rows);
    }
    order::lock(tx, &rows).await?;
    let millis = |time: Duration| time.as_millis() as i64;
    let column = |of: fn(&Outgoing) -> &str| -> Vec<&str> {
        rows.iter().map(|row| of(&row.outgoing)).collect()
    };
    let optional = |of: fn(&Outgoing) -> Option<&str>| -> Vec<Option<&str>> {
        rows.iter().map(|row| of(&row.outgoing)).collect()
    };
    let ids: Vec<Uuid> = rows.iter().map(|row| row.outgoing.id).collect();
    let now = SystemTime::now();
    let due: Vec<Option<i64>> = rows
        .iter()
        .map(|row| row.outgoing.due_at)
        .map(|due| due.map(|due| millis(due.duration_since(now).unwrap_or_default())))
        .collect();
    let waits: Vec<i64> = rows
        .iter()
        .map(|row| match row.may_be_handed_over() {
            true => millis(lease),
            false => millis(row.wait()),
        })
        .collect();

    let inserted = sqlx::query(
        "insert into outbox
             (message_id, queue, kind, body, ordering_key, trace_parent, due_at, send_at)
         select message_id, queue, kind, body, ordering_key, trace_parent,
                now() + due * interval '1 millisecond', now() + wait * interval '1 millisecond'
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                     $7::bigint[], $8::bigint[])
             as row (message_id, queue, kind, body, ordering_key, trace_parent, due, wait)
         returning position, message_id",
    )
    .bind(&ids)
    .bind(column(|row| &row.queue))
    .bind(column(|row| &row.kind))
    .bind(column(|row| &row.body))
    .bind(optional(|row| row.ordering_key.as_deref()))
    .bind(optional(|row| row.trace_parent.as_deref()))
    .bind(&due)
    .bind(&waits)
    .fetch_all(tx)
    .await?;
    for (row, inserted) in rows.iter_mut().zip(inserted) {
        debug_assert_eq!(inserted.try_get::<Uuid, _>(1)?, row.outgoing.id);
        row.position = inserted.try_get(0)?;
    }
    Ok(rows)
}
