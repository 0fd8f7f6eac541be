//! The poll: reads rows from the table, sends and deletes them, in one transaction.

use std::time::{Duration, SystemTime};

use database::Transaction;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use tokio_util::sync::CancellationToken;

use super::Relay;
use crate::envelope::{ExtraAttributes, Outgoing};
use crate::outbox::Row;
use crate::relay::parked;
use crate::relay::send::send;
use crate::{Backoff, Error};

/// Maximum rows per transaction: 20 calls of ten. `database::timeouts::IDLE_IN_TRANSACTION` allows
/// for them.
const ROWS: i64 = 200;
/// How often the table is polled: for rows whose delay or backoff has ended, and for rows of a dead
/// process.
const INTERVAL: Duration = Duration::from_secs(1);

/// Deletes rows and returns them. The transaction commits once they are sent. Rows that another
/// relay has locked are skipped.
const TAKE: &str = "
    delete from outbox where position = any(array(
        select position from outbox
        where send_at <= now() and ordering_key is null
        order by send_at limit $1 for update skip locked))
    returning position, message_id, queue, kind, body, ordering_key, trace_parent,
              extract(epoch from due_at - now())::float8 as due_in";

/// Lets one relay at a time send ordered rows.
const LOCK_ORDERED: &str = "select pg_try_advisory_xact_lock('outbox'::regclass::oid::int, 0)";
/// The same for ordered rows. A row waits for an earlier one of its key, unless that one is parked.
const TAKE_ORDERED: &str = "
    delete from outbox where position = any(array(
        select position from outbox as row
        where send_at <= now() and ordering_key is not null and not exists (
            select from outbox as earlier
            where earlier.ordering_key = row.ordering_key and earlier.queue = row.queue
              and earlier.position < row.position
              and earlier.send_at > now() and earlier.send_at < 'infinity')
        order by position limit $1 for update))
    returning position, message_id, queue, kind, body, ordering_key, trace_parent,
              extract(epoch from due_at - now())::float8 as due_in";

/// Puts a refused row back: for another attempt after $9 seconds, or parked if $9 is null.
const PUT_BACK: &str = "
    insert into outbox (position, message_id, queue, kind, body, ordering_key, trace_parent,
                        due_at, send_at)
    values ($1, $2, $3, $4, $5, $6, $7, now() + $8 * interval '1 second',
            coalesce(now() + $9 * interval '1 second', 'infinity'))";

impl Relay {
    /// Polls until `shutdown`.
    pub(super) async fn poll_outbox(&self, shutdown: &CancellationToken) {
        let mut failures = 0;
        loop {
            match self.poll_once(failures + 1).await {
                Ok(Polled::Sent { more: true }) => {
                    failures = 0;
                    continue;
                }
                Ok(Polled::Sent { more: false }) => {
                    failures = 0;
                    self.shared.health.works("the outbox");
                }
                Ok(Polled::Refused { progress: true }) => failures = 1,
                Ok(Polled::Refused { progress: false }) => failures += 1,
                Err(error) => {
                    failures += 1;
                    self.shared.health.fails("the outbox", &error.line());
                    let delay = Backoff::SERVER.delay(failures);
                    shutdown
                        .run_until_cancelled(tokio::time::sleep(delay))
                        .await;
                }
            }
            let woken = async {
                tokio::select! {
                    () = self.shared.committed.ordered.notified() => {}
                    () = self.rows_are_due() => {}
                }
            };
            if shutdown.run_until_cancelled(woken).await.is_none() {
                return;
            }
        }
    }

    /// Waits until the table has rows to send.
    async fn rows_are_due(&self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            // The poll itself reports a database that fails.
            if self.is_due().await.unwrap_or(true) {
                return;
            }
        }
    }

    async fn is_due(&self) -> Result<bool, sqlx::Error> {
        let due = async {
            let mut connection = database::lend(&self.shared.db).await?;
            sqlx::query_scalar("select exists(select from outbox where send_at <= now())")
                .fetch_one(&mut *connection)
                .await
        };
        self.answered(due).await
    }

    /// Sends up to [`ROWS`] unordered rows, and up to [`ROWS`] ordered ones.
    async fn poll_once(&self, failures: u32) -> Result<Polled, Error> {
        let free = self.poll_rows(failures, TAKE, None).await?;
        let ordered = self
            .poll_rows(failures, TAKE_ORDERED, Some(LOCK_ORDERED))
            .await?;
        Ok(match (free, ordered) {
            (Polled::Refused { progress: a }, Polled::Refused { progress: b }) => {
                Polled::Refused { progress: a || b }
            }
            (refused @ Polled::Refused { .. }, _) | (_, refused @ Polled::Refused { .. }) => {
                refused
            }
            (Polled::Sent { more: free }, Polled::Sent { more: ordered }) => Polled::Sent {
                more: free || ordered,
            },
        })
    }

    async fn poll_rows(
        &self,
        failures: u32,
        take: &'static str,
        lock: Option<&'static str>,
    ) -> Result<Polled, Error> {
        let (mut tx, mut rows) = self.answered(self.take_rows(take, lock)).await?;
        if rows.is_empty() {
            return Ok(Polled::Sent { more: false });
        }
        let more = rows.len() == ROWS as usize;
        let count = rows.len();
        rows.sort_by_key(|row| row.position);

        let unsent = send(&self.shared.transport, &self.shared.health, rows).await;
        let wait = Backoff::SERVER.delay(failures);
        let (mut parking, mut refused) = (vec![], 0);
        let finished = async {
            for unsent in unsent {
                let wait = (!unsent.refused.is_final).then_some(wait);
                put_back(&mut tx, &unsent.row, wait).await?;
                match wait {
                    Some(_) => refused += 1,
                    None => parking.push(unsent),
                }
            }
            tx.commit().await
        };
        self.answered(finished).await?;
        parking.iter().for_each(parked);
        Ok(match refused {
            0 => Polled::Sent { more },
            _ => Polled::Refused {
                progress: refused < count,
            },
        })
    }
}

impl Relay {
    /// Takes rows out of the table, in the transaction that is returned. There are none while
    /// another relay has the `lock`.
    async fn take_rows(
        &self,
        take: &'static str,
        lock: Option<&'static str>,
    ) -> Result<(Transaction, Vec<Row>), sqlx::Error> {
        let mut tx = database::begin(&self.shared.db).await?;
        if let Some(lock) = lock
            && !sqlx::query_scalar::<_, bool>(lock)
                .fetch_one(&mut *tx)
                .await?
        {
            return Ok((tx, vec![]));
        }
        let taken = sqlx::query(take).bind(ROWS).fetch_all(&mut *tx).await?;
        let rows = taken.iter().map(row).collect::<Result<_, _>>()?;
        Ok((tx, rows))
    }
}

/// The result of a poll.
enum Polled {
    /// All rows were sent. `more` says that the table may have others.
    Sent { more: bool },
    /// Some rows were put back. `progress` says that others were sent.
    Refused { progress: bool },
}

fn row(row: &PgRow) -> Result<Row, sqlx::Error> {
    let due_in: Option<f64> = row.try_get("due_in")?;
    let due_in = due_in.map(|seconds| Duration::from_secs_f64(seconds.max(0.0)));
    let outgoing = Outgoing {
        id: row.try_get("message_id")?,
        queue: row.try_get("queue")?,
        kind: row.try_get("kind")?,
        body: row.try_get("body")?,
        ordering_key: row.try_get("ordering_key")?,
        trace_parent: row.try_get("trace_parent")?,
        deduplication_id: None,
        extra: ExtraAttributes::new(),
        due_at: due_in.map(|left| SystemTime::now() + left),
        dead: None,
    };
    Ok(Row {
        position: row.try_get("position")?,
        outgoing,
        deferred: false,
    })
}

async fn put_back(
    tx: &mut PgConnection,
    row: &Row,
    wait: Option<Duration>,
) -> Result<(), sqlx::Error> {
    let Row {
        position, outgoing, ..
    } = row;
    let left = |due: SystemTime| due.duration_since(SystemTime::now()).unwrap_or_default();
    sqlx::query(PUT_BACK)
        .bind(position)
        .bind(outgoing.id)
        .bind(&outgoing.queue)
        .bind(&outgoing.kind)
        .bind(&outgoing.body)
        .bind(&outgoing.ordering_key)
        .bind(&outgoing.trace_parent)
        .bind(outgoing.due_at.map(|due| left(due).as_secs_f64()))
        .bind(wait.map(|wait| wait.as_secs_f64()))
        .execute(tx)
        .await?;
    Ok(())
}
